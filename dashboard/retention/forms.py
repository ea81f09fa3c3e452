"""The rules of a team as a form: two numbers of days for each way in which a run can end."""

from __future__ import annotations

from typing import Any

from django import forms

from dashboard.retention.models import STATUSES, RetentionRule
from dashboard.teams.models import Team

DAYS_MAX = 36_500


class RetentionForm(forms.Form):
    """Fields `results_<status>` and `runs_<status>`: days, or empty for ever."""

    def __init__(self, data: Any, *, rules: list[RetentionRule]) -> None:
        super().__init__(data)
        self.rules = rules
        for rule in rules:
            for name, days in (("results", rule.results_days), ("runs", rule.runs_days)):
                label = f"Days until {name} of {rule.get_status_display().lower()} runs are removed"
                self.fields[f"{name}_{rule.status}"] = forms.IntegerField(
                    required=False, min_value=1, max_value=DAYS_MAX, initial=days, label=label
                )

    def rows(self) -> list[dict[str, Any]]:
        """A row for each status: its rule and its two fields."""
        return [
            {"rule": rule, "results": self[f"results_{rule.status}"], "runs": self[f"runs_{rule.status}"]}
            for rule in self.rules
        ]

    def given(self, team: Team) -> list[RetentionRule]:
        """The rules, not saved. Only for a valid form."""
        return [
            RetentionRule(
                team=team,
                status=status,
                results_days=self.cleaned_data[f"results_{status}"],
                runs_days=self.cleaned_data[f"runs_{status}"],
            )
            for status in STATUSES
        ]
