"""Search in the keys and values of a whole state, over its bytes: only what is found is parsed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from dashboard.runs.state.document import Document, Place
from dashboard.runs.state.seen import cut, seen_html, showable

HITS: Final = 50
WORDS_MAX: Final = 200
_PIECE: Final = 200_000
"""How many bytes are searched at once; other threads run in between."""
_AROUND: Final = 60


@dataclass(frozen=True)
class Hit:
    """One place that was found: the words around it, marked."""

    place: Place
    excerpt: SafeString
    in_key: bool


@dataclass(frozen=True)
class Found:
    """Some hits, and where to go on; None when there are no more."""

    hits: list[Hit]
    next_at: int | None


def state_search(document: Document, words: str, *, at: int = 0) -> Found:
    """Places whose key or value holds `words`, whatever their case, from byte `at` on. One hit a place."""
    words = words[:WORDS_MAX]
    if not words:
        return Found([], None)
    find, body = _finder(words), document.body
    longest = 12 * len(words)
    hits: list[Hit] = []
    while at < len(body):
        start, end = find(body, at, min(len(body), at + _PIECE + longest))
        if not at <= start < at + _PIECE:
            at += _PIECE
            continue
        if len(hits) == HITS:
            return Found(hits, start)
        place = document.path_to(start)
        is_key = 0 <= place.key_at <= start < place.start
        if is_key or not place.is_container:
            hits.append(Hit(place, _excerpt(place, words, is_key=is_key), is_key))
            at = place.start if is_key else place.end
        at = max(at, end)
    return Found(hits, None)


def _finder(words: str) -> Callable[[bytes, int, int], tuple[int, int]]:
    """A function that finds the words between two bytes: where they begin and end, (-1, -1) if they are not there."""
    plain = words.lower().encode("utf-8", "replace")
    if words.isascii() and words.isprintable() and not set('"\\/') & set(words):

        def find(body: bytes, at: int, end: int) -> tuple[int, int]:
            found = body[at:end].lower().find(plain)
            return (at + found, at + found + len(plain)) if found >= 0 else (-1, -1)

        return find
    pattern = _pattern(words)

    def search(body: bytes, at: int, end: int) -> tuple[int, int]:
        found = pattern.search(body, at, end)
        return found.span() if found else (-1, -1)

    return search


def _pattern(words: str) -> re.Pattern[bytes]:
    """The words as JSON may write them: each character as itself or escaped, large or small."""
    return re.compile(b"".join(_character(char) for char in showable(words)))


def _character(char: str) -> bytes:
    ways: set[bytes] = set()
    for one in {char, char.lower(), char.upper()}:
        ways.add(re.escape(json.dumps(one, ensure_ascii=False)[1:-1].encode()))
        escaped = "".join(f"\\u{unit:04x}" for unit in _units(one)).encode()
        ways.add(b"(?i:" + re.escape(escaped) + b")")
    if char == "/":
        ways.add(rb"\\/")
    return b"(?:" + b"|".join(sorted(ways)) + b")"


def _units(text: str) -> list[int]:
    """The UTF-16 code units that JSON's escapes are made of."""
    raw = text.encode("utf-16-be")
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]


def _excerpt(place: Place, words: str, *, is_key: bool) -> SafeString:
    text = str(place.key) if is_key else place.text(200_000)
    at = text.lower().find(words.lower())
    if at < 0:
        return seen_html(cut(text, 2 * _AROUND))
    before, hit, after = text[max(0, at - _AROUND) : at], text[at : at + len(words)], text[at + len(words) :]
    start = "\u2026" if at > _AROUND else ""
    html = f"{start}{seen_html(before)}<mark>{seen_html(hit)}</mark>{seen_html(cut(after, _AROUND))}"
    return mark_safe(html if before or hit else escape(html))  # noqa: S308 - every part went through seen_html()
