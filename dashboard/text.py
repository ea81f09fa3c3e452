"""Text from outside, made fit for a label, a title or a sentence."""

from __future__ import annotations

LABEL_CHARS = 200
"""The most characters of a name, a key, a label or a title."""


def clip(text: object, chars: int = LABEL_CHARS) -> str:
    """`text`, cut with an ellipsis when it is longer than `chars`. Its end is never looked at, however long it is."""
    words = text if isinstance(text, str) else str(text)
    return words if len(words) <= chars else words[: chars - 1] + "…"


def is_seen(text: str) -> bool:
    """Whether `text` has a visible character, which can be clicked."""
    return any(char.isprintable() and not char.isspace() for char in text)
