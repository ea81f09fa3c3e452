"""Several runs as a link shows them: each is redacted by itself, and only then compared or listed."""

from __future__ import annotations

import copy
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.http import Http404
from django.template.loader import render_to_string
from django.urls import reverse

from dashboard.compare.comparison import OF_THE_TEAM, Comparison, Side, compare_sides
from dashboard.runs.models import Run
from dashboard.runs.state.document import Place
from dashboard.runs.state.json_values import read_json
from dashboard.runs.state.threads import thread_of
from dashboard.runs.summary import BODY_MAX_BYTES, outcome_text
from dashboard.sharing.models import RunSet, SetKind, ShareLink
from dashboard.sharing.pages import shared_runs
from dashboard.sharing.sets.selectors import kept_rows, live_rows, set_runs
from dashboard.sharing.shown import INPUT, SharedRun
from dashboard.steps.models import Step

TEMPLATES: Final = {
    SetKind.COMPARISON: "sharing/sets/_comparison.html",
    SetKind.THREAD: "sharing/sets/_thread.html",
    SetKind.VIEW: "sharing/sets/_view.html",
}


def set_context(link: ShareLink, run_set: RunSet, *, before: str = "") -> dict[str, Any]:
    """The context of a page of several runs. `before`: where a page of a live view begins."""
    kind = SetKind(run_set.kind)
    context: dict[str, Any] = {"run_set": run_set, "template": TEMPLATES[kind], "link": link}
    if kind == SetKind.VIEW:
        return context | _view(link, run_set, before)
    found = shared_runs(link, set_runs(link, run_set))
    if kind == SetKind.COMPARISON:
        return context | {"count": len(found), "comparison": _comparison(link, found) if found else None}
    return context | {"count": len(found), "rows": _thread(link, found)}


def set_html(link: ShareLink, run_set: RunSet) -> str:
    """The part of that page that changes."""
    return render_to_string("sharing/sets/_set.html", set_context(link, run_set))


def set_documents(link: ShareLink, run_set: RunSet, *, before: str = "") -> tuple[list[dict[str, Any]], str]:
    """The runs for programs, and where the next ones begin."""
    if run_set.kind == SetKind.VIEW:
        found = _view(link, run_set, before)
        return [_document(link, row) for row in found["rows"]], found["older"]
    return [_document(link, run_row(shared)) for shared in shared_runs(link, set_runs(link, run_set))], ""


def run_address(link: ShareLink, run_id: UUID | str) -> str:
    """The page of one of the runs, by this link."""
    return reverse("share-run", args=[link.token, run_id])


# A view.


def run_row(shared: SharedRun) -> dict[str, Any]:
    """A run in a list, as JSON: its summary only where the input is shown, its outcome only where the result is.

    Neither is the stored line: both are made again from the redacted documents.
    """
    run = shared.run()
    return {
        "id": str(run.pk),
        "title": run.title,
        "about": run.summary if run.name else "",
        "outcome": _outcome(shared, run),
        "status": run.status,
        "assistant": run.assistant_label,
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }


def _outcome(shared: SharedRun, run: Run) -> str:
    if run.has_error:
        return outcome_text(error=(run.error_type, run.error_message, run.error_node))
    found = shared.stored
    if found is None or not shared.shows_state or found.size_bytes > BODY_MAX_BYTES:
        return ""
    with suppress(ValueError, RecursionError):
        return outcome_text(state=shared.of_state(read_json(found.body)))
    return ""


def _view(link: ShareLink, run_set: RunSet, before: str) -> dict[str, Any]:
    if run_set.is_frozen:
        rows = kept_rows(link, run_set)
        return {"rows": [_shown(link, row) for row in rows], "count": len(rows), "older": ""}
    runs, older = live_rows(link, run_set, before=before)
    rows = [run_row(SharedRun(link, run)) for run in runs]
    return {"rows": [_shown(link, row) for row in rows], "count": len(rows), "older": older, "before": before}


def _shown(link: ShareLink, row: dict[str, Any]) -> dict[str, Any]:
    """A row for a template: a run that is not saved, with its address."""
    moments = {name: datetime.fromisoformat(row[name]) if row[name] else None for name in _MOMENTS}
    run = Run(id=UUID(row["id"]), status=row["status"], **moments)
    return {**row, "run": run, "address": run_address(link, row["id"])}


_MOMENTS: Final = ("created_at", "started_at", "finished_at")


def _document(link: ShareLink, row: dict[str, Any]) -> dict[str, Any]:
    kept = ("id", "title", "about", "outcome", "status", "assistant", *_MOMENTS)
    return {**{name: row[name] for name in kept}, "url": run_address(link, row["id"])}


# A comparison.


def _comparison(link: ShareLink, found: list[SharedRun]) -> Comparison:
    return compare_sides([_side(link, shared) for shared in found], without=OF_THE_TEAM)


def _side(link: ShareLink, shared: SharedRun) -> Side:
    run = shared.run()
    names = (*(INPUT if "input" in link.show else ()), *(shared.other_names if "parameters" in link.show else ()))
    is_sent = bool({"input", "parameters"} & set(link.show))
    root = _root(shared)
    return Side(
        run=run,
        address=run_address(link, run.pk),
        state=root,
        params=dict(shared.sent(names)) if is_sent else None,
        steps=_steps(shared) if "steps" in link.show else None,
        is_left_out=root is None and shared.shows_state and shared.stored is not None,
    )


def _steps(shared: SharedRun) -> list[Step]:
    found = []
    for shown in shared.steps()["steps"]:
        step = copy.copy(shown.row.step)
        step.node, step.path = shown.node, shown.path
        found.append(step)
    return found


def _root(shared: SharedRun) -> Place | None:
    """The shown part of the final state; None when there is none, or it cannot be read."""
    if not shared.shows_state:
        return None
    try:
        document = shared.document(shared.state())
    except Http404:
        return None
    return document.root if document is not None else None


# A thread.


def _thread(link: ShareLink, found: list[SharedRun]) -> list[dict[str, Any]]:
    by_id = {shared.run_id: shared for shared in found}
    runs = [shared.run() for shared in found]
    shows_talk = "messages" in link.show
    rows = thread_of(runs, root_of=lambda run: _root(by_id[run.pk]) if shows_talk else None)
    return [
        {
            "run": one.run,
            "number": one.number,
            "added": one.added,
            "is_fork": one.is_fork,
            "is_on_branch": one.is_on_branch,
            "address": run_address(link, one.run.pk),
            "state_address": by_id[one.run.pk].address,
        }
        for one in rows
    ]
