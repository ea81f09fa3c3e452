"""Notices when this worker was frozen or its machine asleep: its connections then seem silent, and are not."""

from __future__ import annotations

import asyncio

from dashboard.worker.lease_clock import lease_clock

TICK_S = 1.0
STILL_S = 5.0
REMEMBERED_S = 15.0


class StallDetector:
    """Ticks once a second; a long gap between two ticks is a stall of this worker."""

    def __init__(self) -> None:
        self._ticked_at = lease_clock()
        self._gap = (0.0, 0.0)  # how long the last stall was, and when it ended

    async def run(self) -> None:
        """Run until cancelled. Time before the first tick does not count as a stall."""
        self._ticked_at, self._gap = lease_clock(), (0.0, 0.0)
        while True:
            self._note()
            await asyncio.sleep(TICK_S)

    def recent_stall_s(self) -> float:
        """How many seconds the last moment's stall took; 0.0 without one."""
        self._note()  # after a gap, the caller may run before the tick
        length, ended_at = self._gap
        return length if lease_clock() - ended_at < REMEMBERED_S else 0.0

    def _note(self) -> None:
        now = lease_clock()
        if now - self._ticked_at > STILL_S:
            self._gap = now - self._ticked_at, now
        self._ticked_at = now


stalls = StallDetector()
"""The detector of this process."""
