"""Parts of a JSON document, found by their place in its bytes: a question in 64 MB costs no 640 MB of objects.

    whole = document_part(body)                              # ValueError when it is no JSON
    tasks = whole.members("tasks", "next").get("tasks")      # scanned at the speed of documents.py, nothing parsed
    names = [task.members("name") for task in tasks.items()]

Of two equal keys the last counts, as for every JSON parser here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from dashboard.langgraph._json.scanner import (
    MEMBER,
    STRING,
    Bytes,
    DocumentState,
    is_space_before_end,
    parse_document,
    skip_matches,
    skip_space,
    walk_value,
)

_KEY: Final = re.compile(rb"(" + STRING + rb")[ \t\n\r]*+:[ \t\n\r]*+")
_TEXT: Final = re.compile(rb'"(?:[^"\\]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
_BYTES_A_CHAR: Final = 12
"""The longest that JSON writes a character: two escaped surrogates."""


@dataclass(frozen=True, eq=False)
class Part:
    """One value inside a document that is known to be whole."""

    document: Bytes
    start: int
    end: int

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return self.end - self.start

    @property
    def raw(self) -> bytes:
        """Its own bytes, copied."""
        return bytes(memoryview(self.document)[self.start : self.end])

    @property
    def is_object(self) -> bool:
        return self._first == b"{"

    @property
    def is_list(self) -> bool:
        return self._first == b"["

    @property
    def is_empty(self) -> bool:
        """Whether it is an object or a list with nothing in it."""
        inside = skip_space(self.document, self.start + 1)
        return self.document[self.start : self.start + 1] + self.document[inside : inside + 1] in (b"{}", b"[]")

    def raw_is(self, *literals: bytes) -> bool:
        """Whether it is written exactly as one of these."""
        return self.size <= max(map(len, literals)) and self.raw in literals

    def value(self) -> Any:
        """As Python values."""
        return parse_document(self.raw)

    def text(self, chars: int) -> str:
        """The first `chars` characters of a string; of anything else, of its JSON."""
        end = min(self.end, self.start + chars * _BYTES_A_CHAR + 2)
        beginning = bytes(memoryview(self.document)[self.start : end])
        if self._first != b'"':
            return beginning.decode("utf-8", "replace")[:chars]
        found = _TEXT.match(beginning)
        assert found is not None
        text = (found.group() + b'"').decode("utf-8", "surrogatepass" if len(beginning) == self.size else "replace")
        return str(json.loads(text, strict=False))[:chars]

    def members(self, *names: str) -> dict[str, Part]:
        """Those members of an object that have one of these names; {} of anything else."""
        return _members(self.document, self.start, frozenset(names))[0] if self.is_object else {}

    def items(self) -> Iterator[Part]:
        """The items of a list; none of anything else."""
        if not self.is_list:
            return
        at = skip_space(self.document, self.start + 1)
        while self.document[at : at + 1] != b"]":
            item = _part(self.document, at)
            yield item
            at = skip_space(self.document, item.end)
            if self.document[at : at + 1] == b",":
                at = skip_space(self.document, at + 1)

    @property
    def _first(self) -> bytes:
        return bytes(self.document[self.start : self.start + 1])


def document_part(body: Bytes) -> Part:
    """A whole document as a part of itself.

    Raises:
        ValueError: `body` is not one whole JSON document.
    """
    found = _part(body, skip_space(body, 0))
    if not is_space_before_end(body, found.end):
        raise ValueError(f"more than one JSON document, at byte {found.end}")
    return found


def _part(body: Bytes, at: int) -> Part:
    state, end = walk_value(body, at)
    if state is not DocumentState.WHOLE:
        raise ValueError(f"no whole JSON value at byte {at}")
    return Part(body, at, end)


def _members(body: Bytes, start: int, names: frozenset[str]) -> tuple[dict[str, Part], int]:
    """The wanted members of the object that begins at `start`, and where the object ends."""
    found: dict[str, Part] = {}
    others = _other_members(names)
    at = skip_space(body, start + 1)
    if body[at : at + 1] == b"}":
        return found, at + 1
    while True:
        at = skip_matches(others, body, at)
        key = _KEY.match(body, at)
        if key is None:
            raise ValueError(f"no member at byte {at}")
        part = _part(body, key.end())
        name = parse_document(key.group(1))
        if name in names:
            found[name] = part
        at = skip_space(body, part.end)
        if body[at : at + 1] == b"}":
            return found, at + 1
        at = skip_space(body, at + 1)


@cache
def _other_members(names: frozenset[str]) -> re.Pattern[bytes]:
    """Some members with other names, each with its comma. A name with an escape in it has to be looked at."""
    wanted = b"|".join(re.escape(name.encode()) for name in sorted(names))
    return re.compile(rb'(?:(?!"(?:(?:' + wanted + rb')"|[^"\\]*+\\))' + MEMBER + rb"){1,50}+")
