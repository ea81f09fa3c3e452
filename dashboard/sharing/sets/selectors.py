"""The runs of links to several."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from dashboard.history.filters import RunFilters
from dashboard.history.selectors import run_list, run_page
from dashboard.runs.models import Run
from dashboard.runs.selectors import NOT_ON_PAGE, ON_PAGE
from dashboard.runs.state.threads import RUNS_MAX as THREAD_RUNS
from dashboard.sharing.models import RunSet, SetKind, ShareLink
from dashboard.teams.models import Team

PAGE_ROWS: Final = 25
"""Rows of a live view; each of its runs is searched for what the link hides."""


def runs_of(team_id: UUID, run_ids: Sequence[UUID]) -> list[Run]:
    """The team's runs with these ids, in this order, without deleted ones."""
    found = {run.pk: run for run in _on_page(team_id).filter(pk__in=run_ids)}
    return [found[run_id] for run_id in run_ids if run_id in found]


def thread_members(team_id: UUID, server_id: UUID, thread_id: str) -> list[Run]:
    """The team's runs on a thread, oldest first; the last THREAD_RUNS of them."""
    found = _on_page(team_id).filter(server_id=server_id, remote_thread_id=thread_id).order_by("-created_at")
    return list(found[:THREAD_RUNS])[::-1]


def set_runs(link: ShareLink, run_set: RunSet) -> list[Run]:
    """The runs of a comparison or a thread, in order."""
    if run_set.kind == SetKind.THREAD and run_set.server_id is not None:
        return thread_members(link.team_id, run_set.server_id, run_set.thread_id)
    return runs_of(link.team_id, run_set.run_ids)


def set_others(link: ShareLink, run: Run) -> list[Run]:
    """The other runs that a comparison or thread shows with this one; none for a list."""
    several = link.several
    if several is None or several.kind == SetKind.VIEW:
        return []
    return [one for one in set_runs(link, several) if one.pk != run.pk]


def set_run(link: ShareLink, run_id: UUID) -> Run | None:
    """One of the runs that the link shows; None for any other run."""
    several = link.several
    if several is None or not set_has(link, several, run_id):
        return None
    return _on_page(link.team_id).filter(pk=run_id).first()


def set_has(link: ShareLink, run_set: RunSet, run_id: UUID) -> bool:
    """Whether a run is one of those that the link shows now."""
    if run_set.kind == SetKind.THREAD:
        return any(run.pk == run_id for run in set_runs(link, run_set))
    if run_set.kind == SetKind.COMPARISON or run_set.is_frozen:
        return run_id in run_set.run_ids
    return run_list(link.team_id, filters_of(run_set)).filter(pk=run_id).exists()


def filters_of(run_set: RunSet) -> RunFilters:
    """The filters of a view."""
    return RunFilters.from_text(run_set.query)


def live_rows(link: ShareLink, run_set: RunSet, *, before: str = "") -> tuple[list[Run], str]:
    """A page of the runs that a live view shows now, with what their pages need, and where the next ones begin."""
    page = run_page(link.team_id, filters_of(run_set), before=before, rows=PAGE_ROWS)
    return runs_of(link.team_id, [run.pk for run in page.runs]), page.older


def kept_rows(link: ShareLink, run_set: RunSet) -> list[dict[str, Any]]:
    """The rows of a view as it was, without those whose runs were deleted since."""
    rows: list[dict[str, Any]] = json.loads(run_set.rows_json)
    left = {
        str(pk) for pk in Run.objects.filter(team=link.team_id, pk__in=run_set.run_ids).values_list("pk", flat=True)
    }
    return [row for row in rows if row["id"] in left]


def run_ids_that_match(team: Team, filters: RunFilters, most: int) -> list[UUID]:
    """The first runs of a view, in its order."""
    return [run.pk for run in run_page(team, filters, rows=most).runs]


def _on_page(team_id: UUID) -> QuerySet[Run]:
    found = Run.objects.filter(team=team_id).select_related(*ON_PAGE, "step_log")
    return found.defer(*NOT_ON_PAGE)
