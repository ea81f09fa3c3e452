"""Steps of runs, stored as a worker stores what it has read."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.langgraph import Checkpoint
from dashboard.runs.models import Run
from dashboard.steps import services
from dashboard.steps.reading import Reading
from dashboard.steps.timeline import StepFound


def record(
    run: Run,
    steps: list[StepFound],
    checkpoints: Sequence[tuple[tuple[str, ...], Checkpoint]] = (),
    *,
    why: str = "",
    server_wait_s: float = 0.5,
) -> None:
    """Store the steps of the one run that waits for it, and the states of its checkpoints by the path of subgraphs."""
    assert [taken.pk for taken in services.recordings_claim(limit=5)] == [run.pk]
    services.steps_store(run=run, reading=Reading(steps, why, server_wait_s, checkpoints=list(checkpoints)))
