"""The steps of a thread, read from its history: tasks, what they wrote and when, and values as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from dashboard.langgraph._json.slice import Part

NAME_CHARS: Final = 200
ERROR_CHARS: Final = 20_000
WRITES_BYTES: Final = 256_000
"""A larger write is counted but not copied."""
TASKS: Final = 1_000


@dataclass(frozen=True)
class Task:
    """A node that ran, or was about to, from one checkpoint.

    Attributes:
        error: What it raised, unmasked; "" when it did not.
        has_result: Whether it ended. A node that has not begun yet has neither error nor result.
        writes: What it wrote, as JSON; None when nothing is known of it or it is larger than WRITES_BYTES.
        subgraph: The namespace of the checkpoints of the graph inside it; "" when it has none.
    """

    id: str
    name: str
    error: str
    asks: bool
    has_result: bool
    writes: bytes | None
    writes_bytes: int
    subgraph: str


@dataclass
class ValuesRoom:
    """How many bytes of values to copy out of a history: `first` of its first checkpoint, then `left`."""

    first: int
    left: int
    is_first: bool = True

    def takes(self, size: int) -> bool:
        """Whether to copy values of this size; if so, the room shrinks by it."""
        if self.is_first:
            self.is_first = False
            if self.left < size <= self.first:
                return True
        if size > self.left:
            return False
        self.left -= size
        return True


@dataclass(frozen=True)
class Checkpoint:
    """One point of a thread's history: what was about to run from here.

    Attributes:
        values: The state at this point as the server wrote it; None when it was not asked for, or there was no room.
    """

    id: str
    parent_id: str
    at: datetime | None
    source: str
    run_id: str
    run_attempt: int
    tasks: tuple[Task, ...]
    values: bytes | None = None
    values_bytes: int = 0


def checkpoint(state: Part, room: ValuesRoom | None = None) -> Checkpoint:
    """A `ThreadState` document as a checkpoint; what is missing or odd is left out. Values are copied into `room`."""
    found = state.members(
        "checkpoint", "checkpoint_id", "parent_checkpoint", "created_at", "metadata", "tasks", "values"
    )
    metadata = found["metadata"].members("run_id", "run_attempt", "source") if "metadata" in found else {}
    attempt = _text(metadata.get("run_attempt"))
    values = found.get("values")
    if values is not None and values.raw_is(b"null"):
        values = None
    keeps = values is not None and room is not None and room.takes(values.size)
    return Checkpoint(
        id=_text(found["checkpoint"].members("checkpoint_id").get("checkpoint_id"))
        if "checkpoint" in found
        else _text(found.get("checkpoint_id")),
        parent_id=_text(found["parent_checkpoint"].members("checkpoint_id").get("checkpoint_id"))
        if "parent_checkpoint" in found
        else "",
        at=moment(_text(found.get("created_at"))),
        source=_text(metadata.get("source")),
        run_id=_text(metadata.get("run_id")),
        run_attempt=int(attempt) if attempt.isdecimal() and len(attempt) < 6 else 1,
        tasks=tuple(_task(task) for task in islice(found["tasks"].items(), TASKS)) if "tasks" in found else (),
        values=values.raw if keeps and values is not None else None,
        values_bytes=values.size if values is not None else 0,
    )


def moment(text: str) -> datetime | None:
    """An ISO time with its zone, or None."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _task(task: Part) -> Task:
    found = task.members("id", "name", "error", "interrupts", "result", "checkpoint")
    error, result = found.get("error"), found.get("result")
    has_result = result is not None and not result.raw_is(b"null")
    keeps = has_result and result is not None and result.size <= WRITES_BYTES
    return Task(
        id=_text(found.get("id")),
        name=_text(found.get("name")),
        error="" if error is None or error.raw_is(b"null", b'""') else error.text(ERROR_CHARS),
        asks="interrupts" in found and found["interrupts"].is_list and not found["interrupts"].is_empty,
        has_result=has_result,
        writes=result.raw if keeps and result is not None else None,
        writes_bytes=result.size if has_result and result is not None else 0,
        subgraph=_text(found["checkpoint"].members("checkpoint_ns").get("checkpoint_ns"))
        if "checkpoint" in found
        else "",
    )


def _text(part: Part | None) -> Any:
    return "" if part is None or part.raw_is(b"null") else part.text(NAME_CHARS)
