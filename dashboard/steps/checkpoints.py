"""The checkpoints of runs, for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.state.seen import cut, seen
from dashboard.steps.models import RunCheckpoint
from dashboard.steps.selectors import checkpoint_get, checkpoint_list, checkpoints_of, steps_list
from dashboard.steps.timeline import OWN_NODES

NAMES = 3


@dataclass(frozen=True)
class Point:
    """One checkpoint.

    Attributes:
        title: What comes after it: "Before judge", or "The end".
        url: The page of its state; "" when the state is not stored.
        fork_url: The launch form that continues from it; "" when the thread no longer exists.
    """

    id: str
    title: str
    at: datetime | None
    size_bytes: int
    url: str
    fork_url: str


def points_of(run: Run) -> list[Point]:
    """The checkpoints of the graph itself, oldest first, without those of subgraphs, which cannot be continued."""
    return [point_of(run, one) for one in checkpoint_list(run) if not one.path]


def thread_points(runs: Sequence[Run]) -> dict[UUID, list[Point]]:
    """The checkpoints of all runs of a thread, each under the run that reached it first."""
    by_id = {run.pk: run for run in runs}
    found: dict[UUID, list[Point]] = {run.pk: [] for run in runs}
    known: set[str] = set()
    points = checkpoints_of(list(by_id))
    for one in sorted(points, key=lambda one: (by_id[one.run_id].created_at, one.number)):
        if not one.path and one.checkpoint_id not in known:
            known.add(one.checkpoint_id)
            found[one.run_id].append(point_of(by_id[one.run_id], one))
    return found


def point_of(run: Run, checkpoint: RunCheckpoint) -> Point:
    """One of them."""
    has_state = checkpoint.sha256 is not None
    return Point(
        id=checkpoint.checkpoint_id,
        title=_title(checkpoint),
        at=checkpoint.at,
        size_bytes=checkpoint.size_bytes,
        url=reverse("run-checkpoint", args=[run.pk, checkpoint.checkpoint_id]) if has_state else "",
        fork_url="" if checkpoint.path else fork_url(run, checkpoint.checkpoint_id),
    )


def fork_url(run: Run, checkpoint_id: str) -> str:
    """The launch form that continues from a checkpoint of the run; "" when its thread no longer exists."""
    if not checkpoint_id or not run.remote_thread_id or not run.remote_thread_kept:
        return ""
    if run.thread_choice == ThreadChoice.STATELESS:
        return ""
    query = urlencode({"from": run.pk, "checkpoint_id": checkpoint_id})
    return f"{reverse('launch')}?{query}"


def nodes_at(run: Run, checkpoint_id: str) -> list[str]:
    """The steps that run again when a fork starts at the checkpoint; [] at the end of the run, or when not known."""
    steps = steps_list(run).filter(path=[], checkpoint_id=checkpoint_id)[: NAMES + 1]
    found = [step.node for step in steps]
    if not found and (point := checkpoint_get(run, checkpoint_id)) is not None:
        found = [node for node in point.next_nodes if node not in OWN_NODES]
    return [seen(cut(node, 60)) for node in dict.fromkeys(found)][:NAMES]


def _title(checkpoint: RunCheckpoint) -> str:
    nodes = [seen(cut(node, 60)) for node in checkpoint.next_nodes]
    if not nodes:
        return "The end"
    if set(nodes) <= OWN_NODES:
        return "The beginning"
    more = f" and {len(nodes) - NAMES} more" if len(nodes) > NAMES else ""
    inside = "".join(f"{seen(cut(name, 60))} \u203a " for name in checkpoint.path)
    return f"Before {inside}{', '.join(nodes[:NAMES])}{more}"
