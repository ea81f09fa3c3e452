"""JSON documents as they come: whether one is whole, and its Python value."""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Final

import msgspec
import orjson

from dashboard.langgraph._json import odd
from dashboard.langgraph._json.odd import Bytes

SMALL_BYTES: Final = 256 * 1024
"""Larger documents are checked in a thread."""
REFUSED: Final = (msgspec.DecodeError, RecursionError, UnicodeError)
"""What msgspec raises for documents that it cannot read, whole or not."""
_SKIP: Final = msgspec.json.Decoder(msgspec.Raw)


def is_whole(body: Bytes) -> bool:
    """Whether `body` is one whole JSON document. NaN, Infinity, half surrogate pairs and any depth are fine.

    Takes linear time and builds nothing. A bare number cut short (`12` of `123`) looks like a whole one;
    LangGraph states are objects or lists.
    """
    try:
        _SKIP.decode(body)
        return True
    except REFUSED:
        pass
    try:
        deque(odd.tokens(body), maxlen=0)
        return True
    except ValueError:
        return False


def is_self_delimiting(body: Bytes) -> bool:
    """Whether a document's last byte shows that it is whole: so for an object, list or string, not for a number."""
    return bytes(body[:1]) in (b"{", b"[", b'"')


def may_be_json(body: Bytes) -> bool:
    """Whether `body` begins as JSON does. An HTML page does not."""
    return bytes(body[:1]) in {bytes([char]) for char in b'{["-0123456789tfnNI'}


def parse_document(body: Bytes) -> Any:
    """The Python value of one JSON document: by orjson, else the standard library, else a parser that never recurses.

    Raises:
        ValueError: `body` is not one whole JSON document.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as refused:
        try:
            return json.loads(bytes(body).decode("utf-8", "surrogatepass"), strict=False)
        except (RecursionError, ValueError):
            if not is_whole(body):
                raise ValueError(str(refused)) from refused
            return odd.parse(body)
