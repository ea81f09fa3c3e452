"""Text that comes from graphs and servers, made fit for Postgres."""

from __future__ import annotations

import re


def storable(text: str) -> str:
    """`text` as Postgres can keep it: NUL and lone surrogates become the replacement character."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def searchable(text: str) -> str:
    """`text` as words and nothing else, so that Postgres' parser and a search cut it in the same places.

    The parser would keep addresses, paths, file names and numbers with a point whole; a person types their parts.
    """
    return " ".join(re.findall(r"\w+", storable(text)))


def is_visible(text: str) -> bool:
    """Whether there is anything in `text` to be seen: a name of zero-width characters alone could not be clicked."""
    return any(char.isprintable() and not char.isspace() for char in text)
