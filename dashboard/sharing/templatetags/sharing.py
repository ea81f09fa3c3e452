"""The share panel on the run page."""

from __future__ import annotations

from typing import Any

from django import template

from dashboard.runs.models import Run
from dashboard.sharing.forms import ShareForm
from dashboard.sharing.selectors import share_list

register = template.Library()


@register.inclusion_tag("sharing/_panel.html", takes_context=True)
def share_panel(context: dict[str, Any], run: Run) -> dict[str, Any]:
    """The run's links and the form that makes one."""
    return {
        "run": run,
        "form": ShareForm(),
        "links": share_list(run),
        "may_act": context["may_act"],
        "csrf_token": context.get("csrf_token"),
    }
