"""What must not stand in a log, or not so often."""

from __future__ import annotations

import logging
import re
import time

_TOKENS = re.compile(r"(/(?:s|sign-in)/)[^/\s\"']+")


class HideTokens(logging.Filter):
    """Takes the tokens out of the addresses of share and sign-in links: whoever reads them could use them."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        hidden = _TOKENS.sub(r"\1...", said)
        if hidden != said:
            record.msg, record.args = hidden, ()
        return True


class NotEveryTime(logging.Filter):
    """Lets what a logger says over and over through once in `EVERY_S` seconds, with how often it was said meanwhile.

    For those that try something again every second for as long as an outage lasts. Traces are always let through.
    """

    EVERY_S = 60.0

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            return True
        key, now = (record.name, str(record.msg)), time.monotonic()
        said_at, left_out = self._said.get(key, (-self.EVERY_S, 0))
        if now - said_at < self.EVERY_S:
            self._said[key] = said_at, left_out + 1
            return False
        self._said[key] = now, 0
        if left_out:
            record.msg, record.args = f"{record.getMessage()} (and {left_out} times like it before)", ()
        return True
