"""Tracks when this process could not reach Postgres, so that workers are not called silent for lost heartbeats."""

from __future__ import annotations

from dashboard.worker.lease_clock import lease_clock

GAP_S = 8.0
"""This process asks the database every three seconds. Without an answer for this long, it is away."""
GRACE_S = 10.0
"""How long workers have to report once it is back: they try every five seconds."""

LONG_AGO = float("-inf")


class OutageTracker:
    """When the database was away, from when it answered. A process that never got an answer knows nothing."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """This process has stopped asking."""
        self._answered_at: float | None = None
        self._away_since = self._back_at = LONG_AGO

    def answered(self) -> None:
        """Note that the database answered just now."""
        now = lease_clock()
        if self._answered_at is not None and now - self._answered_at >= GAP_S:
            self._away_since, self._back_at = self._gap_since(self._answered_at), now
        self._answered_at = now

    def grace_s(self) -> float:
        """For how many seconds until now a worker's silence means nothing; 0 when the database was available."""
        now = lease_clock()
        if self._answered_at is not None and now - self._answered_at >= GAP_S:
            return now - self._gap_since(self._answered_at)
        return now - self._away_since if now - self._back_at < GRACE_S else 0.0

    def _gap_since(self, answered_at: float) -> float:
        # Away again before workers had time to report: one long gap.
        return self._away_since if answered_at - self._back_at < GRACE_S else answered_at


outages = OutageTracker()
