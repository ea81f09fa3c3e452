"""A final state as it was received, opened place by place: nothing is parsed that nobody looks at.

    document = Document(body)                    # one pass over the bytes; ValueError when it is no JSON
    document.at("/items/17999")                  # a Place, by JSON Pointer (RFC 6901)
    place.children(100, 200)                     # a window of its members or items

Large lists and objects get a mark at every 32nd child, so that any window of 20 MB opens in about a millisecond. The
scan matches small values with one regular expression each (C speed, no backtracking); it lets other threads run between
two matches, so the event loop is not held up. Numbers keep the digits they were written with.
"""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeAlias

Key: TypeAlias = str | int

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
_CLOSE: Final = b"]}"
_KINDS: Final = {"[": "list", "{": "object", '"': "string", "t": "boolean", "f": "boolean", "n": "null"}


class Number(str):
    """A number as it is written: 1.0 stays 1.0, and no digit of a long one is lost."""


class TooDeep(ValueError):
    """The document is nested deeper than DEPTH_MAX levels; it can be read as text only."""


@dataclass
class _Marks:
    """Where a container ends, how many children it has, and where some of them begin."""

    start: int
    is_object: bool
    end: int = 0
    count: int = 0
    numbers: array[int] = field(default_factory=lambda: array("Q"))
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    singles: int = 0
    """So many children are taken one by one before 32 at once are tried again."""

    def add(self, count: int, at: int) -> None:
        """Count children of which the first begins at `at`."""
        if not self.offsets or self.count - self.numbers[-1] >= _STRIDE or at - self.offsets[-1] > SMALL_BYTES:
            self.numbers.append(self.count)
            self.offsets.append(at)
        self.count += count


def _space(body: bytes, at: int) -> int:
    found = _SPACE.match(body, at)
    return found.end() if found else at


def _scan(body: bytes, at: int, kept: dict[int, _Marks]) -> int:
    """Walk over the value that begins at `at`; gives its end. Large containers in it are noted in `kept`.

    Raises:
        ValueError: no JSON value begins there.
        TooDeep: it is nested too deeply.
    """
    open_: list[_Marks] = []
    while True:
        if value := _VALUE.match(body, at):
            at = value.end()
        elif body[at : at + 1] in (b"[", b"{"):
            if len(open_) >= DEPTH_MAX:
                raise TooDeep(f"nested more than {DEPTH_MAX} levels")
            open_.append(_Marks(at, body[at : at + 1] == b"{"))
            at = _begin_child(body, _space(body, at + 1), open_[-1])
            continue
        elif body[at : at + 1] == b'"':
            start, at = at, _string_end(body, at)
            kept[start] = _Marks(start, is_object=False, end=at)
        else:
            raise ValueError(f"no JSON value at byte {at}")
        while open_:
            at = _space(body, at)
            if body[at : at + 1] == b",":
                at = _begin_child(body, _space(body, at + 1), open_[-1])
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


def _begin_child(body: bytes, at: int, parent: _Marks) -> int:
    """Count the child that begins at `at`, and 32 at once where they are small. Gives where the next value begins."""
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
    return _value_after(body, at, _key_end(body, at))


def _string_end(body: bytes, at: int) -> int:
    """Where the string that begins at `at` ends, whatever its length."""
    end = at + 1
    while found := _STRING_PART.match(body, end):
        end = found.end()
    if body[end : end + 1] != b'"':
        raise ValueError(f"no end of the string at byte {at}")
    return end + 1


def _key_end(body: bytes, at: int) -> int:
    if found := _KEY.match(body, at):
        return found.end()
    if body[at : at + 1] != b'"':
        raise ValueError(f"no key at byte {at}")
    return _string_end(body, at)


def _value_after(body: bytes, at: int, key_end: int) -> int:
    """Where the value of the key from `at` to `key_end` begins."""
    colon = _space(body, key_end)
    if body[colon : colon + 1] != b":":
        raise ValueError(f"no colon after the key at byte {at}")
    return _space(body, colon + 1)


class Document:
    """One JSON document and where its large parts are.

    Raises:
        ValueError: it is not one whole JSON document (TooDeep: it is, but nested too deeply).
    """

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.marks: dict[int, _Marks] = {}
        self.sizes: dict[int, int] = {}
        """How many characters the long strings have that somebody asked about."""
        start = _space(body, 0)
        end = _scan(body, start, self.marks)
        if _space(body, end) != len(body):
            raise ValueError(f"more than one JSON document, at byte {end}")
        self.root = Place(self, start, end, "")

    @classmethod
    def of(cls, value: Any) -> Document:
        """A document with this Python value."""
        return cls(json.dumps(value).encode("ascii"))

    def at(self, pointer: str) -> Place | None:
        """The place a JSON Pointer names, or None."""
        place: Place | None = self.root
        if pointer and not pointer.startswith("/"):
            return None
        for step in pointer.split("/")[1:]:
            place = place.child(step.replace("~1", "/").replace("~0", "~")) if place else None
        return place

    def path_to(self, offset: int) -> Place:
        """The innermost place whose bytes, or whose key's bytes, hold the one at `offset`."""
        return self.way_to(offset)[-1]

    def way_to(self, offset: int) -> list[Place]:
        """All places whose bytes, or whose keys' bytes, hold the one at `offset`, the whole document first."""
        way = [self.root]
        while found := way[-1].child_at(offset):
            way.append(found)
        return way

    def at_offset(self, offset: int) -> Place | None:
        """The place that begins with the byte at `offset`, or None."""
        place = self.path_to(offset)
        return place if place.start == offset else None


