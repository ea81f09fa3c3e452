"""Whether this web process gets changes from the database: set by the listener, read by pages and `/healthz`."""

from __future__ import annotations

_is_up = False


def listener_is_up() -> bool:
    """Whether this process gets changes now."""
    return _is_up


def listener_set(*, is_up: bool) -> None:
    """Store whether the listener is connected."""
    global _is_up
    _is_up = is_up
