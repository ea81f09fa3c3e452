"""The runs related to a run: its parent, its children, those on its thread and those with the same input."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Length

from dashboard.runs.models import ParentKind, Run, RunRequest
from dashboard.runs.selectors import NOT_IN_ROWS
from dashboard.servers.selectors import assistant_ids_like

EACH: Final = 10
LOOKED_AT: Final = 50
INPUT_CHARS: Final = 20_000
CAME_OF_IT: Final = {
    ParentKind.AGAIN: "Launched again as",
    ParentKind.EDIT: "Launched again, with changes, as",
    ParentKind.ANSWER: "Answered by",
    ParentKind.CONTINUE: "Continued by",
    ParentKind.FORK: "Forked as",
    ParentKind.FORM: "Launched by form",
}


@dataclass(frozen=True)
class Related:
    """A run and its relation to the one on the page."""

    label: str
    run: Run


def runs_related(run: Run) -> list[Related]:
    """At most a few of each sort, each run once, the closest sort first."""
    runs = Run.objects.filter(team_id=run.team_id).exclude(pk=run.pk).select_related("launched_by").defer(*NOT_IN_ROWS)
    found: list[Related] = []
    if run.parent_id:
        found += [Related(run.get_parent_kind_display() or "From", one) for one in runs.filter(pk=run.parent_id)]
    for one in runs.filter(parent=run).order_by("created_at")[:EACH]:
        found.append(Related(_came_of_it(one), one))
    if run.remote_thread_id:
        there = runs.filter(server_id=run.server_id, remote_thread_id=run.remote_thread_id)
        found += [Related("On the same thread", one) for one in there.order_by("-created_at")[:EACH]]
    found += [Related("With the same input", one) for one in _same_input(run, runs)]
    known: set[UUID] = set()
    return [one for one in found if not (one.run.pk in known or known.add(one.run.pk))]  # type: ignore[func-returns-value]


def _came_of_it(child: Run) -> str:
    try:
        return CAME_OF_IT[ParentKind(child.parent_kind)]
    except (KeyError, ValueError):
        return "Went on as"


def _same_input(run: Run, runs: QuerySet[Run]) -> list[Run]:
    """Among the assistant's latest runs; inputs of more than INPUT_CHARS are not compared."""
    wanted = run.request.params.get("input")
    if wanted is None or len(run.request.params_json) > INPUT_CHARS:
        return []
    recent = runs.filter(server_id=run.server_id).order_by("-created_at", "-id").values_list("pk", flat=True)
    meant = assistant_ids_like(run.server_id, run.assistant_id)
    ids = [pk for one in meant for pk in recent.filter(assistant_id=one)[:LOOKED_AT]]
    short = RunRequest.objects.filter(run_id__in=ids).alias(length=Length("params_json"))
    inputs = short.filter(length__lte=INPUT_CHARS).values_list("run_id", "params_json")
    same = [run_id for run_id, text in inputs if _input(text) == wanted]
    return list(runs.filter(pk__in=same).order_by("-created_at")[:EACH])


def _input(text: str) -> Any:
    return json.loads(text).get("input")
