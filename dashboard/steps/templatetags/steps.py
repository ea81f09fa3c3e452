"""The steps of a run on its page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import template

from dashboard.runs.models import Run
from dashboard.runs.templatetags.runs import duration
from dashboard.steps.checkpoints import Point, nodes_at, thread_points
from dashboard.steps.fragments import (
    fork_context,
    fork_item_context,
    live_context,
    progress_context,
    steps_context,
    usual_context,
)
from dashboard.steps.graph import DrawnGraph, NodeState
from dashboard.steps.models import StepStatus

register = template.Library()

TONES = {"running": "info", "done": "neutral", "failed": "danger", "waiting": "attention"}
ICONS = {"running": "arc", "done": "check", "failed": "cross", "waiting": "question"}


@register.inclusion_tag("steps/_steps.html")
def run_steps(run: Run) -> dict[str, Any]:
    """The list of the run's steps."""
    return steps_context(run)


@register.inclusion_tag("steps/_live.html")
def run_writing(run: Run) -> dict[str, Any]:
    """The text that models are writing in the run; an empty element without any."""
    return live_context(run)


@register.inclusion_tag("steps/_fork.html")
def run_fork(run: Run, *, is_update: bool = False) -> dict[str, Any]:
    """A link that runs the failed step again, from the state it was given."""
    return {**fork_context(run), "is_update": is_update}


@register.inclusion_tag("steps/_fork_item.html")
def run_fork_item(run: Run, *, is_update: bool = False) -> dict[str, Any]:
    """The menu's link to the steps from which the run can be forked."""
    return {**fork_item_context(run), "is_update": is_update}


@register.inclusion_tag("steps/_progress.html")
def run_progress(run: Run) -> dict[str, Any]:
    """The run's progress."""
    return progress_context(run)


@register.inclusion_tag("steps/_usual.html")
def run_usual(run: Run) -> dict[str, Any]:
    """How long such runs usually take."""
    return usual_context(run)


@register.simple_tag
def points_of_runs(runs: Sequence[Any]) -> dict[UUID, list[Point]]:
    """The checkpoints of a thread that can be continued, by the ids of its runs. `runs` each have a `run`."""
    return thread_points([one.run for one in runs])


@register.filter
def points_of(points: dict[UUID, list[Point]], run: Run) -> list[Point]:
    """The checkpoints of one run."""
    return points.get(run.pk, [])


@register.simple_tag
def fork_nodes(run: Run, checkpoint_id: str) -> str:
    """The steps that a fork at the checkpoint runs again, by name; "" when they are not known."""
    return ", ".join(nodes_at(run, checkpoint_id))


@register.filter
def step_tone(status: str) -> str:
    """The colour token of a step's status."""
    return TONES[status]


@register.filter
def step_icon(status: str) -> str:
    """The name of the icon of a step's status."""
    return ICONS[status]


@register.filter
def step_label(status: str) -> str:
    """A step's status in words."""
    return StepStatus(status).label


@register.filter
def seconds(value: float | None) -> str:
    """A length of time as people read it: "8 ms", "0.4 s", "1 m 04 s"; "" for None."""
    if value is None:
        return ""
    return f"{value * 1000:.0f} ms" if value < 0.0995 else duration(value)


@register.simple_tag
def node_state(graph: DrawnGraph, name: str) -> NodeState:
    """The status of a node in the run."""
    return graph.states.get(name, NodeState())


@register.simple_tag
def node_words(node: Any, state: NodeState, is_run: bool) -> str:
    """The rest of a node's tooltip: ": done, 2 times. A subgraph of 3 nodes"."""
    words = ": has not run" if is_run else ""
    if state.status:
        words = f": {step_label(state.status).lower()}" + (f", {state.times} times" if state.times > 1 else "")
    inside = f". A subgraph of {node.inside} node{'' if node.inside == 1 else 's'}" if node.inside else ""
    return words + inside


@register.filter
def add_px(value: float, pixels: int) -> str:
    """A coordinate moved by so many pixels."""
    return f"{value + pixels:.1f}"


@register.filter
def span(low: float, high: float) -> str:
    """A span of time: "31\u201352 s", "0.8\u20131.2 s", "58 s to 1 m 04 s"."""
    first, last = seconds(low), seconds(high)
    if first == last:
        return first
    number, _, unit = first.partition(" ")
    other, _, other_unit = last.partition(" ")
    return f"{number}\u2013{other} {unit}" if unit == other_unit else f"{first} to {last}"


@register.filter
def thousands(number: int) -> str:
    """A count as people read it: "12,480"."""
    return f"{number:,}"
