"""Turns the checkpoints of a run into its steps. Knows neither Django's tables nor the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from dashboard.langgraph import Checkpoint, Task
from dashboard.runs.statuses import RunStatus

OWN_NODES: Final = frozenset({"__start__", "__end__"})
STOPPED: Final = "Stopped before it finished."
_NOT_BEGUN: Final = frozenset({RunStatus.NEEDS_INPUT, RunStatus.PAUSED})


@dataclass(frozen=True)
class StepFound:
    """A step from the server; `writes` is JSON."""

    node: str
    path: tuple[str, ...] = ()
    status: str = "done"
    started_at: datetime | None = None
    finished_at: datetime | None = None
    task_id: str = ""
    attempt: int = 1
    error: str = ""
    writes: bytes | None = None
    writes_bytes: int = 0
    checkpoint_id: str = ""
    """The checkpoint from which it ran: its state is what the step was given."""
    next_checkpoint_id: str = ""
    """The first checkpoint after it, which has what it wrote; "" when none came."""

    @property
    def place(self) -> tuple[str, ...]:
        """Where in the graph it is."""
        return (*self.path, self.node)


def steps_of(
    checkpoints: Sequence[Checkpoint],
    *,
    ended_as: str,
    ended_at: datetime | None,
    inside: Mapping[str, Sequence[Checkpoint]] | None = None,
    seen: Sequence[StepFound] = (),
    path: tuple[str, ...] = (),
) -> list[StepFound]:
    """The steps that were taken from these checkpoints, oldest first, each followed by the steps inside it.

    A step ends when the next checkpoint is written; of steps that went on at the same time that is the slowest one's
    end. The last ones, after which no checkpoint came, end with the run.

    Args:
        ended_as: the run's status, which distinguishes nodes that were stopped from nodes that never began.
        inside: checkpoints of subgraphs by their namespace.
        seen: steps from events, for checkpoints that do not name theirs.
    """
    found: list[StepFound] = []
    for here, after in zip(checkpoints, [*checkpoints[1:], None], strict=False):
        end = after.at if after else ended_at
        next_id = after.id if after else ""
        if after is not None and not here.tasks:
            between = _between(seen, here.at, end, path)
            found += [_from(step, here.id, next_id) if step.path == path else step for step in between]
        for task in here.tasks:
            if task.name in OWN_NODES:
                continue
            step = _step(task, here, is_passed=after is not None, end=end, ended_as=ended_as, path=path)
            if step is None:
                continue
            found.append(_from(step, here.id, next_id))
            within = (inside or {}).get(task.subgraph) if task.subgraph else None
            if within:
                found += steps_of(
                    within,
                    ended_as=ended_as,
                    ended_at=step.finished_at or end,
                    inside=inside,
                    seen=seen,
                    path=(*path, task.name),
                )
    return found


def _from(step: StepFound, checkpoint_id: str, next_checkpoint_id: str) -> StepFound:
    return replace(step, checkpoint_id=checkpoint_id, next_checkpoint_id=next_checkpoint_id)


def _step(
    task: Task, here: Checkpoint, *, is_passed: bool, end: datetime | None, ended_as: str, path: tuple[str, ...]
) -> StepFound | None:
    """The step of one task; None when it never began."""
    step = StepFound(
        node=task.name,
        path=path,
        started_at=here.at,
        finished_at=end,
        task_id=task.id,
        attempt=here.run_attempt,
        error=task.error,
        writes=task.writes,
        writes_bytes=task.writes_bytes,
    )
    if task.error:
        return replace(step, status="failed")
    if is_passed or task.has_result:
        return step
    if task.asks:
        return replace(step, status="waiting", finished_at=None)
    if ended_as in _NOT_BEGUN:
        return None
    return replace(step, status="failed", error=STOPPED)


def has_gaps(checkpoints: Sequence[Checkpoint]) -> bool:
    """Whether a checkpoint does not name what ran from it, as for nodes that wait for several others."""
    return any(not here.tasks for here in checkpoints[:-1])


def has_branches(checkpoints: Sequence[Checkpoint]) -> bool:
    """Whether several nodes went on at the same time."""
    return any(len(here.tasks) > 1 for here in checkpoints)


def _between(
    seen: Sequence[StepFound], start: datetime | None, end: datetime | None, path: tuple[str, ...]
) -> list[StepFound]:
    """The steps at this path, and inside of it, that ended between two checkpoints."""
    if start is None or end is None:
        return []
    return [
        step for step in seen if step.path[: len(path)] == path and step.finished_at and start < step.finished_at <= end
    ]


def with_ends_seen(steps: Iterable[StepFound], seen: Iterable[StepFound]) -> list[StepFound]:
    """The steps, with the ends from events: more exact for those that went on at the same time."""
    ends: dict[tuple[str, ...], list[datetime]] = {}
    for step in seen:
        if step.finished_at:
            ends.setdefault(step.place, []).append(step.finished_at)
    found = []
    for step in steps:
        times = ends.get(step.place) if step.status == "done" else None
        at = times.pop(0) if times else None
        is_between = at and step.started_at and step.finished_at and step.started_at <= at <= step.finished_at
        found.append(replace(step, finished_at=at) if is_between else step)
    return found
