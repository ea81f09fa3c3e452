"""The runs that belong to a run, on its page."""

from __future__ import annotations

from typing import Any

from django import template

from dashboard.runs.models import Run
from dashboard.runs.related import runs_related

register = template.Library()


@register.inclusion_tag("runs/_related.html")
def related_runs(run: Run) -> dict[str, Any]:
    """The list of them; empty when there are none."""
    return {"run": run, "related": runs_related(run)}
