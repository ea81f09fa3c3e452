"""The line to the server over which one run is awaited: lost, joined again, and what the server did meanwhile."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from dashboard.langgraph import ConnectionEvent, LangGraphClient, LangGraphError
from dashboard.logs import THROTTLED
from dashboard.runs import leases
from dashboard.runs.events import EventKind
from dashboard.runs.leases import Lease, LeaseLost
from dashboard.worker.database import DATABASE_AWAY, Database
from dashboard.worker.execution.restart_detection import Beginning, RestartDetector, moment_in
from dashboard.worker.retry import GaveUp, retry_until_answered
from dashboard.worker.stall_detector import pulse

logger = logging.getLogger(__name__)

BEGUN_FIRST_S = 2.0
BEGUN_MAX_S = 30.0
ANEW_PATIENCE_S = 60.0


class Beside:
    """Tasks that go on beside a run while it is awaited, and end with it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._later: asyncio.TimerHandle | None = None

    def begin_later(self, delay_s: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """The same after a while; until then it costs next to nothing. Takes the place of what was to begin before."""
        if self._later is not None:
            self._later.cancel()
        self._later = asyncio.get_running_loop().call_later(delay_s, lambda: self.begin(work()))

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Go on with it beside; a failure is logged and hurts nobody."""
        task = asyncio.create_task(work)
        task.add_done_callback(_log_failure)
        task.add_done_callback(self._tasks.discard)
        self._tasks.add(task)
        return task

    async def end(self) -> None:
        """End them all."""
        if self._later is not None:
            self._later.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Line:
    """Told by the client when the line is lost and joined; tells the run's timeline, once each, not at every try."""

    def __init__(self, lease: Lease, client: LangGraphClient, database: Database, beside: Beside) -> None:
        self._hold = lease
        self._client = client
        self._database = database
        self._beside = beside
        self._is_lost = False
        self._ids: tuple[str, str, dict[str, str]] | None = None  # and the headers to ask with
        self._beginnings: RestartDetector | None = None  # once it is looked at
        # Of a run that this worker created: when, by `time.monotonic()`.
        self._created_at = self._lost_at = 0.0
        # Whether it was seen running, and whether that was so when its line was lost.
        self._has_begun = self._had_begun = False
        # Of another: it has its first look still before it.
        self._is_adopted = self._is_unseen = False
        self._executions = 1
        self.is_first = False
        """Whether this is the very line on which the run was created."""

    def created(self, thread_id: str, run_id: str, headers: dict[str, str]) -> None:
        """The server has just created the run, and said so."""
        self._ids = thread_id, run_id, headers
        self._created_at = time.monotonic()
        self._beside.begin_later(BEGUN_FIRST_S, self._watch_for_begin)

    def adopted(self, thread_id: str, run_id: str, headers: dict[str, str], *, executions: int) -> None:
        """The server has had the run for a while. `executions`: how often it has executed it, as far as is known."""
        self._ids = thread_id, run_id, headers
        self._is_adopted = self._is_unseen = True
        self._executions = executions

    async def _watch_for_begin(self) -> None:
        """Note that the server has begun the run: once it has, a later beginning is one too many."""
        assert self._ids is not None
        thread_id, run_id, headers = self._ids
        pause_s = BEGUN_FIRST_S
        while not self._has_begun:
            try:
                run = await self._client.runs.get(thread_id, run_id, headers=headers)
                self._has_begun = run.get("status") != "pending" and not self._is_lost
            except LangGraphError as error:
                logger.info("could not ask whether the run has begun: %s", error, extra=self._log())
            if not self._has_begun:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, BEGUN_MAX_S)

    async def tell(self, event: ConnectionEvent) -> None:
        """What the client says of its connection."""
        if event.kind == "lost" and not self._is_lost:
            self._is_lost, self.is_first = True, False
            self._lost_at, self._had_begun = time.monotonic(), self._has_begun
            still_s = pulse.recent_stall_s()
            own = f"Runboard's worker stood still for {still_s:.0f} s; its lines looked silent meanwhile."
            await self._remark(EventKind.CONNECTION_LOST, own if still_s else event.reason)
        elif event.kind == "joined" and self._is_lost:
            self._is_lost = False
            await self._remark(EventKind.REJOINED, "")
            self._look_for_another_execution()
        elif event.kind == "joined" and self._is_unseen:
            self._look_for_another_execution()  # which may have begun before it was adopted

    def _look_for_another_execution(self) -> None:
        self._is_unseen = False
        if self._ids is not None:
            self._beginnings = self._beginnings or RestartDetector(self._client, *self._ids)
            lost_after_s = None if self._is_adopted else self._lost_at - self._created_at
            ask = partial(self._beginnings.anew, lost_after_s=lost_after_s, had_begun=self._had_begun)
            self._beside.begin(self._notice_execution(self._beginnings, ask))

    async def _remark(self, kind: EventKind, reason: str) -> None:
        data = {"message": reason} if reason else {}
        if kind == EventKind.REJOINED:  # or the page would go on to say that the line is lost
            await self._database.call_with_retry(leases.connection_changed, self._hold, kind=kind, data=data)
            return
        try:
            await self._database.call(leases.connection_changed, self._hold, kind=kind, data=data)
        except DATABASE_AWAY as error:
            logger.warning("could not note the connection: %s", error, extra=self._log() | THROTTLED)

    async def _notice_execution(
        self, beginnings: RestartDetector, ask: Callable[[], Awaitable[Beginning | None]]
    ) -> None:
        """After a lost line, or a change of hands: has the server, which may just be starting, begun the run anew?"""
        if self._executions > 1 and beginnings.told is None:
            beginnings.told = await self._last_told()
        try:
            anew = await retry_until_answered(ask, patience_s=ANEW_PATIENCE_S)
        except (LangGraphError, GaveUp) as error:
            logger.info("could not ask whether the run was executed again: %s", error, extra=self._log())
            return
        if anew is not None:
            self._executions += 1
            data = {"since": anew.since.isoformat(), "status": anew.status}
            await self._database.call_with_retry(
                leases.run_executed_again, self._hold, executions=self._executions, data=data
            )

    async def _last_told(self) -> Beginning | None:
        data = await self._database.call_with_retry(leases.last_execution_of, self._hold)
        since = moment_in(data, "since")
        return Beginning(str(data.get("status")), since) if since else None

    def _log(self) -> dict[str, str]:
        return {"run_id": str(self._hold.run_id)}


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, LeaseLost):
        logger.error("a task beside a run failed", exc_info=error)
