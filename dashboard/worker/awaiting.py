"""One run, from the claim to its end: send it or join it, find out how it ended, store that."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from dashboard.langgraph import (
    Answer,
    AnswerNotUnderstood,
    ConnectionEvent,
    LangGraphClient,
    LangGraphError,
    RequestInvalid,
    RequestRejected,
    RunCreateMetadata,
    RunNotFound,
    RunRejected,
    ServerUnreachableNotCreated,
    ServerUnreachablePerhapsCreated,
)
from dashboard.runs import holding
from dashboard.runs.events import EventKind
from dashboard.runs.holding import Hold, LeaseLost, Outcome, RunError
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.statuses import RunStatus
from dashboard.teams.encryption import SecretUnreadable, secrets_decrypt
from dashboard.worker.cancelling import deliver_cancel
from dashboard.worker.classify import classify
from dashboard.worker.database import DATABASE_AWAY, Database
from dashboard.worker.inquiry import RUN_ID_KEY, ask_how_it_ended, find_launched, until_answered
from dashboard.worker.reexecution import was_executed_again
from dashboard.worker.storing import OutcomeStore

logger = logging.getLogger(__name__)

REQUEUE_FIRST_S = 0.5
REQUEUE_MAX_S = 30.0
LOOKUPS = 4
LOOKUP_PAUSE_S = 2.0
LOOK_AGAIN_S = 1.0
BEGUN_POLL_S = 1.0
UNSENT_PAUSE_S = 1.0


class RunAwaiter:
    """Holds one run until it has ended or is back in the queue.

    Args:
        run: as claimed or adopted, with its server and request.
        lease_until: the `time.monotonic()` until which the lease is surely in force. Asked in the last moment before a
            request goes out, so that a worker that was frozen cannot launch what another has taken over.
    """

    def __init__(
        self,
        run: Run,
        hold: Hold,
        client: LangGraphClient,
        database: Database,
        store: OutcomeStore,
        *,
        lease_until: Callable[[], float],
    ) -> None:
        self.run = run
        self.hold = hold
        # Whether it is to be left alone for a moment: its request goes out, or its end is stored.
        self.is_busy = False
        self._client = client
        self._database = database
        self._store = store
        self._lease_until = lease_until
        self._params: dict[str, Any] = run.request.params
        self._headers: dict[str, str] = {}
        self._thread_id = run.remote_thread_id
        self._run_id = run.remote_run_id
        self._line_is_lost = False
        # By `time.monotonic()`: when this worker saw the run created, and when the line was last lost.
        self._created_at: float | None = None
        self._lost_at = 0.0
        self._cancel_asked = asyncio.Event()
        self._side_tasks: list[asyncio.Task[None]] = []
        if run.status == RunStatus.CANCELLING:
            self._cancel_asked.set()

    def cancel_asked(self) -> None:
        """Someone asked to cancel: it is delivered as soon as the server's ids are known."""
        self._cancel_asked.set()

    async def finish(self) -> None:
        """Bring the run to its end, or back into the queue.

        Raises:
            LeaseLost: another worker holds it now; nothing more was written.
        """
        try:
            outcome = await self._outcome()
        finally:
            for task in self._side_tasks:
                task.cancel()
            await asyncio.gather(*self._side_tasks, return_exceptions=True)
        if outcome is not None:
            self.is_busy = True
            storing = self._store.store(self.hold, self._run_id or "", outcome)
            del outcome  # while Postgres is away a large state waits on disk, not here
            await storing
            self.is_busy = False
            await self._forget_thread()

    async def _outcome(self) -> Outcome | None:
        """How the run ended; None when there is nothing to store because it is queued again, or was never sent."""
        try:
            answer = await self._answer()
        except ServerUnreachableNotCreated as error:
            return await self._try_later(str(error), error.retry_after_s)
        except RunRejected as error:
            if error.is_temporary:
                return await self._try_later(f"The server said: {error}", error.retry_after_s)
            return Outcome(RunStatus.FAILED, RunError(f"Refused with HTTP {error.status_code}", error.detail))
        except (RequestInvalid, SecretUnreadable) as error:
            return Outcome(RunStatus.FAILED, RunError("Not sent", str(error)))
        except _NotLaunched as error:
            return await self._try_later(str(error), None)
        except _CannotKnow as error:
            return Outcome(RunStatus.LOST, RunError("Not known", str(error)), body=error.body)
        except RunNotFound:
            answer = None
        except RequestRejected as error:
            if self._run_id is None:
                return Outcome(RunStatus.LOST, RunError(f"Refused with HTTP {error.status_code}", error.detail))
            answer = None  # it will not be joined, but perhaps asked about
        if self._run_id is None or self._thread_id is None:
            return None
        try:
            return await self._classified(answer)
        except RequestRejected as error:
            refused = RunError(f"Refused with HTTP {error.status_code}", error.detail)
            return Outcome(RunStatus.LOST, refused, body=answer.body if answer else None)

    # Sending and joining.

    async def _answer(self) -> Answer | None:
        """The server's answer, through any number of lost lines; None when there is none to be read."""
        try:
            self._headers = secrets_decrypt(self.run.request.secret_headers)
        except SecretUnreadable:
            if self.run.sent_at is None:
                raise
            logger.warning("the run's own headers cannot be decrypted; joining without them", extra=self._log())
        if self._run_id is not None:
            self._accompany()
            return await self._join()
        if self.run.sent_at is not None:
            return await self._find_and_join()
        self.is_busy = True
        try:
            if not await self._database.insist(holding.run_sending, self.hold):
                return None
            return await self._send()
        except _LeaseInDoubt:
            logger.warning("the lease was in doubt; the run is not sent, and queued again", extra=self._log())
            await self._database.insist(holding.run_unsent, self.hold, delay_s=UNSENT_PAUSE_S)
            return None
        finally:
            self.is_busy = False

    async def _send(self) -> Answer | None:
        try:
            answer = await self._client.runs.wait_answer(
                None if self.run.thread_choice == ThreadChoice.STATELESS else self._thread_id,
                self.run.assistant_id,
                **self._arguments(),
                headers=self._headers or None,
                on_run_created=self._created,
                before_send=self._check_lease,
                on_connection=self._connection,
            )
        except ServerUnreachablePerhapsCreated as error:
            self.is_busy = False
            logger.warning("the launch was not confirmed: %s", error, extra=self._log())
            return await self._find_and_join()
        except AnswerNotUnderstood as error:
            logger.warning("the answer was not understood: %s", error, extra=self._log())
            return None if self._run_id else await self._find_and_join()
        if self._run_id is None:
            await self._name(answer)
        return answer

    async def _name(self, answer: Answer) -> None:
        """Find the ids of a run that a server awaited without telling them.

        Raises:
            _CannotKnow: there are none to be found. It did run, so it is never sent again.
        """
        try:
            await self._find()
        except (_NotLaunched, _CannotKnow, RequestRejected):
            sentence = "The server answered, but has no run of ours to ask how it ended."
            raise _CannotKnow(sentence, answer.body) from None

    def _arguments(self) -> dict[str, Any]:
        """The wait parameters as they go out: what was given, and what Runboard needs to keep its promises."""
        given = {name: value for name, value in self._params.items() if name not in ("headers", "raise_error")}
        given["metadata"] = {**(given.get("metadata") or {}), RUN_ID_KEY: str(self.run.pk)}
        given.setdefault("on_disconnect", "continue")
        if self.run.thread_choice == ThreadChoice.STATELESS:
            # Kept until we know how the run ended, then deleted by us: see docs/adr/0003.
            given["on_completion"] = "keep"
        return given

    def _check_lease(self) -> None:
        if time.monotonic() >= self._lease_until():
            raise _LeaseInDoubt

    async def _join(self) -> Answer | None:
        assert self._thread_id is not None
        assert self._run_id is not None
        try:
            return await self._client.runs.join_answer(
                self._thread_id, self._run_id, headers=self._headers or None, on_connection=self._connection
            )
        except AnswerNotUnderstood as error:
            logger.warning("the answer was not understood: %s", error, extra=self._log())
            return None

    async def _find_and_join(self) -> Answer | None:
        if self._run_id is None:
            await self._find()
        return await self._join()

    async def _find(self) -> None:
        """Find the run of a launch whose answer was lost, by our id in its metadata.

        Asked several times: the request may still be on its way through the server.

        Raises:
            _NotLaunched: the server answered each time and has no such run.
            _CannotKnow: a stateless run without an id cannot be looked up.
        """
        thread_id = self._thread_id
        if thread_id is None:
            raise _CannotKnow(
                "The line broke before the server confirmed the run, and a run without a thread cannot be looked up. "
                "It may or may not have run."
            )
        for attempt in range(LOOKUPS):
            if attempt:
                await asyncio.sleep(LOOKUP_PAUSE_S)
            found = await until_answered(
                lambda: find_launched(self._client, thread_id=thread_id, our_id=str(self.run.pk), headers=self._headers)
            )
            if found is not None:
                await self._created({"run_id": found["run_id"], "thread_id": thread_id})
                return
        raise _NotLaunched("The launch was not confirmed, and the server has no such run.")

    # What is written on the way.

    async def _created(self, ids: RunCreateMetadata) -> None:
        self.is_busy = False
        thread_id = ids["thread_id"] or self._thread_id
        if thread_id is None:
            return  # it cannot be joined or asked about; its answer is all that there will be
        self._run_id, self._thread_id = ids["run_id"], thread_id
        self._created_at = time.monotonic()
        self.run.status = await self._database.insist(
            holding.run_created_on_server,
            self.hold,
            remote_run_id=self._run_id,
            remote_thread_id=self._thread_id,
            starts_later=bool(self._params.get("after_seconds")),
        )
        if self.run.status == RunStatus.CANCELLING:
            self._cancel_asked.set()
        self._accompany()

    def _accompany(self) -> None:
        """Begin what goes on beside a run that exists: delivering a cancel, noticing that a scheduled run begins."""
        assert self._thread_id is not None
        assert self._run_id is not None
        cancel = deliver_cancel(
            self._client, self._database, self.hold, self._thread_id, self._run_id, self._headers, self._cancel_asked
        )
        self._beside(cancel)
        if self.run.status == RunStatus.SCHEDULED:
            self._beside(self._watch_for_begin(self._thread_id, self._run_id))

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(_log_failure)
        self._side_tasks.append(task)

    async def _notice_execution(self) -> None:
        """After a lost line: whether the server has begun the run anew. Not asked of runs that others created."""
        if self._created_at is None or self._thread_id is None or self._run_id is None:
            return
        try:
            again = await was_executed_again(
                self._client,
                thread_id=self._thread_id,
                run_id=self._run_id,
                lost_after_s=self._lost_at - self._created_at,
                headers=self._headers,
            )
        except LangGraphError as error:
            logger.info("could not ask whether the run was executed again: %s", error, extra=self._log())
            return
        if again:
            await self._database.insist(holding.run_executed_again, self.hold)

    async def _watch_for_begin(self, thread_id: str, run_id: str) -> None:
        while True:
            await asyncio.sleep(BEGUN_POLL_S)
            try:
                remote = await self._client.runs.get(thread_id, run_id, headers=self._headers)
            except LangGraphError:
                continue
            if remote.get("status") != "pending":
                await self._database.insist(holding.run_begun, self.hold)
                return

    async def _connection(self, event: ConnectionEvent) -> None:
        """Tell the timeline when the line is lost and when it is back: once each, not at every try."""
        if event.kind == "lost" and not self._line_is_lost:
            self._line_is_lost = True
            self._lost_at = time.monotonic()
            await self._remark_connection(EventKind.CONNECTION_LOST, event.reason)
        elif event.kind == "joined" and self._line_is_lost:
            self._line_is_lost = False
            await self._remark_connection(EventKind.REJOINED, "")
            self._beside(self._notice_execution())

    async def _remark_connection(self, kind: EventKind, reason: str) -> None:
        data = {"message": reason} if reason else {}
        if kind == EventKind.REJOINED:  # or the page would go on to say that the line is lost
            await self._database.insist(holding.run_connection, self.hold, kind=kind, data=data)
            return
        try:
            await self._database.call(holding.run_connection, self.hold, kind=kind, data=data)
        except DATABASE_AWAY as error:
            logger.warning("could not note the connection: %s", error, extra=self._log())

    # Ends.

    async def _classified(self, answer: Answer | None) -> Outcome:
        """Ask how the run ended; as long as the server says that it goes on, join it again."""
        assert self._thread_id is not None
        assert self._run_id is not None
        while True:
            facts = await ask_how_it_ended(
                self._client, thread_id=self._thread_id, run_id=self._run_id, answer=answer, headers=self._headers
            )
            cancel_action = await self._cancel_action()
            keep_error_state = self._params.get("raise_error") is False
            outcome = classify(replace(facts, cancel_action=cancel_action, keep_error_state=keep_error_state))
            if outcome is not None:
                return outcome
            await asyncio.sleep(LOOK_AGAIN_S)
            try:
                answer = await self._join()
            except RunNotFound:
                answer = None

    async def _cancel_action(self) -> str:
        """What someone asked for. While Postgres is away, what is known of it here: an end must not wait for that."""
        try:
            return await self._database.call(holding.cancel_action_of, self.hold)
        except DATABASE_AWAY:
            return (self.run.cancel_action or "interrupt") if self._cancel_asked.is_set() else ""

    async def _try_later(self, reason: str, retry_after_s: float | None) -> Outcome | None:
        """Back to the queue, for as long as the server's settings give; then the run has failed."""
        delay = min(REQUEUE_MAX_S, REQUEUE_FIRST_S * 2 ** min(self.run.attempts - 1, 10))
        delay = max(delay * random.uniform(0.75, 1.25), retry_after_s or 0.0)  # noqa: S311 - jitter, not a secret
        queued = await self._database.insist(
            holding.run_requeue, self.hold, reason=reason, delay_s=delay, patience_s=self.run.server.retry_for_s
        )
        return None if queued else Outcome(RunStatus.FAILED, RunError("Server unreachable", reason))

    async def _forget_thread(self) -> None:
        """Delete the thread of a stateless run, unless it was to be kept."""
        is_stateless = self.run.thread_choice == ThreadChoice.STATELESS
        if not is_stateless or self._params.get("on_completion") == "keep" or self._thread_id is None:
            return
        try:
            await self._client.threads.delete(self._thread_id, headers=self._headers)
        except LangGraphError as error:
            logger.warning("the thread of a stateless run could not be deleted: %s", error, extra=self._log())

    def _log(self) -> dict[str, str]:
        return {"run_id": str(self.run.pk)}


class _LeaseInDoubt(Exception):
    """The lease may have run out in the last moment. Nothing was sent."""


class _NotLaunched(Exception):
    """The server provably has no such run."""


class _CannotKnow(Exception):
    """How the run ended, or whether it exists, cannot be found out. `body` is what it answered, if anything."""

    def __init__(self, sentence: str, body: bytes | None = None) -> None:
        super().__init__(sentence)
        self.body = body


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, LeaseLost):
        logger.error("a task beside a run failed", exc_info=error)
