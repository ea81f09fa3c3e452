"""The values in the tree of a form: JSON values, and marks for what was typed but is not a value (yet)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final


class Missing:
    """Nothing was given: the key is left out."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False

    def __deepcopy__(self, memo: object) -> Missing:
        return self

    def __copy__(self) -> Missing:
        return self


MISSING: Final = Missing()


class Digits(float):
    """A number that keeps the digits it was written with, where Python would write it otherwise."""

    text: str

    def __new__(cls, text: str) -> Digits:
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __deepcopy__(self, memo: object) -> Digits:
        return self


def number_of(text: str) -> int | float:
    """The number in a JSON text; one that Python would write otherwise keeps its text."""
    if text.lstrip("-").isdigit():
        return int(text) if text != "-0" else Digits(text)
    number = float(text)
    return number if repr(number) == text else Digits(text)


@dataclass
class Unread:
    """A control whose text is no value: it is shown again as typed, with the sentence that says what would be right."""

    text: str
    sentence: str
    is_json: bool = False


class UnreadText(str):
    """The text of such a control in a document: no schema checks it."""

    __slots__ = ()


@dataclass
class Chosen:
    """A value under a chosen branch of a union, if the value alone does not show it; `kind` is the branch's index."""

    kind: int
    value: Any = MISSING


@dataclass(eq=False)
class NewKey:
    """The key of a mapping's row that cannot stand yet: empty, or the same as another one."""

    text: str = ""
    sentence: str = ""


class Untouched(dict[Any, Any]):
    """An object that only its fields imply: it is left out when all of them are.

    `is_required`: its parent, if given, holds it even then. `counts_as_blank`: its values are no content.
    """

    is_required = False
    counts_as_blank = False


class Rows(list[Any]):
    """A list that only its rows imply: it is left out when all of them are empty."""


# What a text control loses or changes: line breaks other than \n, control characters, halves of surrogate pairs.
_FRAGILE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def is_plain(text: str) -> bool:
    """Whether a text area returns the text unchanged."""
    return not _FRAGILE.search(text)


def is_one_line(text: str) -> bool:
    """Whether a text input returns the text unchanged."""
    return is_plain(text) and "\n" not in text


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def copied(value: Any) -> Any:
    """A document with objects and lists of its own; `copy.deepcopy`, which keeps account of each, takes far longer."""
    if isinstance(value, dict):
        return {key: copied(member) for key, member in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value
