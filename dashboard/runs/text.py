"""Text that comes from graphs and servers, made fit for Postgres."""

from __future__ import annotations


def storable(text: str) -> str:
    """`text` as Postgres can keep it: NUL and lone surrogates become the replacement character."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
