"""Parts of a run's page: comparisons, values that are in no final state, and the changes of a step."""

from __future__ import annotations

from typing import Any

from django import template

from dashboard.compare.so_far import so_far
from dashboard.compare.step_changes import step_changes
from dashboard.runs.models import Run
from dashboard.steps.models import Step

register = template.Library()


@register.inclusion_tag("compare/_so_far.html")
def run_so_far(run: Run) -> dict[str, Any]:
    """The progress of a run without a final state."""
    return {"run": run, "so_far": so_far(run)}


@register.inclusion_tag("compare/_step_changes.html")
def step_difference(run: Run, step: Step) -> dict[str, Any]:
    """The changes of a step in the state."""
    return {"run": run, "step": step, "changed": step_changes(run, step)}
