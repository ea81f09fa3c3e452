"""Small parts of a final state as Python values; numbers keep the digits they were written with."""

from __future__ import annotations

import json
import re
from typing import Any, Final


class Number(str):
    """A number as written: 1.0 stays 1.0, and a long one keeps all its digits."""


class TooDeep(ValueError):
    """The document is nested deeper than DEPTH_MAX levels; it can only be read as text."""


def read_json(raw: bytes) -> Any:
    """Python values of valid JSON; what is no UTF-8 becomes the replacement character. Numbers are `Number`.

    Raises:
        TooDeep: it is nested deeper than Python's parser goes.
    """
    if raw[:1] == b'"' and b"\\" not in raw:
        return raw[1:-1].decode("utf-8", "replace")
    try:
        text = raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "replace")
    try:
        return json.loads(text, strict=False, parse_float=Number, parse_int=Number, parse_constant=Number)
    except RecursionError as error:
        raise TooDeep("nested deeper than Python's parser goes") from error


def whole_characters(raw: bytes) -> bytes:
    """The beginning of a JSON string without an escape, half a surrogate pair or a character that is cut at its end."""
    end = len(raw)
    at = raw.rfind(b"\\", end - 5)
    if at >= 0 and _begins_escape(raw, at) and at + (6 if raw[at + 1 : at + 2] == b"u" else 2) > end:
        end = at
    if _HIGH_SURROGATE.fullmatch(raw, end - 6, end) and _begins_escape(raw, end - 6):
        end -= 6
    for back in range(1, 4):
        if raw[end - back] < 0x80:
            break
        if raw[end - back] >= 0xC0:
            end -= back if back < (2 + (raw[end - back] >= 0xE0) + (raw[end - back] >= 0xF0)) else 0
            break
    return raw[:end]


_HIGH_SURROGATE: Final = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}")


def _begins_escape(raw: bytes, at: int) -> bool:
    """Whether the backslash at `at` is not itself escaped."""
    return (at + 1 - len(raw[: at + 1].rstrip(b"\\"))) % 2 == 1
