"""Log filters: tokens are hidden, and messages repeated during an outage are throttled."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass

_TOKENS = re.compile(r"(/(?:s|sign-in)/)[^/\s\"']+")


class HideTokens(logging.Filter):
    """Hides the tokens in addresses of share and sign-in links: anybody who reads one could use it."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        hidden = _TOKENS.sub(r"\1...", said)
        if hidden != said:
            record.msg, record.args = hidden, ()
        return True


THROTTLED: dict[str, object] = {"throttled": True}
"""`extra=THROTTLED` marks a message that is logged on every retry during an outage."""

POOL_LOGGER = "psycopg.pool"


class Throttle(logging.Filter):
    """Writes a throttled message once in `EVERY_S` seconds for each cause, with how often it came meanwhile.

    Throttled are calls with `extra=THROTTLED` and what psycopg's pool says. Everything else is written every time.
    """

    EVERY_S = 60.0
    KINDS = 100

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str, str], _Entry] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        is_throttled = getattr(record, "throttled", False) or record.name == POOL_LOGGER
        if record.exc_info or not is_throttled:
            return True
        cause = str(record.args[-1]) if isinstance(record.args, tuple) and record.args else ""
        key = record.name, str(record.msg), cause
        entry = self._last.get(key)
        if entry is not None and record.created - entry.at < self.EVERY_S:
            entry.skipped += 1
            return False
        if len(self._last) >= self.KINDS:
            self._last.clear()
        self._last[key] = _Entry(record.created)
        if entry is not None and entry.skipped:
            since = time.strftime("%H:%M:%S", time.localtime(entry.at))
            record.msg, record.args = f"{record.getMessage()} ({entry.skipped} more like it since {since})", ()
        return True


@dataclass
class _Entry:
    at: float
    skipped: int = 0
