"""What a run's models were used for, on its page."""

from __future__ import annotations

from typing import Any

from django import template

from dashboard.costs.selectors import run_cost
from dashboard.runs.models import Run

register = template.Library()


@register.inclusion_tag("costs/_cost.html", name="run_cost")
def cost_line(run: Run, *, is_update: bool = False) -> dict[str, Any]:
    """Tokens and their cost in a line, which takes the place of the one that is shown when it comes with an update."""
    return {"run": run, "cost": run_cost(run), "is_update": is_update}


@register.inclusion_tag("costs/_costs.html", name="run_costs")
def cost_table(run: Run, *, is_update: bool = False) -> dict[str, Any]:
    """The same model by model."""
    return {"run": run, "cost": run_cost(run), "is_update": is_update}
