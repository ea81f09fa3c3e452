"""Turns free text into a query of the search index."""

from __future__ import annotations

import re
from uuid import UUID

from dashboard.runs.text import words_of

PREFIX_CHARS = 2
"""A shorter word matches only itself, and not longer words that begin with it."""
TERMS_MAX = 20

_TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
_ID_BEGIN = re.compile("[0-9a-f]{8,32}")
"""As much of an id as pages show, or more."""


def search_query(text: str) -> str:
    """The text in the words of `to_tsquery`; "" when there is no word in it.

    Each word begins a word of the run; "words in quotes" stand there as they are, next to each other; -minus leaves out
    the runs that have a word. What is written together (`report-final.pdf`, a Chinese word) does so there, too.
    """
    wanted = []
    for minus, phrase, word in _TERM.findall(text)[:TERMS_MAX]:
        words = words_of(phrase or word)
        if not words:
            continue
        last = words[-1]
        begins = not phrase and not minus and len(last) >= PREFIX_CHARS and not last.startswith("emoji")
        quoted = [f"'{part}'" for part in words[:-1]] + [f"'{last}'{':*' if begins else ''}"]
        wanted.append(f"{'!' if minus else ''}({' <-> '.join(quoted)})")
    return " & ".join(wanted)


def id_begin(text: str) -> str | None:
    """The text as the beginning of a UUID, written as servers write them; None when it is too short, or none."""
    digits = text.replace("-", "").lower()
    if not _ID_BEGIN.fullmatch(digits):
        return None
    begin = str(UUID(digits.ljust(32, "0")))[: len(digits) + sum(len(digits) > place for place in (8, 12, 16, 20))]
    return begin if text.lower().rstrip("-") in (begin, digits) else None
