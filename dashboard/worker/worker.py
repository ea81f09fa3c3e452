"""The worker: claims runs, holds hundreds of them at once, renews its leases, and hands them back when it stops."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from uuid import UUID

from django.conf import settings

from dashboard.database import DATABASE_AWAY
from dashboard.langgraph import LangGraphClient, RequestInvalid
from dashboard.logs import THROTTLED
from dashboard.runs import leases, outcomes
from dashboard.runs.events import EventKind
from dashboard.runs.leases import LEASE, Lease, LeaseLost
from dashboard.runs.models import Run
from dashboard.runs.notifications import WORK_CHANNEL, listen
from dashboard.runs.outcomes import Outcome, RunError
from dashboard.runs.statuses import RunStatus
from dashboard.runs.waiting import WAIT_CHECK
from dashboard.servers.notifications import CHECK_CHANNEL
from dashboard.teams.encryption import SecretUnreadable
from dashboard.worker import services
from dashboard.worker.after_cancel import watch_cancelled
from dashboard.worker.assistant_sync import sync_assistants
from dashboard.worker.bulk_actions import do_bulk_actions
from dashboard.worker.client_pool import ClientPool
from dashboard.worker.database import Database
from dashboard.worker.execution.claimed_run import ClaimedRun
from dashboard.worker.execution.executor import RunExecutor
from dashboard.worker.lease_clock import lease_clock
from dashboard.worker.outcomes.spool import Spool
from dashboard.worker.outcomes.store import OutcomeStore
from dashboard.worker.retention import keep_retention
from dashboard.worker.server_check import do_checks
from dashboard.worker.stall_detector import stalls
from dashboard.worker.step_recorder import record_steps
from dashboard.worker.step_watcher import Source, watch_runs
from dashboard.worker.wait_checks import WaitChecks

logger = logging.getLogger(__name__)

POLL_S = 1.0
"""How often to look at the queue without a NOTIFY, in case one was lost."""
RENEW_S = LEASE.total_seconds() / 4
CLAIM_AT_ONCE = 50
SPOOL_FOLDER = "spool"
SPOOL_S = 10.0
BUSY_GRACE_S = 5.0
HAND_BACK_S = 5.0
CANCEL_AGAIN_S = 1.0
SETTINGS_RETRY_S = 15.0
LEASE_SURE_S = LEASE.total_seconds() * 0.75
"""How long a lease is trusted: less than it lasts, counted from before its renewal."""


class Worker:
    """One worker process. `run()` works until `stop()` is called."""

    def __init__(self, *, concurrency: int) -> None:
        self.concurrency = concurrency
        self._database = Database()
        self._store = OutcomeStore(self._database, Spool(settings.ENV.data_dir / SPOOL_FOLDER))
        self._clients = ClientPool()
        self._wait_checks = WaitChecks(self._clients, self._database)
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._check = asyncio.Event()
        self._has_ended_runs = asyncio.Event()
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._holds: dict[UUID, Lease] = {}
        self._executors: dict[UUID, RunExecutor] = {}
        # By run: the `lease_clock()` until which its lease is surely in force.
        self._leases: dict[UUID, float] = {}
        # Whether it may have claimed runs without knowing it, because the database's reply was lost.
        self._has_doubts = False
        self.id: UUID | None = None
        self.failed = False

    def stop(self) -> None:
        """Stop claiming, hand every run back, and end; at once when called twice. Safe in a signal handler."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Work until stopped. Survives any outage of Postgres and of the servers."""
        self.id = await self._start()
        if self.id is None:
            self._database.close()
            return
        logger.info("worker %s is ready for %d runs at once", self.id, self.concurrency)
        background = [
            asyncio.create_task(self._listen(), name="listen"),
            asyncio.create_task(self._renew(), name="renew"),
            asyncio.create_task(self._empty_spool(), name="spool"),
            asyncio.create_task(stalls.run(), name="stalls"),
            asyncio.create_task(sync_assistants(self._clients, self._database), name="directory"),
            asyncio.create_task(do_checks(self._clients, self._database, self._check), name="server checks"),
            asyncio.create_task(record_steps(self._clients, self._has_ended_runs), name="steps"),
            asyncio.create_task(watch_runs(lambda: self._executors, self._source_of), name="watcher"),
            asyncio.create_task(self._wait_checks.keep(), name="wait checks"),
            asyncio.create_task(watch_cancelled(self._clients, self._database), name="cancelled runs"),
            asyncio.create_task(do_bulk_actions(self._database), name="bulk actions"),
            asyncio.create_task(keep_retention(self._database), name="retention"),
        ]
        for task in background:
            task.add_done_callback(self._background_ended)
        try:
            while not self._stopping.is_set():
                # Must come before the first await: it would erase a wake that arrives while we look.
                self._wake.clear()
                more = await self._take_work()
                if not more:
                    await _wait(self._wake, POLL_S)
        finally:
            await self._hand_back(background)

    async def _start(self) -> UUID | None:
        """Report this worker as soon as the database answers; None when it is stopped before."""
        report = asyncio.create_task(
            self._database.call_with_retry(services.worker_start, concurrency=self.concurrency)
        )
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([report, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if report.done():
            return report.result().pk
        report.cancel()
        return None

    # Claiming.

    async def _take_work(self) -> bool:
        """Adopt and claim as many runs as there is room for. Returns whether there may be more."""
        assert self.id is not None
        room = min(self.concurrency - len(self._tasks), CLAIM_AT_ONCE)
        if room < 1:
            return False
        taken = 0
        try:
            if self._has_doubts:
                await self._database.call(leases.leases_unheard_end, owner=self.id, held=list(self._holds))
                self._has_doubts = False
            for take in (partial(leases.run_adopt, held=self._holds), leases.run_claim):
                began = lease_clock()
                # Hold the runs of one call before the next, which may find the database away.
                for run in await self._database.call(take, owner=self.id, limit=room - taken):
                    self._hold(run, began)
                    taken += 1
        except DATABASE_AWAY as error:
            logger.warning("the queue cannot be read: %s", str(error).strip(), extra=THROTTLED)
            self._has_doubts = True
            return False
        return taken == room

    def _hold(self, run: Run, began: float) -> None:
        if (former := self._tasks.get(run.pk)) is not None:
            former.cancel()  # its lease is gone: it could write nothing, and would never be released
        self._leases[run.pk] = began + LEASE_SURE_S
        self._holds[run.pk] = lease = leases.lease_of(run)
        task = asyncio.create_task(self._finish(run, lease), name=f"run {run.pk}")
        self._tasks[run.pk] = task
        task.add_done_callback(partial(self._let_go, run.pk))
        if run.server.max_runs is not None:  # another run of that server may wait for its place
            task.add_done_callback(lambda _: self._wake.set())

    def _let_go(self, run_id: UUID, task: asyncio.Task[None]) -> None:
        was_full = len(self._tasks) >= self.concurrency
        # The same run may already have been claimed again, after it went back to the queue.
        if self._tasks.get(run_id) is task:
            for kept in (self._tasks, self._executors, self._holds, self._leases):
                kept.pop(run_id, None)
        self._has_ended_runs.set()
        if was_full:  # otherwise there was room before, and the launch of a run has woken us
            self._wake.set()

    async def _finish(self, run: Run, lease: Lease) -> None:
        try:
            client = await self._client(run, lease)
            if client is None:
                return
            self._executors[lease.run_id] = executor = RunExecutor(
                ClaimedRun.of(run),
                lease,
                client,
                self._database,
                self._store,
                lease_until=lambda: self._leases.get(lease.run_id, 0.0),
            )
            del run  # the row is many times larger than what we need of it
            await executor.finish()
        except LeaseLost:
            logger.warning("another worker has taken this run over", extra={"run_id": str(lease.run_id)})
        except Exception as error:
            logger.exception("a run could not be awaited", extra={"run_id": str(lease.run_id)})
            sentence = f"Runboard failed while it awaited this run: {error!r}"
            with suppress(LeaseLost):
                await self._database.call_with_retry(
                    outcomes.run_finish, lease, Outcome(RunStatus.LOST, RunError("Runboard error", sentence))
                )

    async def _client(self, run: Run, lease: Lease) -> LangGraphClient | None:
        """The client for the run's server; None when there can be none now, and the run went back to the queue.

        A server whose key cannot be decrypted, or whose address is wrong, cannot say anything about its run: we hold
        that run until an operator has corrected the settings.
        """
        while True:
            try:
                return self._clients.get(run.server)
            except (SecretUnreadable, RequestInvalid) as error:
                logger.error("the server of a run cannot be used: %s", error, extra={"run_id": str(run.pk)})
                if run.sent_at is None and run.remote_run_id is None:
                    outcome = Outcome(RunStatus.FAILED, RunError("Server settings", str(error)))
                    await self._database.call_with_retry(outcomes.run_finish, lease, outcome)
                    return None
            await asyncio.sleep(SETTINGS_RETRY_S)

    def _source_of(self, run_id: UUID) -> Source | None:
        """Where to get the events of a run held here; None while its server has not confirmed it."""
        executor = self._executors.get(run_id)
        return executor.event_source if executor else None

    # Background tasks.

    async def _listen(self) -> None:
        """Wake up for work; a cancel of a run held here goes straight to its executor."""
        async for notice in listen(settings.DATABASE_URL, (WORK_CHANNEL, CHECK_CHANNEL)):
            if notice.kind == "connected" or notice.channel == CHECK_CHANNEL:
                self._check.set()
            if notice.channel == CHECK_CHANNEL:
                continue
            if notice.payload == WAIT_CHECK:
                self._wait_checks.wake()
                continue
            if notice.kind == "connected" or (notice.kind == "message" and self._is_held(notice.payload)):
                await self._look_for_cancels()
            self._wake.set()

    def _is_held(self, payload: str) -> bool:
        try:
            return UUID(payload) in self._executors
        except ValueError:  # from another version of Runboard, or from somebody else
            return False

    async def _look_for_cancels(self) -> None:
        assert self.id is not None
        try:
            asked = await self._database.call(leases.cancels_requested, owner=self.id)
        except DATABASE_AWAY:
            return  # we look again when the connection is back, and at every renewal
        for run_id in asked:
            if executor := self._executors.get(run_id):
                executor.cancel_requested()

    async def _renew(self) -> None:
        """Renew the leases, store that this worker is alive, and release runs that are no longer ours."""
        assert self.id is not None
        while True:
            began = lease_clock()
            holds = list(self._holds.values())
            try:
                kept = await self._database.call(leases.leases_renew, owner=self.id, holds=holds)
                await self._database.call(services.worker_beat, worker_id=self.id, held=len(holds))
            except DATABASE_AWAY as error:
                logger.warning("the leases could not be renewed: %s", str(error).strip(), extra=THROTTLED)
            else:
                gone = []
                for lease in holds:
                    if self._holds.get(lease.run_id) != lease:
                        continue
                    if lease.run_id in kept:
                        self._leases[lease.run_id] = began + LEASE_SURE_S
                    elif task := self._tasks.get(lease.run_id):
                        gone.append(task)
                await self._let_them_end(gone)
                await self._look_for_cancels()
            await asyncio.sleep(RENEW_S)

    async def _empty_spool(self) -> None:
        """Store what earlier workers of this machine left on disk."""
        while True:
            await self._store.store_left_behind()
            await asyncio.sleep(SPOOL_S)

    async def _let_them_end(self, tasks: list[asyncio.Task[None]]) -> None:
        """End tasks whose runs are not ours: usually they have just stored the outcome and are about to end."""
        if tasks:
            _, pending = await asyncio.wait(tasks, timeout=1.0)
            for task in pending:
                task.cancel()

    def _background_ended(self, task: asyncio.Task[None]) -> None:
        """A background task never ends by itself: without it the worker is broken, so it stops and restarts."""
        if not task.cancelled() and not self._stopping.is_set():
            logger.critical("%s ended", task.get_name(), exc_info=task.exception())
            self.failed = True
            self.stop()

    async def _hand_back(self, background: list[asyncio.Task[None]]) -> None:
        """Stop: wait until requests on their way are confirmed and outcomes stored, then hand every run back.

        The server ends a run launched with on_disconnect=cancel when its connection closes: such a run gets some time.
        """
        await self._until(self._is_idle, BUSY_GRACE_S)
        kept = [] if self._hurry.is_set() else self._ending_with_their_connections()
        if kept:
            await _end([task for run_id, task in self._tasks.items() if run_id not in kept])
            await self._give_back(but=kept)
            await self._keep_connections(kept)
            await self._until(self._is_idle, BUSY_GRACE_S)
        await _end([*background, *self._tasks.values()])
        await self._clients.close()
        await self._give_back(is_last=True)
        self._database.close()

    def _is_idle(self) -> bool:
        return not any(executor.is_busy for executor in self._executors.values())

    def _ending_with_their_connections(self) -> list[UUID]:
        return [run_id for run_id, executor in self._executors.items() if executor.ends_with_its_connection]

    async def _keep_connections(self, kept: list[UUID]) -> None:
        """Wait for runs that the server would end with their connections, and renew their leases meanwhile."""
        assert self.id is not None
        grace_s = settings.ENV.stop_grace_s
        with suppress(*DATABASE_AWAY):
            await self._database.call(services.worker_stopping, worker_id=self.id)
        logger.info("%d runs end with their connections, which are kept for up to %d s", len(kept), grace_s)
        for lease in [self._holds[run_id] for run_id in kept if run_id in self._holds]:
            with suppress(LeaseLost, *DATABASE_AWAY):
                data = {"grace_s": grace_s}
                await self._database.call(leases.event_append_fenced, lease, kind=EventKind.WORKER_STOPS, data=data)
        await self._until(lambda: not self._tasks or self._hurry.is_set(), grace_s)

    async def _until(self, condition: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and not condition():
            await asyncio.sleep(0.05)

    async def _give_back(self, *, but: Collection[UUID] = (), is_last: bool = False) -> None:
        assert self.id is not None
        try:
            async with asyncio.timeout(HAND_BACK_S):
                count = await self._database.call_with_retry(leases.leases_hand_back, owner=self.id, but=but)
                if is_last:
                    await self._database.call_with_retry(services.worker_stop, worker_id=self.id)
            logger.info("worker %s stops and has handed %d runs back", self.id, count)
        except TimeoutError:
            logger.warning("the runs could not be handed back; their leases will expire")


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel until all have ended: a task that is between two waits may miss a cancel."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), timeout_s)
