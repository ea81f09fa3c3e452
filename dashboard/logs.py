"""What must not stand in a log, or not so often."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass

_TOKENS = re.compile(r"(/(?:s|sign-in)/)[^/\s\"']+")


class HideTokens(logging.Filter):
    """Takes the tokens out of the addresses of share and sign-in links: whoever reads them could use them."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        hidden = _TOKENS.sub(r"\1...", said)
        if hidden != said:
            record.msg, record.args = hidden, ()
        return True


SAID_AGAIN_AND_AGAIN = (
    "cannot listen to the database",
    "could not note the connection",
    "error connecting in",
    "reconnection attempt in pool",
    "the database is away",
    "the leases could not be renewed",
    "the queue cannot be read",
    "the workers cannot be looked at",
)
"""How that begins which is tried every second while Postgres is away, some of it for each of thousands of runs."""


class NotEveryTime(logging.Filter):
    """Lets what is said again and again of an outage through once in `EVERY_S` seconds, with how often it was said.

    What it says of the cause counts: another cause is another thing to say. Everything else is let through.
    """

    EVERY_S = 60.0
    KINDS = 100

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str, str], _Said] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info or not str(record.msg).startswith(SAID_AGAIN_AND_AGAIN):
            return True
        cause = str(record.args[-1]) if isinstance(record.args, tuple) and record.args else ""
        key = record.name, str(record.msg), cause
        said = self._said.get(key)
        if said is not None and record.created - said.at < self.EVERY_S:
            said.left_out += 1
            return False
        if len(self._said) >= self.KINDS:
            self._said.clear()
        self._said[key] = _Said(record.created)
        if said is not None and said.left_out:
            since = time.strftime("%H:%M:%S", time.localtime(said.at))
            record.msg, record.args = f"{record.getMessage()} (and {said.left_out} times like it since {since})", ()
        return True


@dataclass
class _Said:
    at: float
    left_out: int = 0
