"""How long to wait between two attempts at anything. Imports nothing of the package but its errors."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from dashboard.langgraph.errors import RequestRejected

REFUSED: Final = frozenset({401, 403, 407})


@dataclass(frozen=True)
class Backoff:
    """Doubling pauses, plus or minus a quarter.

    The jitter spreads a thousand waits that were cut at once: they must not return at once.

    Attributes:
        first_s: Before the first retry, in seconds.
        longest_s: The longest pause for something that is away.
        refused_s: Pause after 401, 403, 407 or a redirect: somebody must act before the next attempt can succeed.
        steady_s: A connection that held this long makes the next loss a first one again.
    """

    first_s: float = 0.25
    longest_s: float = 15.0
    refused_s: float = 60.0
    steady_s: float = 10.0

    def delay_s(self, attempt: int, error: Exception | None = None) -> float:
        """Seconds to wait after `attempt` attempts in a row (0: the first loss); at least what `Retry-After` asked."""
        if isinstance(error, RequestRejected) and (error.status_code in REFUSED or error.status_code < 400):
            delay = self.refused_s
        else:
            delay = min(self.longest_s, self.first_s * 2 ** min(attempt, 30))
        asked = getattr(error, "retry_after_s", None) or 0.0
        return max(delay * random.uniform(0.75, 1.25), asked)  # noqa: S311 - jitter, not a secret

    def delays(self) -> Iterator[float]:
        """The pauses of one series of attempts, without end."""
        return (self.delay_s(attempt) for attempt in count())
