"""Every read about retention: the rules of a team, and the runs to which they apply now."""

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
    """How many runs of one status would lose their results now, and how many would be removed."""

    results: int
    runs: int


def rules_of(team: Team) -> list[RetentionRule]:
    """A rule for each way a run can end; missing ones keep everything, and are not saved."""
    kept = {rule.status: rule for rule in RetentionRule.objects.filter(team=team)}
    return [kept.get(status) or RetentionRule(team=team, status=status) for status in STATUSES]


def runs_to_remove(rule: RetentionRule) -> QuerySet[Run]:
    """The runs older than the rule allows, oldest first."""
    return _older(rule, rule.runs_days)


def runs_to_empty(rule: RetentionRule) -> QuerySet[Run]:
    """The runs whose results, including what their steps wrote, are older than the rule allows, oldest first."""
    has_result = Exists(RunResult.objects.filter(run=OuterRef("pk")))
    has_states = Exists(RunCheckpoint.objects.filter(run=OuterRef("pk"), compressed__isnull=False))
    has_writes = Exists(Step.objects.filter(run=OuterRef("pk")).exclude(writes_json=""))
    return _older(rule, rule.results_days).filter(has_result | has_states | has_writes)


def would_go(rules: Iterable[RetentionRule]) -> dict[str, WouldGo]:
    """What each rule would remove now, by status. A run that is removed does not count among the results."""
    found = {}
    for rule in rules:
        leaves = runs_to_remove(rule)
        empties = runs_to_empty(rule).exclude(pk__in=leaves.values("pk"))
        found[rule.status] = WouldGo(results=empties.count(), runs=leaves.count())
    return found


def _older(rule: RetentionRule, days: int | None) -> QuerySet[Run]:
    """The rule's runs that ended more than this many days ago, except starred ones and those that wait."""
    if days is None:
        return Run.objects.none()
    runs = Run.objects.filter(team_id=rule.team_id, status=rule.status, finished_at__lt=Now() - timedelta(days=days))
    return runs.filter(~Q(wait_state=WaitState.OPEN), is_starred=False).order_by("finished_at")
