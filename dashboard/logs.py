"""Log filters: tokens are hidden, and messages repeated during an outage are throttled."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass

from dashboard.text import clip

_TOKENS = re.compile(r"(/(?:s|f|a|sign-in|join|reset)/)[^/\s\"']+")


class HideTokens(logging.Filter):
    """Hides the tokens of share and sign-in links: anybody who reads one could use it."""

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

    Throttles calls with `extra=THROTTLED`, and psycopg's pool. Everything else is written every time.
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


class FromOutside(logging.Filter):
    """Cuts what strangers can cause to be logged to one short line, with a limit of lines a minute.

    These are the messages about refused requests. Errors of our own (status 500) keep their trace.
    """

    LOGGERS = ("django.request", "django.security", "dashboard.sign_in", "dashboard.refused")
    LINES_A_MINUTE = 30
    CHARS = 300

    def __init__(self) -> None:
        super().__init__()
        self._minute, self._lines, self._left_out = 0, 0, 0

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(self.LOGGERS) or getattr(record, "status_code", 400) >= 500:
            return True
        minute = int(record.created // 60)
        if minute != self._minute:
            self._minute, self._lines = minute, 0
        self._lines += 1
        if self._lines > self.LINES_A_MINUTE:
            self._left_out += 1
            return False
        said = clip(record.getMessage(), self.CHARS)
        said = "".join(char if char.isprintable() else "\ufffd" for char in said)
        if self._left_out:
            said, self._left_out = f"{said} (and {self._left_out} lines like it before)", 0
        record.msg, record.args, record.exc_info, record.exc_text = said, (), None, None
        return True


@dataclass
class _Entry:
    at: float
    skipped: int = 0
