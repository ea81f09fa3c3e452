"""Text of graphs, safe to show: nothing in it is invisible, and nothing reverses the text around it."""

from __future__ import annotations

import re

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

# Characters that reverse the text around them, invisible ones, and control characters except tab and line breaks.
# Joiners (U+200C, U+200D) stay: scripts and emoji are made with them.
UNSEEN = re.compile(
    "([\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff])\\1*"
)
NOTHING = SafeString("")
MARKS = 100
"""The most in one text; each name takes many times the room of its character."""


def showable(text: str) -> str:
    """`text` with NUL as its picture and lone surrogates as the replacement character."""
    return text.replace("\x00", "\u2400").encode("utf-8", "replace").decode("utf-8")


def seen(text: str) -> str:
    """A text whose invisible characters are named; after MARKS of them, each is U+FFFD."""
    if text.isprintable():  # most texts are, and then there is nothing to mark
        return text
    marked = UNSEEN.sub(lambda found: f"\u27e8{_name(found)}\u27e9", showable(text), count=MARKS)
    return UNSEEN.sub(_replaced, marked)


def seen_html(text: str) -> SafeString:
    """The same as HTML, in which the names stand apart from the text."""
    if text.isprintable():
        return escape(text)
    marked = UNSEEN.sub(
        lambda found: f'<span class="mark">\u27e8{_name(found)}\u27e9</span>', escape(showable(text)), MARKS
    )
    return mark_safe(UNSEEN.sub(_replaced, marked))  # noqa: S308 - escaped in the line above


def cut(text: str, chars: int) -> str:
    """A label of at most `chars` characters."""
    return text if len(text) <= chars else text[: chars - 1] + "\u2026"


def _name(found: re.Match[str]) -> str:
    times = f" \u00d7 {len(found[0])}" if len(found[0]) > 1 else ""
    return f"U+{ord(found[1]):04X}{times}"


def _replaced(found: re.Match[str]) -> str:
    return "\ufffd" * len(found[0])
