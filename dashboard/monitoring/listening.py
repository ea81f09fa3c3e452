"""Whether this web process hears changes in the database: set by the listener, read by pages and `/healthz`."""

from __future__ import annotations

_is_up = False


def listener_is_up() -> bool:
    """Whether this process hears changes right now."""
    return _is_up


def listener_set(*, is_up: bool) -> None:
    """Keep whether the listener's connection stands."""
    global _is_up
    _is_up = is_up
