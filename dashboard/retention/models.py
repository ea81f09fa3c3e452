"""How long a team keeps its runs."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dashboard.runs.statuses import ENDS, RunStatus
from dashboard.teams.models import Team

STATUSES = [status for status in RunStatus if status in ENDS]
"""The statuses that a rule can be about, in the order in which they are shown."""


class RetentionRule(models.Model):
    """When a team's runs with one status lose their results, and when they are removed. None: never."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="retention_rules")
    status = models.CharField(max_length=12, choices=[(status.value, status.label) for status in STATUSES])
    results_days = models.PositiveIntegerField(null=True)
    runs_days = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "status"], name="retention_rule_once"),
            models.CheckConstraint(condition=Q(status__in=sorted(ENDS)), name="retention_rule_status_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()}: results {self.results_days} days, runs {self.runs_days} days"
