"""Reads the text of one control: a value, or a sentence that says what would be right."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from dashboard.schema_forms import json_text
from dashboard.schema_forms.json_text import write
from dashboard.schema_forms.shapes import Shape
from dashboard.schema_forms.values import MISSING, Unread, number_of

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,3999})(?:\.[0-9]{1,4000})?(?:[eE][+-]?[0-9]{1,4})?", re.ASCII)
_DURATION: Final = re.compile(
    r"-?P(?=.)(?:\d{1,9}(?:\.\d{1,9})?W|(?:\d{1,9}Y)?(?:\d{1,9}M)?(?:\d{1,9}D)?"
    r"(?:T(?=.)(?:\d{1,9}H)?(?:\d{1,9}M)?(?:\d{1,9}(?:\.\d{1,9})?S)?)?)",
    re.ASCII,
)
_EMAIL: Final = re.compile(r"[^@\s]{1,200}@[^@\s]{1,250}")

FORMATS: Final = {
    "date": "Write a date such as 2026-11-26.",
    "time": "Write a time such as 14:30 or 14:30:00+01:00.",
    "date-time": "Write a date and time such as 2026-11-26T14:30:00+01:00.",
    "duration": "Write a duration such as PT15M (15 minutes) or P1DT2H (a day and 2 hours).",
    "email": "Write an e-mail address such as ada@example.org.",
    "uri": "Write an address such as https://example.org/page.",
    "uuid": "Write a UUID such as 3f2b8c1e-5d0a-4b7e-9c61-2a4f0d8e7b35.",
}


def read_number(text: str, *, is_whole: bool) -> Any:
    """A number with its digits, MISSING, or Unread."""
    typed = text.strip().removeprefix("+")
    if not typed:
        return MISSING
    if not _NUMBER.fullmatch(typed):
        example = "a whole number such as 3" if is_whole else "a number such as 3 or 1.5"
        return Unread(text, f"Write {example}.")
    return number_of(typed)


def read_boolean(text: str) -> Any:
    """true, false, None, MISSING, or Unread."""
    words = {"": MISSING, "true": True, "false": False, "null": None, "on": True}
    return words.get(text.strip(), Unread(text, "Give true or false, or leave it empty."))


def read_option(text: str, shape: Shape) -> Any:
    """The option whose control has the value `text`."""
    if text == "":
        return MISSING
    for (value, _), own in zip(shape.options, option_texts(shape), strict=True):
        if own == text:
            return value
    if text == "null":
        return None
    # As typed by hand: the option's JSON text is unambiguous.
    for value, _ in shape.options:
        if write(value, indent=None) == text:
            return value
    words = ", ".join(option_texts(shape)[:8])
    return Unread(text, f"“{text[:60]}” is none of the choices: {words}.")


def option_texts(shape: Shape) -> list[str]:
    """The control texts of the options: a text as it is, everything else (and what would clash) as JSON."""
    others = {write(value, indent=None) for value, _ in shape.options if not isinstance(value, str)} | {"null", ""}
    return [
        value if isinstance(value, str) and value not in others else write(value, indent=None)
        for value, _ in shape.options
    ]


def read_json(text: str) -> Any:
    """Any value, MISSING, or Unread."""
    if not text.strip():
        return MISSING
    try:
        return json_text.parse(text)
    except json_text.Problem as problem:
        return Unread(text, f"This must be JSON. {problem}", is_json=True)


def reads_as_format(text: str, name: str) -> bool:
    """Whether `text` has a format; also accepts what Python's and JavaScript's own parsers accept."""
    try:
        match name:
            case "date":
                date.fromisoformat(text)
            case "time":
                time.fromisoformat(text)
            case "date-time":
                datetime.fromisoformat(text)
            case "duration":
                return bool(_DURATION.fullmatch(text))
            case "email":
                return bool(_EMAIL.fullmatch(text))
            case "uuid":
                UUID(text)
            case "uri":
                parts = urlsplit(text)
                return bool(parts.scheme) and not any(letter.isspace() for letter in text)
    except ValueError:
        return False
    return True
