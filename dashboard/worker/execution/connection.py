"""The connection over which one run is awaited: lost, joined again, and what the server did meanwhile."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

from dashboard.database import DATABASE_AWAY
from dashboard.langgraph import Backoff, ConnectionEvent, LangGraphError
from dashboard.logs import THROTTLED
from dashboard.runs import leases
from dashboard.runs.events import EventKind
from dashboard.runs.leases import Lease
from dashboard.worker.database import Database
from dashboard.worker.execution.background import BackgroundTasks
from dashboard.worker.execution.restart_detection import Beginning, RestartDetector
from dashboard.worker.retry import GaveUp, retry_until_answered
from dashboard.worker.run_on_server import RunOnServer, moment_in
from dashboard.worker.stall_detector import stalls

logger = logging.getLogger(__name__)

BEGUN = Backoff(first_s=2.0, longest_s=30.0)
"""When to ask whether a created run has begun: after two seconds, and then less and less often."""
DUE = Backoff(first_s=0.5, longest_s=30.0)
"""The same once a scheduled run is due; before that, the server is asked only once."""
RESTART_PATIENCE_S = 60.0


class ConnectionTracker:
    """Writes one timeline event per disconnect and one per reconnect, however many attempts it takes.

    Also notices when the server begins the run, and when it begins it again.
    """

    def __init__(self, lease: Lease, database: Database, background: BackgroundTasks) -> None:
        self._lease = lease
        self._database = database
        self._background = background
        self._place: RunOnServer | None = None
        self._detector: RestartDetector | None = None  # once it is looked at
        self._is_lost = False
        # Of a run that this worker created: when, by `time.monotonic()`.
        self._created_at = self._lost_at = 0.0
        # Whether it had been seen running when its connection was lost.
        self._had_begun = False
        # Of a run that another worker created: whether it has not been checked yet.
        self._is_adopted = self._is_unseen = False
        self._executions = 1
        self.has_begun = False
        """Whether the run was seen running."""
        self.is_first = False
        """Whether this is still the connection on which the run was created."""

    def created(self, place: RunOnServer, *, starts_after_s: float = 0.0) -> None:
        """The server has just created the run, and said so. A scheduled one starts after so many seconds."""
        self._place = place
        self._created_at = time.monotonic()
        due_at = self._created_at + starts_after_s if starts_after_s else 0.0
        self._background.start_later(BEGUN.first_s, partial(self._watch_for_begin, due_at))

    def adopted(self, place: RunOnServer, *, executions: int, starts_in_s: float | None = None) -> None:
        """The server has had the run for a while.

        Args:
            executions: How often the server has executed it, as far as is known.
            starts_in_s: When it begins, if it is scheduled.
        """
        self._place = place
        self._is_adopted = self._is_unseen = True
        self._executions = executions
        if starts_in_s is not None:
            self._background.start(self._watch_for_begin(time.monotonic() + starts_in_s))

    async def _watch_for_begin(self, due_at: float) -> None:
        """Note that the server has begun the run: any later beginning is a second execution."""
        attempt = 0
        while not await self._check_begin(is_scheduled=due_at > 0):
            until_due_s = due_at - time.monotonic()
            if until_due_s > 0:
                await asyncio.sleep(until_due_s)
                attempt = 0
            else:
                await asyncio.sleep((DUE if due_at else BEGUN).delay_s(attempt))
                attempt += 1

    async def _check_begin(self, *, is_scheduled: bool) -> bool:
        assert self._place is not None
        place = self._place
        try:
            run = await place.client.runs.get(place.thread_id, place.run_id, headers=place.headers)
        except LangGraphError as error:
            logger.info("could not ask whether the run has begun: %s", error, extra=self._log())
            return False
        if run.get("status") == "pending":
            return False
        if is_scheduled:
            await self._database.call_with_retry(leases.run_begun, self._lease)
        if self._is_lost:
            return False  # this may be a second beginning already
        self.has_begun = True
        return True

    async def report(self, event: ConnectionEvent) -> None:
        """Note what the client reports of its connection."""
        if event.kind == "lost" and not self._is_lost:
            self._is_lost, self.is_first = True, False
            self._lost_at, self._had_begun = time.monotonic(), self.has_begun
            stall_s = stalls.recent_stall_s()
            own = f"Runboard's worker was frozen for {stall_s:.0f} s; its connections seemed silent meanwhile."
            await self._connection_changed(EventKind.CONNECTION_LOST, own if stall_s else event.reason)
        elif event.kind == "joined" and self._is_lost:
            self._is_lost = False
            await self._connection_changed(EventKind.REJOINED, "")
            self._check_for_repetition()
        elif event.kind == "joined" and self._is_unseen:
            self._check_for_repetition()  # which may have begun before it was adopted

    def _check_for_repetition(self) -> None:
        self._is_unseen = False
        if self._place is not None:
            self._detector = self._detector or RestartDetector(self._place)
            lost_after_s = None if self._is_adopted else self._lost_at - self._created_at
            ask = partial(self._detector.check, lost_after_s=lost_after_s, had_begun=self._had_begun)
            self._background.start(self._notice_execution(self._detector, ask))

    async def _connection_changed(self, kind: EventKind, reason: str) -> None:
        data = {"message": reason} if reason else {}
        if kind == EventKind.REJOINED:  # otherwise the page would still say that the connection is lost
            await self._database.call_with_retry(leases.connection_changed, self._lease, kind=kind, data=data)
            return
        try:
            await self._database.call(leases.connection_changed, self._lease, kind=kind, data=data)
        except DATABASE_AWAY as error:
            logger.warning("could not note the connection: %s", error, extra=self._log() | THROTTLED)

    async def _notice_execution(
        self, detector: RestartDetector, ask: Callable[[], Awaitable[Beginning | None]]
    ) -> None:
        """After a lost connection or a change of worker: has the server begun the run again? It may be restarting."""
        if self._executions > 1 and detector.reported is None:
            detector.reported = await self._last_reported()
        try:
            again = await retry_until_answered(ask, patience_s=RESTART_PATIENCE_S)
        except (LangGraphError, GaveUp) as error:
            logger.info("could not ask whether the run was executed again: %s", error, extra=self._log())
            return
        if again is not None:
            self._executions += 1
            data = {"since": again.since.isoformat(), "status": again.status}
            await self._database.call_with_retry(
                leases.run_executed_again, self._lease, executions=self._executions, data=data
            )

    async def _last_reported(self) -> Beginning | None:
        data = await self._database.call_with_retry(leases.last_execution_of, self._lease)
        since = moment_in(data, "since")
        return Beginning(str(data.get("status")), since) if since else None

    def _log(self) -> dict[str, str]:
        return {"run_id": str(self._lease.run_id)}
