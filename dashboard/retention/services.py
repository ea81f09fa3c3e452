"""Every write about retention: the rules of admins, and the removals of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db import transaction
from django.db.models import QuerySet

from dashboard.retention.models import RetentionRule
from dashboard.retention.selectors import runs_to_empty, runs_to_remove
from dashboard.runs.events import EventKind
from dashboard.runs.models import Run, RunResult
from dashboard.runs.search_words import all_words
from dashboard.runs.services import run_delete
from dashboard.runs.transitions import event_append
from dashboard.runs.values import value_keys
from dashboard.steps.models import LiveText, RunCheckpoint, Step
from dashboard.teams.models import Team

AT_ONCE = 50
"""How many a worker removes before it does something else."""


def retention_save(*, team: Team, rules: Iterable[RetentionRule]) -> None:
    """Let the team keep its runs by these rules from now on; one for each status."""
    with transaction.atomic():
        for rule in rules:
            days = {"results_days": rule.results_days, "runs_days": rule.runs_days}
            RetentionRule.objects.update_or_create(team=team, status=rule.status, defaults=days)


def retention_work() -> bool:
    """Remove some of what is too old by any team's rules. Returns whether there may be more. Called by workers.

    Removes runs before results, so that no run is emptied first and then removed. Several workers may call it at once.
    """
    for rule in RetentionRule.objects.order_by("pk"):
        if _each(runs_to_remove(rule), run_delete) or _each(runs_to_empty(rule), run_empty):
            return True
    return False


def _each(runs: QuerySet[Run], remove: Callable[..., object]) -> bool:
    """Remove some runs, after another check: somebody may just have starred one."""
    found = list(runs.values_list("pk", flat=True)[:AT_ONCE])
    for run_id in found:
        with transaction.atomic():
            run = runs.filter(pk=run_id).select_for_update(skip_locked=True, of=("self",), no_key=True).first()
            if run is not None:
                remove(run=run)
    return len(found) == AT_ONCE


def run_empty(*, run: Run) -> None:
    """Remove a run's results: its final state, its checkpoints, and what its steps wrote."""
    RunResult.objects.filter(run=run).delete()
    LiveText.objects.filter(run=run).delete()
    RunCheckpoint.objects.filter(run=run).update(compressed=None)
    Step.objects.filter(run=run).update(writes_json="")
    params = run.request.params
    run.outcome_text = ""
    event_append(
        run,
        EventKind.RESULT_REMOVED,
        outcome_text="",
        search_text=all_words(run, params, None),
        value_keys=value_keys("input", params.get("input")) if "input" in params else [],
    )