@dataclass(frozen=True, eq=False)
class Place:
    """One value of a document."""

    document: Document
    start: int
    end: int
    pointer: str
    """As RFC 6901 has it; "" is the whole document."""
    key: Key | None = None
    key_at: int = -1
    """Where its key begins, in an object."""

    @cached_property
    def kind(self) -> str:
        """JSON's type: object, list, string, number, boolean or null."""
        return _KINDS.get(chr(self.document.body[self.start]), "number")

    @property
    def is_container(self) -> bool:
        return self.kind in ("object", "list")

    @property
    def length(self) -> int:
        """How many bytes it takes in the document."""
        return self.end - self.start

    @property
    def is_small(self) -> bool:
        """Whether `value` costs little."""
        return self.length <= SMALL_BYTES

    @property
    def raw(self) -> bytes:
        """Its own bytes, copied."""
        return self.document.body[self.start : self.end]

    @cached_property
    def size(self) -> int:
        """How many members, items or characters it has; 1 for anything else."""
        if self.kind == "string":
            if self.is_small:
                return len(self.text())
            if self.start not in self.document.sizes:
                self.document.sizes[self.start] = sum(map(len, self._pieces()))
            return self.document.sizes[self.start]
        if not self.is_container:
            return 1
        marks = self.document.marks.get(self.start)
        return marks.count if marks else sum(1 for _ in self._walk(0))

    @cached_property
    def value(self) -> Any:
        """As Python values, numbers as `Number`. For small places."""
        return read_json(self.raw)

    def text(self, chars: int | None = None, start: int = 0) -> str:
        """`chars` characters of a string from `start` on (None: all); of anything else, of its JSON."""
        stop = None if chars is None else start + chars
        if self.kind != "string":
            raw = self.raw if stop is None else self.document.body[self.start : min(self.end, self.start + stop * 4)]
            return raw.decode("utf-8", "replace")[start:stop]
        if self.is_small:
            return str(read_json(self.raw))[start:stop]
        found, seen = [], 0
        for piece in self._pieces():
            if stop is not None and seen >= stop:
                break
            found.append(piece[max(0, start - seen) : None if stop is None else stop - seen])
            seen += len(piece)
        return "".join(found)

    def _pieces(self) -> Iterator[str]:
        """A long string, some ten thousand characters at a time."""
        at, end = self.start + 1, self.end - 1
        while at < end:
            raw = self.document.body[at : min(end, at + SMALL_BYTES)]
            if at + len(raw) < end:
                raw = _whole_characters(raw)
            yield str(read_json(b'"' + raw + b'"'))
            at += len(raw)

    def children(self, start: int = 0, stop: int | None = None) -> list[Place]:
        """The children from number `start` on, up to `stop`; none of a scalar."""
        found: list[Place] = []
        if self.is_container:
            for number, place in self._walk(start):
                if stop is not None and number >= stop:
                    break
                found.append(place)
        return found

    def child(self, key: Key) -> Place | None:
        """A child by its key or its index. Of two equal keys the last counts, as for every JSON parser here."""
        if self.kind == "list":
            if not re.fullmatch(r"0|[1-9][0-9]{0,9}", str(key)):
                return None
            return next((place for place in self.children(int(key), int(key) + 1)), None)
        found = None
        if self.kind == "object":
            wanted = str(key)
            for _, place in self._walk(0):
                found = place if place.key == wanted else found
        return found

    def child_at(self, offset: int) -> Place | None:
        """The child whose bytes, or whose key's bytes, hold the one at `offset`."""
        if not self.is_container:
            return None
        marks = self.document.marks.get(self.start)
        first = marks.numbers[max(0, bisect_right(marks.offsets, offset) - 1)] if marks else 0
        for _, place in self._walk(first):
            begin = place.key_at if place.key_at >= 0 else place.start
            if offset < begin:
                return None
            if offset < place.end:
                return place
        return None

    def _walk(self, first: int) -> Iterator[tuple[int, Place]]:
        """The children from number `first` on, with their numbers."""
        body, marks = self.document.body, self.document.marks
        number, at = 0, _space(body, self.start + 1)
        if mine := marks.get(self.start):
            index = max(0, bisect_right(mine.numbers, first) - 1)
            number, at = mine.numbers[index], mine.offsets[index]
        is_object = self.kind == "object"
        while body[at] not in _CLOSE:
            key: Key = number
            key_at = -1
            if is_object:
                key_at, key_end = at, _key_end(body, at)
                key, at = str(read_json(body[at:key_end])), _value_after(body, at, key_end)
            end = marks[at].end if at in marks else _scan(body, at, {})
            if number >= first:
                yield number, Place(self.document, at, end, f"{self.pointer}/{pointer_step(key)}", key, key_at)
            number += 1
            at = _space(body, end)
            if body[at : at + 1] == b",":
                at = _space(body, at + 1)


def pointer_step(key: Key) -> str:
    """A key as a step of a JSON Pointer."""
    return str(key).replace("~", "~0").replace("/", "~1")


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


def _whole_characters(raw: bytes) -> bytes:
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
