"""One pass over the bytes of a JSON document: where its large values end, and where some of their children begin.

Small values are matched with one regular expression each (C speed, no backtracking). Other threads run between two
matches, so the event loop is not held up.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from typing import Final

from dashboard.runs.state.json_values import TooDeep

SMALL_BYTES: Final = 64_000
"""A place up to this size may be turned into Python values; a larger one is opened child by child."""
DEPTH_MAX: Final = 2_000
_STRIDE: Final = 32

_WS: Final = rb"[ \t\n\r]*+"
# Bounded: `re` holds the GIL while it matches, and a string may be 20 MB of escapes. Longer ones: see `_string_end`.
_STRING: Final = rb'"(?:[^"\\]++|\\.){0,2000}+"'
_SCALAR: Final = rb"(?>" + _STRING + rb"|-?[0-9][0-9.eE+\-]*+|true|false|null|NaN|-?Infinity)"


def _nested(value: bytes) -> bytes:
    """A pattern for `value`, or a list or object of at most 31 of them."""
    member, item = _STRING + _WS + rb":" + _WS + value + _WS, value + _WS
    array_ = rb"\[" + _WS + rb"(?:" + item + rb"(?:," + _WS + item + rb"){0,30}+)?+\]"
    mapping = rb"\{" + _WS + rb"(?:" + member + rb"(?:," + _WS + member + rb"){0,30}+)?+\}"
    return rb"(?>" + value + rb"|" + array_ + rb"|" + mapping + rb")"


_VALUE_PATTERN: Final = _nested(_nested(_nested(_SCALAR)))
_VALUE: Final = re.compile(_VALUE_PATTERN, re.DOTALL)
_KEY: Final = re.compile(_STRING, re.DOTALL)
_SPACE: Final = re.compile(_WS)
_STRING_PART: Final = re.compile(rb'(?:[^"\\]++|\\.){1,20000}+', re.DOTALL)
_ITEMS: Final = re.compile(rb"(?:" + _VALUE_PATTERN + _WS + rb"," + _WS + rb"){32}+", re.DOTALL)
_MEMBERS: Final = re.compile(
    rb"(?:" + _STRING + _WS + rb":" + _WS + _VALUE_PATTERN + _WS + rb"," + _WS + rb"){32}+", re.DOTALL
)


@dataclass
class Marks:
    """Where a container ends, how many children it has, and where some of them begin."""

    start: int
    is_object: bool
    end: int = 0
    count: int = 0
    numbers: array[int] = field(default_factory=lambda: array("Q"))
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    singles: int = 0
    """How many children are taken one by one before 32 at once are tried again."""

    def add(self, count: int, at: int) -> None:
        """Count children of which the first begins at `at`."""
        if not self.offsets or self.count - self.numbers[-1] >= _STRIDE or at - self.offsets[-1] > SMALL_BYTES:
            self.numbers.append(self.count)
            self.offsets.append(at)
        self.count += count


def skip_space(body: bytes, at: int) -> int:
    """Where the white space that may begin at `at` ends."""
    found = _SPACE.match(body, at)
    return found.end() if found else at


def scan(body: bytes, at: int, kept: dict[int, Marks]) -> int:
    """Walk over the value that begins at `at` and return its end. Notes large containers in `kept`.

    Raises:
        ValueError: no JSON value begins there.
        TooDeep: it is nested too deeply.
    """
    open_: list[Marks] = []
    while True:
        if value := _VALUE.match(body, at):
            at = value.end()
        elif body[at : at + 1] in (b"[", b"{"):
            if len(open_) >= DEPTH_MAX:
                raise TooDeep(f"nested more than {DEPTH_MAX} levels")
            open_.append(Marks(at, body[at : at + 1] == b"{"))
            at = _begin_child(body, skip_space(body, at + 1), open_[-1])
            continue
        elif body[at : at + 1] == b'"':
            start, at = at, _string_end(body, at)
            kept[start] = Marks(start, is_object=False, end=at)
        else:
            raise ValueError(f"no JSON value at byte {at}")
        while open_:
            at = skip_space(body, at)
            if body[at : at + 1] == b",":
                at = _begin_child(body, skip_space(body, at + 1), open_[-1])
                break
            top = open_.pop()
            if body[at : at + 1] != (b"}" if top.is_object else b"]"):
                raise ValueError(f"no end of {'an object' if top.is_object else 'a list'} at byte {at}")
            at += 1
            if at - top.start > SMALL_BYTES:
                top.end = at
                kept[top.start] = top
        else:
            return at


def _begin_child(body: bytes, at: int, parent: Marks) -> int:
    """Count the child that begins at `at`, and 32 at once where they are small. Returns where the next value begins."""
    if parent.singles == 0:
        bulk = _MEMBERS.match if parent.is_object else _ITEMS.match
        while found := bulk(body, at):
            parent.add(_STRIDE, at)
            at = found.end()
        parent.singles = _STRIDE
    parent.add(1, at)
    parent.singles -= 1
    if not parent.is_object:
        return at
    return start_of_value(body, at, end_of_key(body, at))


def _string_end(body: bytes, at: int) -> int:
    """Where the string that begins at `at` ends, whatever its length."""
    end = at + 1
    while found := _STRING_PART.match(body, end):
        end = found.end()
    if body[end : end + 1] != b'"':
        raise ValueError(f"no end of the string at byte {at}")
    return end + 1


def end_of_key(body: bytes, at: int) -> int:
    """Where the key that begins at `at` ends. ValueError when there is none."""
    if found := _KEY.match(body, at):
        return found.end()
    if body[at : at + 1] != b'"':
        raise ValueError(f"no key at byte {at}")
    return _string_end(body, at)


def start_of_value(body: bytes, at: int, key_end: int) -> int:
    """Where the value of the key from `at` to `key_end` begins."""
    colon = skip_space(body, key_end)
    if body[colon : colon + 1] != b":":
        raise ValueError(f"no colon after the key at byte {at}")
    return skip_space(body, colon + 1)
