"""Every read about retention: the rules of a team, and which runs they are about now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from dashboard.retention.models import STATUSES, RetentionRule
from dashboard.runs.models import Run, RunResult, WaitState
from dashboard.steps.models import RunCheckpoint, Step
from dashboard.teams.models import Team


@dataclass(frozen=True)
class WouldGo:
    """How many runs of one status a rule would now take the results of, and how many it would remove."""

    results: int
    runs: int


def rules_of(team: Team) -> list[RetentionRule]:
    """A rule for each way a run can end; those nobody made keep everything, and are not saved."""
    kept = {rule.status: rule for rule in RetentionRule.objects.filter(team=team)}
    return [kept.get(status) or RetentionRule(team=team, status=status) for status in STATUSES]


def runs_to_remove(rule: RetentionRule) -> QuerySet[Run]:
    """The runs that are too old by the rule, oldest first."""
    return _older(rule, rule.runs_days)


def runs_to_empty(rule: RetentionRule) -> QuerySet[Run]:
    """The runs whose results, and whatever their steps wrote, are too old by the rule, oldest first."""
    has_result = Exists(RunResult.objects.filter(run=OuterRef("pk")))
    has_states = Exists(RunCheckpoint.objects.filter(run=OuterRef("pk"), compressed__isnull=False))
    has_writes = Exists(Step.objects.filter(run=OuterRef("pk")).exclude(writes_json=""))
    return _older(rule, rule.results_days).filter(has_result | has_states | has_writes)


def would_go(rules: Iterable[RetentionRule]) -> dict[str, WouldGo]:
    """What each rule would take now, by status. A run that goes altogether is not counted with the results."""
    found = {}
    for rule in rules:
        leaves = runs_to_remove(rule)
        empties = runs_to_empty(rule).exclude(pk__in=leaves.values("pk"))
        found[rule.status] = WouldGo(results=empties.count(), runs=leaves.count())
    return found


def _older(rule: RetentionRule, days: int | None) -> QuerySet[Run]:
    """Runs of the rule's kind that ended more than so many days ago. Starred ones, and those that wait, are kept."""
    if days is None:
        return Run.objects.none()
    runs = Run.objects.filter(team_id=rule.team_id, status=rule.status, finished_at__lt=Now() - timedelta(days=days))
    return runs.filter(~Q(wait_state=WaitState.OPEN), is_starred=False).order_by("finished_at")
