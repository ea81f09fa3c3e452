"""The place of each value in a JSON text. Linear: one match a token, and nothing is read twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from dashboard.schema_forms.pointers import escape

_TOKEN: Final = re.compile(r'[ \t\n\r]*+("(?:[^"\\]++|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]++|")', re.DOTALL)


def places(text: str) -> Iterator[tuple[str, int]]:
    """The JSON Pointer and the offset of every value in `text`, in order. Stops where the text is no JSON."""
    for pointer, offset, _, is_key in _walk(text):
        if not is_key:
            yield pointer, offset


def place_of(text: str, token: str) -> tuple[str, int]:
    """Pointer and offset of a refused token: a key that stands twice (its second place), or the first such value."""
    if token.startswith('"'):
        key = json.loads(token)
        seen: set[str] = set()
        for pointer, offset, word, is_key in _walk(text):
            if is_key and _is_text(word, key):
                if pointer in seen:
                    return pointer, offset
                seen.add(pointer)
        return "", 0
    for pointer, offset, word, is_key in _walk(text):
        if not is_key and word == token:
            return pointer, offset
    return "", 0


def _is_text(word: str, key: str) -> bool:
    try:
        return bool(json.loads(word) == key)
    except ValueError:
        return False


def _walk(text: str) -> Iterator[tuple[str, int, str, bool]]:
    """(pointer, offset, token, is a key) of every key and every value."""
    match = _TOKEN.match
    # One entry for each open container: its pointer, and its index for a list or -1 for an object.
    stack: list[tuple[str, int]] = []
    pointer, at, key_next = "", 0, False
    while found := match(text, at):
        at = found.end()
        word, offset = found[1], found.start(1)
        if word in "}]":
            if not stack:
                return
            stack.pop()
        elif word == ",":
            if not stack:
                return
            parent, index = stack[-1]
            if index >= 0:
                stack[-1] = (parent, index + 1)
                pointer = f"{parent}/{index + 1}"
            else:
                key_next = True
        elif word == ":":
            continue
        elif key_next and word.startswith('"'):
            key_next = False
            pointer = f"{stack[-1][0]}/{escape(_text(word))}"
            yield pointer, offset, word, True
        else:
            yield pointer, offset, word, False
            if word == "{":
                stack.append((pointer, -1))
                key_next = True
            elif word == "[":
                stack.append((pointer, 0))
                pointer = f"{pointer}/0"
        if word in "}]":
            key_next = False


def _text(word: str) -> str:
    try:
        return str(json.loads(word))
    except ValueError:
        return word[1:-1]
