"""Decisions about actions, read from an answer: the last one to fill in a form, and a given one to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.answers.shapes import Action, Shape
from dashboard.schema_forms import MISSING


@dataclass(frozen=True)
class Decided:
    """An action with what was decided about it: the word on the button, the message, and the edited arguments."""

    action: Action
    label: str = ""
    message: str = ""
    edited: Mapping[str, Any] | None = None


def decided(shape: Shape, answer: Any = MISSING) -> list[Decided] | None:
    """What was decided about each action; None when the answer is of another shape. Without an answer: nothing yet."""
    if answer is MISSING:
        return [Decided(action) for action in shape.actions]
    found = [_decided(action, decision_of(answer, shape, place)) for place, action in enumerate(shape.actions)]
    return [each for each in found if each] if all(found) else None


def _decided(action: Action, decision: Any) -> Decided | None:
    word = member(decision, "type")
    if word not in action.decisions:
        return None
    given = member(decision, "args")
    message = member(decision, "message") or (given if isinstance(given, str) else "")
    edited = member(member(decision, "edited_action") or given, "args")
    is_complete = isinstance(message, str) and (word != "edit" or isinstance(edited, dict))
    return Decided(action, action.label(word), message, edited if word == "edit" else None) if is_complete else None


def decision_of(document: Any, shape: Shape, place: int) -> Any:
    """The decision about one action in a whole answer."""
    if shape.kind == "batched":
        document = member(document, "decisions")
    if shape.kind in ("batched", "human_interrupts"):
        return document[place] if isinstance(document, list) and place < len(document) else None
    return None if document is MISSING else document


def member(document: Any, key: str) -> Any:
    """A member of an object; None when it is none, or has no such."""
    return document.get(key) if isinstance(document, dict) else None
