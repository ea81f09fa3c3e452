"""A question made readable: its text, and the rest of its value. A falsy or odd value is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.answers.shapes import CHOICE_KEYS, Shape
from dashboard.runs.models import Question
from dashboard.runs.state.seen import showable
from dashboard.runs.state.view import Node, value_tree

TEXT_KEYS = ("question", "message", "prompt", "title", "description")
LINE_CHARS = 160
MARKS = re.compile(r"[*`#]+")
"""Marks of Markdown, which a line does not show."""
LONG_CHARS = 1_500
FIELDS_MOST = 12


@dataclass(frozen=True)
class Shown:
    """A question as people read it.

    Attributes:
        text: The question; "" when it is no text.
        bare: A description of a value without text: "null", "an empty list", a number.
        rest: The rest of the value, None when there is none.
        line: The question in one line, for lists.
    """

    text: str = ""
    bare: str = ""
    rest: Any = None
    line: str = ""

    @property
    def rest_tree(self) -> Node | None:
        """The rest of the value as a tree; built only where it is shown, as lists show lines alone."""
        return value_tree(self.rest) if self.rest is not None else None

    @property
    def fields(self) -> dict[str, Any]:
        """The rest of the value by name, when it is few names; else it is shown as a tree."""
        return fields_of(self.rest)

    @property
    def is_long(self) -> bool:
        return len(self.text) > LONG_CHARS


def fields_of(value: Any) -> dict[str, Any]:
    """A document of few names; {} for any other value, which is better shown as a tree."""
    return value if isinstance(value, dict) and len(value) <= FIELDS_MOST else {}


def shown(question: Question, shape: Shape) -> Shown:
    """What to show of a question above the form for its answer."""
    return shown_value(question.value, shape) if question.has_value else TOO_LARGE


TOO_LARGE = Shown(bare="It is too large to be shown here; the final state has it.", line="A very large question")


def shown_value(value: Any, shape: Shape) -> Shown:
    """The same of a question that is read without its model."""
    if shape.actions:
        names = ", ".join(action.name for action in shape.actions)
        about = MARKS.sub("", shape.actions[0].description).strip().splitlines()
        if len(shape.actions) > 1:
            return Shown(line=_line(names))
        said = about[0] if about else ", ".join(_scalars(shape.actions[0].args))
        return Shown(line=_line(f"{names}: {said}" if said else names))
    if isinstance(value, str) and value.strip():
        return Shown(text=showable(value), line=_line(value))
    if isinstance(value, dict) and value:
        return _object(value, shape)
    if isinstance(value, list) and value:
        return Shown(rest=value, line=_line(", ".join(map(str, value))))
    bare = bare_word(value)
    return Shown(bare=bare, line=f"({bare})")


def _scalars(args: Mapping[str, Any]) -> list[str]:
    """The first few arguments that fit in a line: they distinguish one refund from another."""
    texts = [str(value) for value in args.values() if isinstance(value, str | int | float) and str(value).strip()]
    return texts[:4]


def _object(value: dict[str, Any], shape: Shape) -> Shown:
    key = next((key for key in TEXT_KEYS if isinstance(value.get(key), str) and value[key].strip()), None)
    used = {key} | (set(CHOICE_KEYS) if shape.kind in ("choices", "schema") else set())
    rest = {name: member for name, member in value.items() if name not in used}
    if key is None:
        return Shown(rest=rest or value, line=_line(", ".join(map(str, value))))
    return Shown(text=showable(value[key]), rest=rest or None, line=_line(value[key]))


def bare_word(value: Any) -> str:
    """A description of a value that is not a question in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"a text of {len(value)} spaces" if value else "an empty text"
    if isinstance(value, list):
        return "an empty list"
    return "an empty object" if isinstance(value, dict) else str(value)


def _line(text: str) -> str:
    words = " ".join(showable(text).split())
    return words if len(words) <= LINE_CHARS else f"{words[: LINE_CHARS - 1]}…"
