"""What a run's page shows of runs beside it, and of values that are in no final state."""

from __future__ import annotations

from typing import Any

from django import template

from dashboard.compare.so_far import so_far
from dashboard.runs.models import Run

register = template.Library()


@register.inclusion_tag("compare/_so_far.html")
def run_so_far(run: Run) -> dict[str, Any]:
    """What a run without a final state had done, and what it was given."""
    return {"run": run, "so_far": so_far(run)}
