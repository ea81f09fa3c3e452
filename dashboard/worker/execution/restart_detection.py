"""Notices when a server executes a run again, as it does with unfinished runs after a restart."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from dashboard.langgraph import LangGraphClient
from dashboard.worker.run_on_server import GOING_ON, RunOnServer, moment_in

MARGIN = timedelta(seconds=0.5)
STATE_BYTES = 16_000_000
"""Restarts go unnoticed for runs with larger states: a hint is not worth the memory."""
AT_ONCE = 2
"""The most states to ask for at a time: after a deploy a worker checks thousands of runs."""

_slots: Final[WeakKeyDictionary[LangGraphClient, asyncio.Semaphore]] = WeakKeyDictionary()


class Beginning(NamedTuple):
    """The status of a run that goes on, and since when, by its server's clock."""

    status: str
    since: datetime


class RestartDetector:
    """When one run's server began the run, by the server's clock. It may be wrong, so no other clock is compared."""

    def __init__(self, place: RunOnServer) -> None:
        self._place = place
        self._seen: Beginning | None = None
        self.reported: Beginning | None = None
        """The last beginning that was a repetition."""

    async def check(self, *, lost_after_s: float | None = None, had_begun: bool = False) -> Beginning | None:
        """The run's present beginning, if it is a repetition that was not reported before; else None.

        It is one when the run had begun before (it was seen running, or had left a state) and its status changed after
        that, although it goes on.

        Args:
            lost_after_s: how long after its creation its connection was lost, if known. Without it the run's states
                alone tell.
            had_begun: it was seen running before that.

        Raises:
            LangGraphError: the server could not be asked.
        """
        place = self._place
        run = await place.client.runs.get(place.thread_id, place.run_id, headers=place.headers)
        created_at, since = moment_in(run, "created_at"), moment_in(run, "updated_at")
        if run.get("status") not in GOING_ON or created_at is None or since is None:
            return None
        now = Beginning(run["status"], since)
        if now == self._seen:
            return None
        before = created_at + timedelta(seconds=lost_after_s) if lost_after_s is not None else since - MARGIN
        has_changed = since > (before if lost_after_s is not None else created_at) + MARGIN
        is_repetition = False
        if has_changed or (now.status == "pending" and lost_after_s is not None):
            is_repetition = (had_begun and has_changed) or await self._left_a_state(before)
        self._seen = now
        if not is_repetition or not self._is_unreported(now):
            return None
        self.reported = now
        return now

    def _is_unreported(self, now: Beginning) -> bool:
        """False when it was reported already, or while the run still waited to begin."""
        last = self.reported
        return last is None or (now.since != last.since and (last.status, now.status) != ("pending", "running"))

    async def _left_a_state(self, before: datetime) -> bool:
        place = self._place
        async with _slots.setdefault(place.client, asyncio.Semaphore(AT_ONCE)):
            states = await place.client.threads.outline_history(
                place.thread_id,
                limit=1,
                before=_checkpoint_id(before),
                metadata={"run_id": place.run_id},
                headers=place.headers,
                max_bytes=STATE_BYTES,
            )
        # A server may ignore one of the conditions, and return another state.
        return any(
            (each.state.get("metadata") or {}).get("run_id") == place.run_id
            and (left_at := moment_in(each.state, "created_at")) is not None
            and left_at < before
            for each in states
        )


_EPOCH: Final = datetime.fromisoformat("1582-10-15T00:00:00+00:00")


def _checkpoint_id(moment: datetime) -> str:
    """The smallest id that a checkpoint of that moment could have: they are UUIDs of version 6 (RFC 9562, 5.6), which
    sort by time.
    """
    ticks = (moment - _EPOCH) // timedelta(microseconds=1) * 10
    return str(UUID(int=(ticks >> 12) << 80 | 6 << 76 | (ticks & 0xFFF) << 64 | 2 << 62))
