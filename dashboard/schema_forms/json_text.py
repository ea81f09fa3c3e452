"""JSON as people type it: parsed with the place of every mistake, written in its own order and with its own digits."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from json.encoder import encode_basestring, encode_basestring_ascii
from operator import add
from typing import Any, Final

from dashboard.schema_forms.places import place_of, places
from dashboard.schema_forms.pointers import join
from dashboard.schema_forms.values import Digits, is_number, number_of

_EXPECTED: Final = {
    "Expecting ',' delimiter": "expected a comma",
    "Expecting ':' delimiter": "expected a colon",
    "Expecting value": "expected a value",
    "Expecting property name enclosed in double quotes": "expected a key in double quotes",
    "Illegal trailing comma before end of object": "the last comma is one too many",
    "Illegal trailing comma before end of array": "the last comma is one too many",
    "Unterminated string starting at": "this text has no closing quote",
    "Invalid control character at": "a line break or tab inside a text must be written \\n or \\t",
    "Invalid \\escape": "a backslash inside a text must be doubled",
    "Invalid \\uXXXX escape": "expected four hex digits after \\u",
    "Extra data": "the document ended before this; expected nothing more",
}
_HALF_PAIR: Final = re.compile("[\ud800-\udfff]")
_MOST_DIGITS: Final = 4000
_MOST_LINES: Final = 1000
_WIDTH: Final = 120


class Problem(ValueError):
    """A text that is not JSON, or not JSON that can be kept. The message has the place."""

    def __init__(self, sentence: str, *, line: int = 0, column: int = 0, pointer: str = "") -> None:
        where = f"Line {line}, column {column}: " if line else ""
        super().__init__(f"{where}{sentence}")
        self.line = line
        self.column = column
        self.pointer = pointer


class _Refused(ValueError):
    def __init__(self, token: str, sentence: str) -> None:
        super().__init__(sentence)
        self.token = token


def parse(text: str) -> Any:
    """The document in `text`; numbers keep their digits (see `write`).

    Raises:
        Problem: `text` is not JSON, or has NaN, a key twice, a number beyond double, or nesting too deep.
    """
    if "\x00" in text:
        raise Problem("NUL characters are not allowed here; inside a text write \\u0000.")
    try:
        return json.loads(
            text, parse_constant=_refuse, object_pairs_hook=_unique, parse_float=_finite, parse_int=_whole
        )
    except json.JSONDecodeError as error:
        expected = _EXPECTED.get(error.msg, error.msg[:1].lower() + error.msg[1:])
        if error.msg == "Expecting ',' delimiter":
            expected += f" or {_closing(text[: error.pos])}"
        raise Problem(f"{expected}.", line=error.lineno, column=error.colno) from None
    except _Refused as error:
        pointer, offset = place_of(text, error.token)
        line, column = _line_and_column(text, offset)
        raise Problem(str(error), line=line, column=column, pointer=pointer) from None
    except RecursionError:
        raise Problem("It is nested too deeply.") from None


def write(value: Any, *, indent: int | None = 2) -> str:
    """The document as text: keys in their order, numbers with the digits they came with, one member a line.

    In a document of many lines, an object or a list that fits on one line gets one.
    """
    out: list[str] = []
    _write(value, out, "\n" if indent else "", " " * (indent or 0), _WIDTH if indent and _has_many_lines(value) else 0)
    return "".join(out)


def refusals(value: Any, pointer: str = "") -> list[tuple[str, str]]:
    """What would change on its way to the server, or cannot be sent: a pointer and a sentence for each."""
    found: list[tuple[str, str]] = []
    stack = [(pointer, value)]
    while stack:
        at, part = stack.pop()
        if isinstance(part, dict):
            found += [(at, _HALF) for key in part if isinstance(key, str) and _HALF_PAIR.search(key)]
            stack += [(join(at, key), member) for key, member in reversed(part.items())]
        elif isinstance(part, list):
            stack += [(join(at, index), part[index]) for index in range(len(part) - 1, -1, -1)]
        elif isinstance(part, str) and _HALF_PAIR.search(part):
            found.append((at, _HALF))
        elif sentence := _changed(part):
            found.append((at, sentence))
    return found


def refusals_of_text(text: str, value: Any) -> list[str]:
    """The sentences of `refusals`, each with its line and path in `text`, which parsed to `value`."""
    found = refusals(value)
    if not found:
        return []
    offsets = dict(places(text))
    return [_with_place(text, offsets.get(pointer, 0), pointer, sentence) for pointer, sentence in found]


def line_of(text: str, pointers: set[str]) -> dict[str, int]:
    """The line on which each of `pointers` stands in the JSON text `text`."""
    offsets = [(offset, pointer) for pointer, offset in places(text) if pointer in pointers]
    lines: dict[str, int] = {}
    line, at = 1, 0
    for offset, pointer in sorted(offsets):
        line += text.count("\n", at, offset)
        at = offset
        lines[pointer] = line
    return lines


_HALF: Final = "This text has half of a surrogate pair, which no server can read. Write the whole character."


def _changed(value: Any) -> str:
    """Why a number would not arrive unchanged; "" when it would."""
    if not is_number(value):
        return ""
    if isinstance(value, int):
        if -(2**63) <= value < 2**64:
            return ""
        return f"{_short(str(value))} does not fit into 64 bits and would change in transit; write it as a text."
    if not isinstance(value, Digits):
        return ""
    if value.text.lstrip("-").isdigit() or Decimal(value.text) == Decimal(repr(float(value))):
        return ""
    if not value:
        return f"{_short(value.text)} is too small for a number and would become 0; write it as a text."
    return f"{_short(value.text)} has more digits than a number keeps and would become {float(value)!r}."


def printable(text: str) -> str:
    """A key or path for a sentence: cut where it is long, and half surrogates, which no page can hold, escaped."""
    cut = text if len(text) <= 80 else f"{text[:79]}…"
    return cut.encode("utf-8", "backslashreplace").decode()


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:24]}… ({len(text)} digits)"


def _closing(text: str) -> str:
    """The bracket that closes the innermost open object or list of `text`, the beginning of a document."""
    opened: list[str] = []
    is_text = is_escaped = False
    for character in text:
        if is_text:
            is_text = is_escaped or character != '"'
            is_escaped = character == "\\" and not is_escaped
        elif character == '"':
            is_text = True
        elif character in "{[":
            opened.append(character)
        elif character in "}]" and opened:
            opened.pop()
    return "]" if opened and opened[-1] == "[" else "}"


def _refuse(token: str) -> Any:
    raise _Refused(token, f"{token} is no JSON value; use null, or a text.")


def _finite(token: str) -> float:
    if len(token) > _MOST_DIGITS:
        raise _Refused(token, "This number has too many digits.")
    number = number_of(token)
    if not math.isfinite(number):
        raise _Refused(token, f"{token} is too large for a number; write it as a text.")
    return number


def _whole(token: str) -> int | float:
    if len(token) > _MOST_DIGITS:
        raise _Refused(token, "It holds a whole number with too many digits.")
    return number_of(token)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Refused(json.dumps(key, ensure_ascii=False), f'the key "{printable(key)}" stands twice.')
            seen.add(key)
    return found


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _with_place(text: str, offset: int, pointer: str, sentence: str) -> str:
    line, column = _line_and_column(text, offset)
    where = f" ({printable(pointer[1:])})" if pointer else ""
    return f"Line {line}, column {column}{where}: {sentence}"


def _has_many_lines(value: Any) -> bool:
    """Whether the document takes more than `_MOST_LINES`, one member a line."""
    stack, count = [value], 0
    while stack and count <= _MOST_LINES:
        part = stack.pop()
        if isinstance(part, dict | list):
            count += len(part) + 1
            stack += part.values() if isinstance(part, dict) else part
    return count > _MOST_LINES


def _write(value: Any, out: list[str], line: str, step: str, width: int) -> int:
    """Write `value` after `line`, a line break and its indent; on one line what fits on one of `width` characters.

    Returns how many characters it takes on one line; where they fit, it is the last piece of `out`.
    """
    start, size = len(out), 2
    if isinstance(value, str):
        out.append(_quoted(value))
    elif isinstance(value, dict) and value:
        deeper = f"{line}{step}"
        before, between = f"{{{deeper}", f",{deeper}" if line else ", "
        for key, member in value.items():
            out += (before, f"{_quoted(key)}: ")
            size += len(out[-1]) + 2 + _write(member, out, deeper, step, width)
            before = between
        if size <= width:
            out[start:] = [f"{{{', '.join(map(add, out[start + 1 :: 3], out[start + 2 :: 3]))}}}"]
        else:
            out.append(f"{line}}}")
        return size
    elif isinstance(value, list) and value:
        deeper = f"{line}{step}"
        before, between = f"[{deeper}", f",{deeper}" if line else ", "
        for member in value:
            out.append(before)
            size += 2 + _write(member, out, deeper, step, width)
            before = between
        if size <= width:
            out[start:] = [f"[{', '.join(out[start + 1 :: 2])}]"]
        else:
            out.append(f"{line}]")
        return size
    elif value is None:
        out.append("null")
    elif isinstance(value, bool):
        out.append("true" if value else "false")
    else:
        out.append(value.text if isinstance(value, Digits) else repr(value))  # a number, {} or []
    return len(out[-1])


def _quoted(text: str) -> str:
    return encode_basestring_ascii(text) if _HALF_PAIR.search(text) else encode_basestring(text)
