"""Brings one run to its server: sends it, or finds what was sent before, and awaits the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

from dashboard.langgraph import (
    Answer,
    AnswerNotUnderstood,
    AnswerTooLarge,
    Backoff,
    LangGraphClient,
    LangGraphError,
    RequestRejected,
    RunCreateMetadata,
    RunRejected,
    ServerUnreachablePerhapsCreated,
)
from dashboard.runs import leases
from dashboard.runs.events import EventKind
from dashboard.runs.leases import Lease
from dashboard.runs.selectors import awaited_answer
from dashboard.runs.statuses import RunStatus
from dashboard.servers.outputs import has_own_output
from dashboard.teams.encryption import SecretUnreadable, secrets_decrypt
from dashboard.worker.database import Database
from dashboard.worker.execution.answer_check import NotAwaited, ask_whether_awaited, knows_strict_resume
from dashboard.worker.execution.background import BackgroundTasks
from dashboard.worker.execution.cancel import deliver_cancel
from dashboard.worker.execution.claimed_run import ClaimedRun
from dashboard.worker.execution.connection import ConnectionTracker
from dashboard.worker.execution.launch_lookup import CannotKnow, NotLaunched, look_up_launch, lookup_once
from dashboard.worker.lease_clock import lease_clock
from dashboard.worker.run_on_server import RunOnServer
from dashboard.worker.step_watcher import Source

logger = logging.getLogger(__name__)

SLOW_S = 5.0
"""A server that has not confirmed a run after this long is called slow, and asked whether it has the run."""
NAMING = Backoff(first_s=2.0, longest_s=30.0)
UNSENT_PAUSE_S = 1.0


class RunLauncher:
    """Launches one run, or takes over one that was launched: never twice. Also delivers a cancel.

    Args:
        run: as claimed or adopted.
        lease_until: the `lease_clock()` until which the lease is surely in force. Asked in the last moment before a
            request goes out, so that a worker that was frozen cannot launch what another has taken over.
    """

    def __init__(
        self,
        run: ClaimedRun,
        lease: Lease,
        client: LangGraphClient,
        database: Database,
        *,
        lease_until: Callable[[], float],
    ) -> None:
        self.run = run
        self.lease = lease
        # Whether it must not be interrupted now: its request goes out, or its outcome is being stored.
        self.is_busy = False
        self._client = client
        self._database = database
        self._lease_until = lease_until
        # Whether the server is asked for values after each step: see `wait_answer`.
        self._needs_values = False
        self._headers: dict[str, str] = {}
        self._place: RunOnServer | None = None
        self._background = BackgroundTasks()
        self._connection = ConnectionTracker(lease, database, self._background)
        self._is_cancelled = run.status == RunStatus.CANCELLING
        self._is_too_large = False
        self._wait_ended = False
        self._cancel: asyncio.Task[None] | None = None
        self._naming = asyncio.Lock()

    @property
    def ends_with_its_connection(self) -> bool:
        """Whether the server will end the run when this worker's connection to it is closed."""
        return self.run.on_disconnect == "cancel" and self._connection.is_first

    @property
    def event_source(self) -> Source | None:
        """Where to get the run's events; None while the server has not confirmed the run."""
        place = self._place
        if place is None:
            return None
        return Source(place.client, place.thread_id, place.run_id, place.headers)

    def cancel_requested(self) -> None:
        """Somebody requested a cancel: deliver it as soon as the server's ids are known."""
        if not self._is_cancelled:
            self._is_cancelled = True
            if self._place is not None:
                self._deliver_cancel(self._place)

    async def _answer(self) -> Answer | None:
        """The server's answer, through any number of lost connections; None when it cannot be read."""
        try:
            assert self.run.request is not None
            self._headers = secrets_decrypt(self.run.request.secret_headers)
        except SecretUnreadable:
            if not self.run.was_sent:
                raise
            logger.warning("the run's own headers cannot be decrypted; joining without them", extra=self._log())
        if self.run.remote_run_id is not None:
            assert self.run.remote_thread_id is not None
            self._exists(self.run.remote_thread_id, self.run.remote_run_id, is_new=False)
            return await self._join()
        if self.run.was_sent:
            return await self._find_and_join()
        self.is_busy = True
        try:
            if self.run.is_answer:
                await self._check_that_it_is_awaited()
            if self.run.wants_events:
                self._needs_values = await self._database.call_with_retry(
                    has_own_output, self.run.server_id, self.run.server_checked_at, self.run.assistant_id
                )
            if not await self._database.call_with_retry(leases.run_sending, self.lease):
                return None
            return await self._send()
        except _LeaseInDoubt:
            logger.warning("the lease was in doubt; the run is not sent, and queued again", extra=self._log())
            await self._database.call_with_retry(leases.run_unsent, self.lease, delay_s=UNSENT_PAUSE_S)
            return None
        finally:
            self.is_busy = False

    async def _check_that_it_is_awaited(self) -> None:
        """Ask whether the server still waits for this answer.

        Raises:
            NotAwaited: it does not.
            ServerUnreachableNotCreated: it cannot be asked just now.
        """
        awaited = await self._database.call_with_retry(awaited_answer, self.run.id)
        thread_id = self.run.remote_thread_id
        if awaited is None or thread_id is None:
            return
        verdict, self.run.sends_strict_resume = await asyncio.gather(
            ask_whether_awaited(self._client, thread_id, awaited, self._headers),
            knows_strict_resume(self._client, self._headers),
        )
        if verdict.sentence:
            raise NotAwaited(verdict)

    async def _send(self) -> Answer | None:
        self.run.sent_at = datetime.now(UTC)
        self._background.start_later(SLOW_S, self._find_while_waiting)
        try:
            answer = await self._send_as_known_there()
        except ServerUnreachablePerhapsCreated as error:
            self.is_busy = self._connection.is_first = False
            logger.warning("the launch was not confirmed: %s", error, extra=self._log())
            return await self._find_and_join(was_taken=error.was_taken)
        except AnswerNotUnderstood as error:
            self._not_understood(error)
            self._wait_ended = self._is_too_large
            return None if self._place else await self._find_and_join()
        if self._place is None:
            await self._name(answer)
        return answer

    async def _send_as_known_there(self) -> Answer:
        """Send it, in the way that the server knows: some have no stateless runs, and some no `wait`."""
        try:
            return await self._post()
        except RunRejected as error:
            if not error.is_missing_route:
                raise
            refused = error
        if self.run.remote_thread_id is None:
            # Stored first, so that a worker that takes the run over knows where to look for it.
            thread_id = str(uuid4())
            await self._database.call_with_retry(leases.run_thread_made, self.lease, thread_id=thread_id)
            self.run.remote_thread_id = thread_id
            try:
                return await self._post()
            except RunRejected as error:
                if not error.is_missing_route:
                    raise
        try:
            return await self._post(by_create=True)
        except RunRejected as error:
            if error.is_missing_route:
                raise refused from None
            raise

    async def _post(self, *, by_create: bool = False) -> Answer:
        return await self._client.runs.wait_answer(
            self.run.remote_thread_id,
            self.run.assistant_id,
            **self.run.arguments(),
            headers=self._headers or None,
            on_run_created=self._confirmed,
            before_send=self._check_lease,
            on_connection=self._connection.report,
            by_create=by_create,
            with_events=self.run.wants_events,
            with_values=self._needs_values,
        )

    def _check_lease(self) -> None:
        if lease_clock() >= self._lease_until():
            raise _LeaseInDoubt

    async def _find_while_waiting(self) -> None:
        """The server is slow to confirm the run: say so, and look for the run there, so that a cancel can reach it.

        Some servers send not even headers before the run is over.
        """
        if self._place is not None:
            return
        data = {"message": "The server has the request and has not answered yet."}
        await self._database.call_with_retry(leases.event_append_fenced, self.lease, kind=EventKind.WARNING, data=data)
        if self.run.remote_thread_id is None:
            return
        for delay_s in NAMING.delays():
            try:
                look = await lookup_once(
                    self._client, self.run.as_sent(), headers=self._headers, anothers=self._others_on_thread
                )
            except LangGraphError as error:
                logger.info("could not ask whether the server has the run: %s", error, extra=self._log())
            else:
                if self._place is None and look.run is not None:
                    await self._created(look.run.thread_id, look.run.run_id, is_new=True)
                    self._connection.is_first = True
            if self._place is not None:
                return
            await asyncio.sleep(delay_s)

    async def _name(self, answer: Answer) -> None:
        """Find the ids of a run that a server awaited without naming them.

        Raises:
            CannotKnow: there are none. The run did take place, so it is never sent again.
        """
        try:
            await self._find(was_taken=False, patience_s=0.0)
        except (NotLaunched, CannotKnow, RequestRejected, AnswerTooLarge):
            sentence = "The server answered, but lists no run of ours that could say how it ended."
            raise CannotKnow(sentence, answer.body) from None

    async def _join(self) -> Answer | None:
        assert self._place is not None
        try:
            answer = await self._client.runs.join_answer(
                self._place.thread_id,
                self._place.run_id,
                headers=self._headers or None,
                on_connection=self._connection.report,
                starts_in_s=self._starts_in_s() or 0.0,
            )
        except AnswerNotUnderstood as error:
            self._not_understood(error)
            return None
        self._is_too_large = False
        return answer

    def _not_understood(self, error: AnswerNotUnderstood) -> None:
        self._is_too_large = isinstance(error, AnswerTooLarge)
        logger.warning("the answer was not understood: %s", error, extra=self._log())

    async def _find_and_join(self, *, was_taken: bool = False) -> Answer | None:
        if self._place is None:
            await self._find(was_taken=was_taken, patience_s=self.run.retry_for_s)
        return await self._join()

    async def _find(self, *, was_taken: bool, patience_s: float) -> None:
        """Find the run of a launch whose answer was lost. Raises what `look_up_launch` does."""
        found = await look_up_launch(
            self._client,
            self.run.as_sent(),
            headers=self._headers,
            anothers=self._others_on_thread,
            was_taken=was_taken,
            patience_s=patience_s,
        )
        await self._created(found.thread_id, found.run_id, is_new=False)

    async def _others_on_thread(self) -> set[str]:
        return await self._database.call_with_retry(leases.others_on_thread, self.lease)

    # What is written meanwhile.

    async def _confirmed(self, ids: RunCreateMetadata) -> None:
        """The headers of our own POST have arrived: the run was created on this connection."""
        self._connection.is_first = True
        thread_id = ids["thread_id"] or self.run.remote_thread_id
        if thread_id is None:
            self.is_busy = False
            return  # it cannot be joined or asked about: its answer is all there will be
        await self._created(thread_id, ids["run_id"], is_new=True)

    async def _created(self, thread_id: str, run_id: str, *, is_new: bool) -> None:
        async with self._naming:  # its headers may arrive while we look for it
            if self._place is not None:
                return
            self.run.status = await self._database.call_with_retry(
                leases.run_created_on_server,
                self.lease,
                remote_run_id=run_id,
                remote_thread_id=thread_id,
                starts_later=self.run.starts_after_s > 0,
            )
            if self.run.status == RunStatus.SCHEDULED:
                self.run.scheduled_at = datetime.now(UTC)
            # Only now that the ids are stored: otherwise a worker that stops would hand back a run that nobody could
            # join.
            self.is_busy = False
            self._is_cancelled |= self.run.status == RunStatus.CANCELLING
            self._exists(thread_id, run_id, is_new=is_new)

    def _exists(self, thread_id: str, run_id: str, *, is_new: bool) -> None:
        """The run exists on the server: watch it, and deliver a cancel that was requested before."""
        in_part = self.run.wants_events and not self._needs_values
        self._place = place = RunOnServer(self._client, thread_id, run_id, self._headers, may_answer_in_part=in_part)
        self.run.request = None  # an input may be large, and the wait long
        if is_new:
            self._connection.created(place, starts_after_s=self._starts_in_s() or 0.0)
        else:
            self._connection.adopted(place, executions=self.run.executions, starts_in_s=self._starts_in_s())
        if self._is_cancelled:
            self._deliver_cancel(place)

    def _starts_in_s(self) -> float | None:
        """When a scheduled run is due; None for one that is not scheduled."""
        if self.run.scheduled_at is None:
            return None
        return self.run.starts_after_s - (datetime.now(UTC) - self.run.scheduled_at).total_seconds()

    def _deliver_cancel(self, place: RunOnServer) -> None:
        self._cancel = self._background.start(
            deliver_cancel(place, self._database, self.lease, action=self._read_cancel_action)
        )

    async def _read_cancel_action(self) -> str:
        """The cancel that somebody requested, kept here too: it decides what the end of a rolled back run means."""
        self.run.cancel_action = await self._database.call_with_retry(leases.cancel_action_of, self.lease)
        return self.run.cancel_action

    def _log(self) -> dict[str, str]:
        return {"run_id": str(self.run.id)}


class _LeaseInDoubt(Exception):
    """The lease may have run out in the last moment. Nothing was sent."""
