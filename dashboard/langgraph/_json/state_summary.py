"""Names and questions out of answers that carry whole states, without the Python objects of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from dashboard.langgraph._json.slice import Part
from dashboard.langgraph.types import ThreadState

TEXT_CHARS: Final = 100_000
NAME_CHARS: Final = 1_000
ENTRIES: Final = 1_000
QUESTIONS_BYTES: Final = 1_000_000
"""For all questions of one document together; of one that no longer fits only the id is kept."""


@dataclass(frozen=True)
class GraphError:
    """What the graph raised, from `{"__error__": {"error": type, "message": message}}`; long texts are cut."""

    type: str
    message: str


@dataclass(frozen=True)
class StateSummary:
    """A state of a thread without its values.

    Attributes:
        state: `next`, `created_at`, of the tasks `name`, `error` and `interrupts`, of the metadata `run_id`,
            `run_attempt` and `graph_id`; each no longer than people can use.
        values: The values, where they stand in the answer; None when it has none.
        has_metadata: Whether there is any: a thread without a checkpoint has none.
    """

    state: ThreadState
    values: Part | None
    has_metadata: bool


def state_outline(whole: Part) -> StateSummary:
    """The outline of a `ThreadState` document."""
    found = whole.members("values", "next", "tasks", "metadata", "created_at")
    budget = _Budget(QUESTIONS_BYTES)
    state: ThreadState = {}
    if "next" in found:
        state["next"] = [node.text(NAME_CHARS) for node in _entries(found["next"])]
    if "tasks" in found:
        state["tasks"] = [_task(task, budget) for task in _entries(found["tasks"]) if task.is_object]
    metadata = found.get("metadata")
    if metadata is not None:
        state["metadata"] = _small(metadata.members("run_id", "run_attempt", "graph_id"))
    if "created_at" in found:
        state["created_at"] = found["created_at"].text(NAME_CHARS)
    has_metadata = metadata is not None and metadata.is_object and not metadata.is_empty
    return StateSummary(state, found.get("values"), has_metadata)


def graph_error(part: Part) -> GraphError | None:
    """The error in an `__error__`; None when the graph uses that key for something else."""
    if not part.is_object:
        return None
    said = part.members("error", "message")
    return GraphError(_words(said.get("error")) or "Error", _words(said.get("message")))


def questions(part: Part) -> list[Any] | None:
    """The entries of an `__interrupt__`; None when the graph uses that key for something else: a question always has
    an id.

    Each once: asked for values and updates, a server puts the questions of both into its answer.
    """
    found = [(entry, entry.members("id")) for entry in _entries(part)]
    if not found or not all(ids for _, ids in found):
        return None
    budget = _Budget(QUESTIONS_BYTES)
    once: dict[Any, tuple[Part, dict[str, Part]]] = {}
    for number, (entry, ids) in enumerate(found):
        once.setdefault(number if ids["id"].raw_is(b"null", b'""') else ids["id"].raw, (entry, ids))
    return [entry.value() if budget.allows(entry) else _small(ids) for entry, ids in once.values()]


class _Budget:
    """How many bytes may still be turned into Python values."""

    def __init__(self, size: int) -> None:
        self._left = size

    def allows(self, part: Part) -> bool:
        fits = part.size <= self._left
        self._left -= part.size if fits else 0
        return fits


def _task(task: Part, budget: _Budget) -> Any:
    found = task.members("name", "error", "interrupts")
    summary: dict[str, Any] = {name: _words(found[name]) for name in ("name", "error") if name in found}
    if "interrupts" in found:
        summary["interrupts"] = [_question(entry, budget) for entry in _entries(found["interrupts"])]
    return summary


def _question(entry: Part, budget: _Budget) -> Any:
    return entry.value() if budget.allows(entry) else _small(entry.members("id"))


def _entries(part: Part) -> Iterator[Part]:
    return islice(part.items(), ENTRIES)


def _small(members: dict[str, Part]) -> dict[str, Any]:
    return {name: part.value() for name, part in members.items() if part.size <= NAME_CHARS}


def _words(part: Part | None) -> str:
    """The text to show; "" for null, false and a missing value."""
    if part is None or part.raw_is(b"null", b"false", b"0", b"{}", b"[]"):
        return ""
    return part.text(TEXT_CHARS)
