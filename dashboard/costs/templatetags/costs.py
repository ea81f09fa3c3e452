"""The tokens and cost of a run's models, on its page."""

from __future__ import annotations

from typing import Any

from django import template

from dashboard.costs.pricing import Cost
from dashboard.costs.selectors import run_cost
from dashboard.runs.models import Run
from dashboard.runs.templatetags.state import grouped, seen

register = template.Library()


@register.inclusion_tag("costs/_cost.html", name="run_cost")
def cost_line(run: Run, *, is_update: bool = False) -> dict[str, Any]:
    """Tokens and their cost in a line; pushed with an update, it replaces the one on the page."""
    return {"run": run, "cost": run_cost(run), "is_update": is_update}


@register.simple_tag
def cost_by_model(cost: Cost) -> str:
    """The tokens of each model in words: "gpt-5: 1,200 in, 340 out, 0.01 USD; ..."."""
    lines = []
    for line in cost.lines:
        money = f", {line.money}" if line.money else ""
        lines.append(f"{seen(line.model)}: {grouped(line.input)} in, {grouped(line.output)} out{money}")
    return "; ".join(lines)


@register.inclusion_tag("costs/_costs.html", name="run_costs")
def cost_table(run: Run, *, is_update: bool = False) -> dict[str, Any]:
    """The same model by model."""
    return {"run": run, "cost": run_cost(run), "is_update": is_update}
