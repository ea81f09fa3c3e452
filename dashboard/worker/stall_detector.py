"""Whether this worker itself stood still: frozen, or its machine asleep. Its lines look silent then, and are not."""

from __future__ import annotations

import asyncio

from dashboard.worker.lease_clock import lease_clock

BEAT_S = 1.0
STILL_S = 5.0
REMEMBERED_S = 15.0


class StallDetector:
    """Beats once a second; a long gap between two beats is the worker's own."""

    def __init__(self) -> None:
        self._beat_at = lease_clock()
        self._gap = (0.0, 0.0)  # how long the last long one was, and when it ended

    async def beat(self) -> None:
        """Beat until cancelled. What was before the first beat was no standing still."""
        self._beat_at, self._gap = lease_clock(), (0.0, 0.0)
        while True:
            self._note()
            await asyncio.sleep(BEAT_S)

    def recent_stall_s(self) -> float:
        """How many seconds it stood still just now; 0.0 when it did not."""
        self._note()  # the first to run after a gap may be whoever asks
        length, ended_at = self._gap
        return length if lease_clock() - ended_at < REMEMBERED_S else 0.0

    def _note(self) -> None:
        now = lease_clock()
        if now - self._beat_at > STILL_S:
            self._gap = now - self._beat_at, now
        self._beat_at = now


pulse = StallDetector()
"""This process'."""
