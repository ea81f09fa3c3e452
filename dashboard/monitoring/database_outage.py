"""Whether this process could ask the database all along: a worker that had nobody to report to is not called silent."""

from __future__ import annotations

from dashboard.worker.lease_clock import lease_clock

GAP_S = 8.0
"""The database is asked every three seconds. When it has not answered for so long, it is away."""
GRACE_S = 10.0
"""How long workers are given to report once it is back: they try every five seconds."""

LONG_AGO = float("-inf")


class OutageTracker:
    """When the database was away, by when it answered. A process that never got an answer knows nothing of it."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Nobody asks any more."""
        self._answered_at: float | None = None
        self._away_since = self._back_at = LONG_AGO

    def answered(self) -> None:
        """The database answered just now."""
        now = lease_clock()
        if self._answered_at is not None and now - self._answered_at >= GAP_S:
            self._away_since, self._back_at = self._gap_since(self._answered_at), now
        self._answered_at = now

    def grace_s(self) -> float:
        """How many seconds up to now say nothing of a worker that was silent; 0 when the database was there."""
        now = lease_clock()
        if self._answered_at is not None and now - self._answered_at >= GAP_S:
            return now - self._gap_since(self._answered_at)
        return now - self._away_since if now - self._back_at < GRACE_S else 0.0

    def _gap_since(self, answered_at: float) -> float:
        # Away again before workers had the time to report: one long gap.
        return self._away_since if answered_at - self._back_at < GRACE_S else answered_at


reach = OutageTracker()
