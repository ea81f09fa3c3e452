"""The pages of links, from the data of `shown.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.template.loader import render_to_string

from dashboard.runs.models import Run
from dashboard.runs.state.seen import NOTHING
from dashboard.runs.state.view import value_tree
from dashboard.sharing.models import ShareLink
from dashboard.sharing.parts import templates_shown
from dashboard.sharing.sets.selectors import set_others
from dashboard.sharing.shown import INPUT, SharedRun

NOTHING_SHOWN = "The final state has nothing that this link shows."


def shared_runs(link: ShareLink, runs: Iterable[Run]) -> list[SharedRun]:
    """Runs that a link shows together: a value that is hidden by its place in one is hidden in all."""
    found = [SharedRun(link, run) for run in runs]
    if not link.rules.hides_nothing and len(found) > 1:
        learned = {text for shared in found for text in shared.learned}
        for shared in found:
            shared.learn_also(learned)
    return found


def shared_run(link: ShareLink, run: Run) -> SharedRun:
    """One run of a link that may show others, or has shown others before."""
    if link.rules.hides_nothing or not (others := [*set_others(link, run), *link.earlier]):
        return SharedRun(link, run)
    return shared_runs(link, [run, *others])[0]


def share_context(link: ShareLink, run: Run) -> dict[str, Any]:
    """The context of a share page, whole or live. Contains only what the link shows."""
    shared = shared_run(link, run)
    state = shared.state()
    shown_run = shared.run()
    context: dict[str, Any] = {
        "run": shown_run,
        "templates": templates_shown(link.show),
        "result": shared.result(state),
        "state_html": shared.state_html(state, shown_run) if run.is_terminal else NOTHING,
        "state_problem": state.problem or (NOTHING_SHOWN if state.body == b"{}" else ""),
        "state_address": shared.address,
    }
    if "steps" in link.show:
        context |= shared.steps()
    if "input" in link.show:
        context["documents"] = [(name, value_tree(value)) for name, value in shared.sent(INPUT)]
    if "parameters" in link.show:
        context["other_params"] = [(name, value_tree(value)) for name, value in shared.sent(shared.other_names)]
    return context


def share_live_html(link: ShareLink, run: Run) -> str:
    """Every part of a share page that changes."""
    return render_to_string("sharing/_live.html", share_context(link, run))


def share_steps_html(link: ShareLink, run: Run) -> str:
    """The steps on a share page, for a link that shows them."""
    shared = shared_run(link, run)
    return render_to_string("sharing/_steps.html", {"run": shared.run(), **shared.steps()})
