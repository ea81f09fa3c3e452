"""What a run that left no final state had done: what its steps wrote before it ended, key by key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from dashboard.runs.models import Run
from dashboard.runs.state.cards import Card, cards
from dashboard.runs.state.document import Document
from dashboard.steps.models import Step, StepLog, StepStatus

STEPS_MAX = 500
BYTES_MAX = 4_000_000


@dataclass(frozen=True)
class SoFar:
    """What is known of the values of a run without a final state.

    Attributes:
        is_reading: More may come: the steps are still being read from the server.
        failed: The step that failed; None when no step is known to have.
        writes: The last value that each key was given, as cards.
    """

    is_reading: bool
    failed: Step | None = None
    writes: list[Card] = field(default_factory=list)
    given: list[Card] = field(default_factory=list)


def so_far(run: Run) -> SoFar:
    """The values of an ended run that left no final state."""
    log = StepLog.objects.filter(pk=run.pk).first()
    is_reading = log is not None and log.state == StepLog.State.READING
    steps = list(Step.objects.filter(run=run, path=[]).order_by("index").defer("writes_json")[:STEPS_MAX])
    failed = next((step for step in reversed(steps) if step.status == StepStatus.FAILED), None)
    return SoFar(is_reading, failed, _cards(_written(run)), _cards(run.request.params.get("input")))


def _written(run: Run) -> dict[str, object]:
    """Each key with what was written to it last; what reducers made of it only the server knows."""
    found: dict[str, object] = {}
    left = BYTES_MAX
    done = Step.objects.filter(run=run, path=[], status=StepStatus.DONE).order_by("-index")
    for step in done.iterator(chunk_size=20):
        left -= len(step.writes_json)
        if left < 0:
            break
        writes = json.loads(step.writes_json) if step.writes_json else None
        if isinstance(writes, dict):
            for key, value in writes.items():
                found.setdefault(key, value)
    return found


def _cards(value: object) -> list[Card]:
    if not isinstance(value, dict) or not value:
        return []
    return cards(Document.of(value).root.children(0, 60), address="", changes={})
