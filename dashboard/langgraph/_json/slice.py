"""Parts of a JSON document as slices of its bytes: a question in 64 MB costs no 640 MB of objects.

    whole = document_part(body)                              # ValueError when it is no JSON
    tasks = whole.members("tasks", "next").get("tasks")      # msgspec passes over the rest
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

import msgspec

from dashboard.langgraph._json import odd
from dashboard.langgraph._json.documents import REFUSED, is_whole, parse_document
from dashboard.langgraph._json.odd import Bytes

_TEXT: Final = re.compile(rb'"(?:[^"\\]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
_SPACES: Final = b" \t\r\n"
_SPACE: Final = re.compile(rb"[ \t\n\r]*+")
_BYTES_A_CHAR: Final = 12
"""The longest that JSON writes a character: two escaped surrogates."""
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, eq=False)
class Part:
    """One value inside a document that is known to be whole: `view` is its own bytes, without space around them."""

    view: memoryview

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return len(self.view)

    @property
    def raw(self) -> bytes:
        """Its own bytes, copied."""
        return bytes(self.view)

    @property
    def is_object(self) -> bool:
        return self._first == b"{"

    @property
    def is_list(self) -> bool:
        return self._first == b"["

    @property
    def is_empty(self) -> bool:
        """Whether it is an object or a list with nothing in it."""
        inside = _SPACE.match(self.view, 1)
        return (self.is_object or self.is_list) and inside is not None and inside.end() == self.size - 1

    def raw_is(self, *literals: bytes) -> bool:
        """Whether it is written exactly as one of these."""
        return self.size <= max(map(len, literals)) and self.raw in literals

    def value(self) -> Any:
        """As Python values."""
        return parse_document(self.raw)

    def text(self, chars: int) -> str:
        """The first `chars` characters of a string; of anything else, of its JSON."""
        beginning = bytes(self.view[: chars * _BYTES_A_CHAR + 2])
        if self._first != b'"':
            return beginning.decode("utf-8", "replace")[:chars]
        found = _TEXT.match(beginning)
        assert found is not None
        text = (found.group() + b'"').decode("utf-8", "surrogatepass" if len(beginning) == self.size else "replace")
        return str(json.loads(text, strict=False))[:chars]

    def members(self, *names: str) -> dict[str, Part]:
        """Those members of an object that have one of these names; {} of anything else."""
        if not self.is_object:
            return {}
        try:
            found = _members(names).decode(self.view)
        except REFUSED:
            return {
                name: Part(self.view[start:end])
                for key, start, end in odd.entries(self.view)
                if (name := odd.scalar(key)) in names
            }
        raws = zip(names, msgspec.structs.astuple(found), strict=True)
        return {name: Part(memoryview(raw)) for name, raw in raws if raw is not msgspec.UNSET}

    def items(self) -> Iterator[Part]:
        """The items of a list; none of anything else."""
        if not self.is_list:
            return
        try:
            raws = _LIST.decode(self.view)
        except REFUSED:
            yield from (Part(self.view[start:end]) for _, start, end in odd.entries(self.view))
            return
        yield from (Part(memoryview(raw)) for raw in raws)

    @property
    def _first(self) -> bytes:
        return bytes(self.view[:1])


def whole_part(body: Bytes) -> Part:
    """The slice that is the whole of a document, which is known to be whole and to have no space around it."""
    return Part(memoryview(body))


def document_part(body: Bytes) -> Part:
    """The slice that is the whole of a document.

    Raises:
        ValueError: `body` is not one whole JSON document.
    """
    if not is_whole(body):
        raise ValueError("no whole JSON document")
    start, end = 0, len(body)
    while body[start] in _SPACES:
        start += 1
    while body[end - 1] in _SPACES:
        end -= 1
    return Part(memoryview(body)[start:end])


@cache
def _members(names: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    """Reads the members of these names as raw bytes, and passes over all others."""
    fields: list[Any] = [
        (f"member_{number}", msgspec.Raw, msgspec.field(name=name, default=msgspec.UNSET))
        for number, name in enumerate(names)
    ]
    return msgspec.json.Decoder(msgspec.defstruct("Members", fields))
