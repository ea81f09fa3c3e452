"""A run as pieces of HTML. The same templates serve pages, polling and WebSocket pushes."""

from __future__ import annotations

from typing import Any, TypedDict

from django.template.loader import render_to_string
from django.urls import reverse

from dashboard.runs.banners import run_banner
from dashboard.runs.models import Run
from dashboard.runs.selectors import run_events, run_result
from dashboard.runs.state.result import result_html
from dashboard.runs.state.seen import NOTHING
from dashboard.runs.state.view import Budget, value_tree
from dashboard.runs.timeline import event_lines
from dashboard.teams.models import Membership


class Rights(TypedDict):
    """What a person may do with a run, for templates: launch and answer, and cancel it."""

    may_act: bool
    may_cancel: bool


def rights(member: Membership, launched_by_id: int | None) -> Rights:
    """What a member may do with a run that somebody launched."""
    return {"may_act": member.may_launch, "may_cancel": member.may_cancel(launched_by_id)}


SENT_NODES = 250
SENT_CHARS = 16_000
"""How much of the input a page shows; the run as JSON has all of it."""


def run_context(run: Run, *, may_act: bool, may_cancel: bool, state_address: str | None = None) -> dict[str, Any]:
    """What the live parts of a run's page need.

    Args:
        may_act: Whether the reader may launch and answer.
        may_cancel: Whether they may cancel this run.
        state_address: Where parts of the final state are served; "" when nowhere, None for the usual place.
    """
    state_address = reverse("run-state", args=[run.pk]) if state_address is None else state_address
    return {
        "run": run,
        "banner": run_banner(run),
        "events": event_lines(run_events(run)),
        **_result(run, state_address),
        "may_act": may_act,
        "may_cancel": may_cancel,
    }


def _result(run: Run, state_address: str) -> dict[str, Any]:
    """The final state of a run that has ended, laid out once and kept."""
    result = run_result(run) if run.is_terminal else None
    html = result_html(run, address=state_address, stored=result) if result is not None else NOTHING
    return {"result": result, "state_html": html, "state_address": state_address}


def run_sent(run: Run) -> dict[str, Any]:
    """The parameters for the Input tab: the input or command first, then every other, without secret values."""
    params = dict(run.request.params)
    budget = Budget(SENT_NODES, SENT_CHARS)
    found = [(name, value_tree(params.pop(name), budget)) for name in ("input", "command", "context") if name in params]
    others = [(name, value_tree(value, budget)) for name, value in params.items()]
    return {"documents": found, "other_params": others, "sent_is_cut": budget.nodes <= 0 or budget.chars <= 0}


def run_live_html(run: Run, *, may_act: bool, may_cancel: bool) -> str:
    """Every part of the run page that changes, each with its id, ready to be swapped in."""
    return render_to_string("runs/_live.html", run_context(run, may_act=may_act, may_cancel=may_cancel))
