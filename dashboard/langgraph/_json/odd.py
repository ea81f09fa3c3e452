"""JSON that fast parsers refuse although servers send it: NaN, half surrogate pairs, raw control characters, any depth.

Read token by token with a stack of one byte a level: never recurses, and needs no memory beyond what it builds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

Bytes: TypeAlias = bytes | bytearray | memoryview
"""A document; it must not change while it is read."""

_STRING: Final = rb'"(?:[^"\\]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
_NUMBER: Final = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
_TOKEN: Final = re.compile(
    rb"[ \t\n\r]*+(" + _STRING + rb"|" + _NUMBER + rb"|true|false|null|NaN|-?Infinity|[][{}:,])[ \t\n\r]*+"
)


Token: TypeAlias = tuple[str, int, int, int]
"""Its kind (`scalar`, `key`, `open` or `close`), how many containers it is in, where it starts and ends."""


def tokens(body: Bytes) -> Iterator[Token]:
    """The tokens of one JSON document, without commas and colons.

    Raises:
        ValueError: `body` is not one whole JSON document; raised when its end, or the place that is wrong, is reached.
    """
    stack = bytearray()
    wants, may_close, at = "value", False, 0  # wants: value, key, ":" or ","
    while wants != "end":
        found = _TOKEN.match(body, at)
        if found is None:
            raise ValueError(f"no whole JSON document: it ends or breaks at byte {at}")
        start, end = found.span(1)
        at, char = found.end(), chr(body[start])
        if char == "," and wants == ",":
            wants, may_close = "key" if stack[-1] == ord("{") else "value", False
        elif char == ":" and wants == ":":
            wants = "value"
        elif char in "]}" and (may_close or wants == ",") and stack and stack[-1] == ord(char) - 2:  # "[" is "]" - 2
            stack.pop()
            yield "close", len(stack), start, end
            wants = "," if stack else "end"
        elif char == '"' and wants == "key":
            yield "key", len(stack), start, end
            wants, may_close = ":", False
        elif wants == "value" and char in "[{":
            yield "open", len(stack), start, end
            stack.append(ord(char))
            wants, may_close = "key" if char == "{" else "value", True
        elif wants == "value" and char not in "]}:,":
            yield "scalar", len(stack), start, end
            wants, may_close = "," if stack else "end", False
        else:
            raise ValueError(f"no JSON document: {char} at byte {start}")
    if at != len(body):
        raise ValueError(f"more than one JSON document, at byte {at}")


def entries(body: Bytes) -> Iterator[tuple[bytes, int, int]]:
    """Key (empty in a list), start and end of each entry of the document's outermost container."""
    key, begin = b"", 0
    for kind, depth, start, end in tokens(body):
        if depth == 1 and kind == "key":
            key = bytes(body[start:end])
        elif depth == 1:
            begin = begin if kind == "close" else start
            if kind != "open":
                yield key, begin, end


def parse(body: Bytes) -> Any:
    """The Python value of a document, as `json.loads(..., strict=False)` would build it if it could go that deep."""
    root: list[Any] = []
    stack: list[Any] = [root]
    key = ""
    for kind, _, start, end in tokens(body):
        if kind == "close":
            stack.pop()
            continue
        raw = bytes(body[start:end])
        value: Any = ({} if raw == b"{" else []) if kind == "open" else scalar(raw)
        if kind == "key":
            key = value
        elif isinstance(stack[-1], dict):
            stack[-1][key] = value
        else:
            stack[-1].append(value)
        if kind == "open":
            stack.append(value)
    return root[0]


def scalar(raw: bytes) -> Any:
    """The value of a text, a number or a literal. Numbers too long for an int are floats, as orjson has them."""
    try:
        return json.loads(raw.decode("utf-8", "surrogatepass"), strict=False)
    except ValueError:
        return float(raw)
