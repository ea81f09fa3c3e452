"""A final state as received, opened place by place: only what somebody looks at is parsed.

    document = Document(body)                    # one pass over the bytes; ValueError when it is no JSON
    document.at("/items/17999")                  # a Place, by JSON Pointer (RFC 6901)
    place.children(100, 200)                     # a window of its members or items

Large lists and objects get a mark at every 32nd child (`scanner.py`), so that any window of 20 MB opens in about a
millisecond. Numbers keep the digits they were written with (`json_values.py`).
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

from dashboard.runs.state.json_values import read_json, whole_characters
from dashboard.runs.state.scanner import SMALL_BYTES, Marks, end_of_key, scan, skip_space, start_of_value

Key: TypeAlias = str | int

_CLOSE: Final = b"]}"
_KINDS: Final = {"[": "list", "{": "object", '"': "string", "t": "boolean", "f": "boolean", "n": "null"}


class Document:
    """One JSON document and where its large parts are.

    Raises:
        ValueError: it is not one whole JSON document (TooDeep: it is, but nested too deeply).
    """

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.marks: dict[int, Marks] = {}
        self.sizes: dict[int, int] = {}
        """Lengths of long strings that were counted before."""
        start = skip_space(body, 0)
        end = scan(body, start, self.marks)
        if skip_space(body, end) != len(body):
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
                raw = whole_characters(raw)
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
        number, at = 0, skip_space(body, self.start + 1)
        if mine := marks.get(self.start):
            index = max(0, bisect_right(mine.numbers, first) - 1)
            number, at = mine.numbers[index], mine.offsets[index]
        is_object = self.kind == "object"
        while body[at] not in _CLOSE:
            key: Key = number
            key_at = -1
            if is_object:
                key_at, key_end = at, end_of_key(body, at)
                key, at = str(read_json(body[at:key_end])), start_of_value(body, at, key_end)
            end = marks[at].end if at in marks else scan(body, at, {})
            if number >= first:
                yield number, Place(self.document, at, end, f"{self.pointer}/{pointer_step(key)}", key, key_at)
            number += 1
            at = skip_space(body, end)
            if body[at : at + 1] == b",":
                at = skip_space(body, at + 1)


def pointer_step(key: Key) -> str:
    """A key as a step of a JSON Pointer."""
    return str(key).replace("~", "~0").replace("/", "~1")
