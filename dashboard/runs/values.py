"""The values of a run's input and result, by which lists are filtered: `input.topic=tides`.

Each is kept as a number of 63 bits made from its path and text, which an index holds in eight bytes. Two different ones
share a number about once in a billion billion.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

VALUES_MAX = 150
"""How many of a document are kept, outer ones first."""
DEPTH = 6
TEXT_CHARS = 200
"""Only the beginning of a longer text counts."""


def value_key(path: str, text: str) -> int:
    """The number of the value `text` at `path`, for example `input.topic` and `tides`."""
    word = f"{path}={text[:TEXT_CHARS]}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(word, digest_size=8).digest()) >> 1


def value_keys(document: str, value: Any) -> list[int]:
    """The numbers of the scalars in `value`, which is a run's `document`: `input` or `result`."""
    found: list[int] = []
    for path, leaf in _scalars(document, value):
        found.append(value_key(path, leaf))
        if len(found) >= VALUES_MAX:
            break
    return found


def _scalars(path: str, value: Any) -> Iterator[tuple[str, str]]:
    level = [(path, value)]
    for _ in range(DEPTH):
        below = []
        for where, branch in level:
            if not isinstance(branch, dict | list):
                yield where, _text(branch)
                continue
            items = branch.items() if isinstance(branch, dict) else enumerate(branch[:VALUES_MAX])
            below += [(f"{where}.{key}", item) for key, item in items]
            if len(below) > 4 * VALUES_MAX:
                break
        level = below


def _text(value: Any) -> str:
    """A scalar as a person types it: texts without quotes, the others as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value)
    except ValueError:  # a whole number of more digits than Python writes
        return ""
