"""One run, from the claim to its end: send it or join it, find out how it ended, store that."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import replace

from dashboard.langgraph import (
    Answer,
    AnswerNotUnderstood,
    AnswerTooLarge,
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
from dashboard.runs import leases
from dashboard.runs.events import EventKind
from dashboard.runs.leases import Lease
from dashboard.runs.outcomes import MET_NO_QUESTION, Outcome, RunError
from dashboard.runs.selectors import awaited_answer
from dashboard.runs.statuses import RunStatus
from dashboard.teams.encryption import SecretUnreadable, secrets_decrypt
from dashboard.worker.database import DATABASE_AWAY, Database
from dashboard.worker.execution.answer_check import NotAwaited, ask_whether_awaited, knows_strict_resume
from dashboard.worker.execution.cancel import deliver_cancel
from dashboard.worker.execution.claimed_run import ClaimedRun
from dashboard.worker.execution.connection import Beside, Line
from dashboard.worker.execution.launch_lookup import CannotKnow, NotLaunched, look_up_launch
from dashboard.worker.lease_clock import lease_clock
from dashboard.worker.outcomes.classify import classify
from dashboard.worker.outcomes.evidence import collect_evidence
from dashboard.worker.outcomes.store import OutcomeStore, not_readable, without_state
from dashboard.worker.step_watcher import Source

logger = logging.getLogger(__name__)

REQUEUE_FIRST_S = 0.5
REQUEUE_MAX_S = 30.0
LOOK_AGAIN_S = 1.0
EMPTY = b"{}"
CANCEL_NOTE_S = 1.0
SLOW_S = 5.0
"""A server that has not confirmed a run after so many seconds is said to be slow."""
BEGUN_POLL_S = 1.0
UNSENT_PAUSE_S = 1.0


class RunExecutor:
    """Holds one run until it has ended or is back in the queue.

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
        store: OutcomeStore,
        *,
        lease_until: Callable[[], float],
    ) -> None:
        self.run = run
        self.lease = lease
        # Whether it is to be left alone for a moment: its request goes out, or its end is stored.
        self.is_busy = False
        self._client = client
        self._database = database
        self._store = store
        self._lease_until = lease_until
        self._headers: dict[str, str] = {}
        self._thread_id = run.remote_thread_id
        self._run_id = run.remote_run_id
        self._beside = Beside()
        self._line = Line(lease, client, database, self._beside)
        self._is_cancelled = run.status == RunStatus.CANCELLING
        self._is_accompanied = False
        self._is_too_large = False
        self._wait_ended = False
        self._cancel: asyncio.Task[None] | None = None

    @property
    def ends_with_its_line(self) -> bool:
        """Whether the server will end the run when this worker's line to it is closed."""
        return self.run.on_disconnect == "cancel" and self._line.is_first

    @property
    def event_source(self) -> Source | None:
        """Where the run's events come from; None while the server has not confirmed it."""
        if self._run_id is None or self._thread_id is None or not self._is_accompanied:
            return None
        return Source(self._client, self._thread_id, self._run_id, self._headers)

    def cancel_asked(self) -> None:
        """Someone asked to cancel: it is delivered as soon as the server's ids are known."""
        if not self._is_cancelled:
            self._is_cancelled = True
            if self._is_accompanied:
                self._deliver_cancel()

    async def finish(self) -> None:
        """Bring the run to its end, or back into the queue.

        Raises:
            LeaseLost: another worker holds it now; nothing more was written.
        """
        try:
            outcome = await self._outcome()
            if self._cancel is not None:  # it may just have been heard, and wants to say so before the end is told
                await asyncio.wait([self._cancel], timeout=CANCEL_NOTE_S)
        finally:
            await self._beside.end()
        if outcome is not None:
            self.is_busy = True
            is_known = outcome.status != RunStatus.LOST
            storing = self._store.store(self.lease, self._run_id or "", outcome)
            del outcome  # while Postgres is away a large state waits on disk, not here
            await storing
            self.is_busy = False
            if is_known:  # else somebody may still find out there, or the run goes on
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
        except NotAwaited as error:
            ending = {MET_NO_QUESTION: True} if error.verdict.is_gone else {}
            return Outcome(RunStatus.FAILED, RunError("Answer not sent", str(error)), ending=ending)
        except NotLaunched as error:
            return await self._try_later(str(error), None)
        except AnswerTooLarge:
            return Outcome(RunStatus.LOST, not_readable())
        except CannotKnow as error:
            return Outcome(RunStatus.LOST, RunError("Not known", str(error)), body=error.body)
        except RunNotFound:
            answer = None
        except RequestRejected as error:
            if self._run_id is None:
                sentence = (
                    "The line broke before the server confirmed the run, and the server would not say whether it has "
                    f"it (HTTP {error.status_code}: {error.detail}). It may or may not have run."
                )
                return Outcome(RunStatus.LOST, RunError("Not known", sentence))
            answer = None  # it will not be joined, but perhaps asked about
        if self._run_id is None or self._thread_id is None:
            return None
        try:
            outcome = await self._classified(answer)
            return without_state(outcome) if self._is_too_large else outcome
        except AnswerTooLarge:  # what it says of the run itself
            return Outcome(RunStatus.LOST, not_readable(), body=answer.body if answer else None)
        except RequestRejected as error:
            refused = RunError(f"Refused with HTTP {error.status_code}", error.detail)
            return Outcome(RunStatus.LOST, refused, body=answer.body if answer else None)

    # Sending and joining.

    async def _answer(self) -> Answer | None:
        """The server's answer, through any number of lost lines; None when there is none to be read."""
        try:
            assert self.run.request is not None
            self._headers = secrets_decrypt(self.run.request.secret_headers)
        except SecretUnreadable:
            if not self.run.was_sent:
                raise
            logger.warning("the run's own headers cannot be decrypted; joining without them", extra=self._log())
        if self._run_id is not None:
            self._adopted(self._run_id)
            return await self._join()
        if self.run.was_sent:
            return await self._find_and_join()
        self.is_busy = True
        try:
            if self.run.is_answer:
                await self._check_that_it_is_awaited()
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
        """Look whether the server still waits for this answer.

        Raises:
            NotAwaited: it does not.
            ServerUnreachableNotCreated: it cannot be asked just now.
        """
        awaited = await self._database.call_with_retry(awaited_answer, self.run.id)
        if awaited is None or self._thread_id is None:
            return
        verdict, self.run.sends_strict_resume = await asyncio.gather(
            ask_whether_awaited(self._client, self._thread_id, awaited, self._headers),
            knows_strict_resume(self._client, self._headers),
        )
        if verdict.sentence:
            raise NotAwaited(verdict)

    def _adopted(self, run_id: str) -> None:
        assert self._thread_id is not None
        self._line.adopted(self._thread_id, run_id, self._headers, executions=self.run.executions)
        self._forget_request()
        self._accompany()

    async def _send(self) -> Answer | None:
        self._beside.begin_later(SLOW_S, self._say_that_it_takes_long)
        try:
            answer = await self._client.runs.wait_answer(
                None if self.run.is_stateless else self._thread_id,
                self.run.assistant_id,
                **self.run.arguments(),
                headers=self._headers or None,
                on_run_created=self._confirmed,
                before_send=self._check_lease,
                on_connection=self._line.tell,
                with_events=self.run.wants_events,
            )
        except ServerUnreachablePerhapsCreated as error:
            self.is_busy = False
            logger.warning("the launch was not confirmed: %s", error, extra=self._log())
            return await self._find_and_join()
        except AnswerNotUnderstood as error:
            self._not_understood(error)
            self._wait_ended = self._is_too_large
            return None if self._run_id else await self._find_and_join()
        if self._run_id is None:
            await self._name(answer)
        return answer

    async def _say_that_it_takes_long(self) -> None:
        if self._run_id is None:
            data = {"message": "The server has the request and has not answered yet."}
            await self._database.call_with_retry(
                leases.event_append_fenced, self.lease, kind=EventKind.WARNING, data=data
            )

    async def _name(self, answer: Answer) -> None:
        """Find the ids of a run that a server awaited without telling them.

        Raises:
            CannotKnow: there are none to be found. It did run, so it is never sent again.
        """
        try:
            await self._find()
        except (NotLaunched, CannotKnow, RequestRejected, AnswerTooLarge):
            sentence = "The server answered, but has no run of ours to ask how it ended."
            raise CannotKnow(sentence, answer.body) from None

    def _check_lease(self) -> None:
        if lease_clock() >= self._lease_until():
            raise _LeaseInDoubt

    async def _join(self) -> Answer | None:
        assert self._thread_id is not None
        assert self._run_id is not None
        try:
            answer = await self._client.runs.join_answer(
                self._thread_id, self._run_id, headers=self._headers or None, on_connection=self._line.tell
            )
        except AnswerNotUnderstood as error:
            self._not_understood(error)
            return None
        self._is_too_large = False
        return answer

    def _not_understood(self, error: AnswerNotUnderstood) -> None:
        self._is_too_large = isinstance(error, AnswerTooLarge)
        logger.warning("the answer was not understood: %s", error, extra=self._log())

    async def _find_and_join(self) -> Answer | None:
        if self._run_id is None:
            await self._find()
        return await self._join()

    async def _find(self) -> None:
        """Find the run of a launch whose answer was lost. Raises what `look_up_launch` does."""
        found = await look_up_launch(
            self._client, our_id=str(self.run.id), thread_id=self._thread_id, headers=self._headers
        )
        await self._created({"run_id": found.run_id, "thread_id": found.thread_id}, is_found=True)

    # What is written on the way.

    async def _confirmed(self, ids: RunCreateMetadata) -> None:
        """The headers of our own POST are in: this line is the one the run was created on."""
        self._line.is_first = True
        await self._created(ids)

    async def _created(self, ids: RunCreateMetadata, *, is_found: bool = False) -> None:
        thread_id = ids["thread_id"] or self._thread_id
        if thread_id is None:
            self.is_busy = False
            return  # it cannot be joined or asked about; its answer is all that there will be
        self._run_id, self._thread_id = ids["run_id"], thread_id
        if is_found:  # a while after it was created
            self._line.adopted(thread_id, self._run_id, self._headers, executions=self.run.executions)
        else:
            self._line.created(thread_id, self._run_id, self._headers)
        self.run.status = await self._database.call_with_retry(
            leases.run_created_on_server,
            self.lease,
            remote_run_id=self._run_id,
            remote_thread_id=self._thread_id,
            starts_later=self.run.starts_later,
        )
        # Not before the ids are stored: a worker that stops would hand a run back that nobody could join.
        self.is_busy = False
        self._is_cancelled |= self.run.status == RunStatus.CANCELLING
        self._forget_request()
        self._accompany()

    def _forget_request(self) -> None:
        """The server has it: an input may be large, and the wait long."""
        self.run.request = None

    def _accompany(self) -> None:
        """Begin what goes on beside a run that exists: delivering a cancel, noticing that a scheduled run begins."""
        assert self._thread_id is not None
        assert self._run_id is not None
        self._is_accompanied = True
        if self._is_cancelled:
            self._deliver_cancel()
        if self.run.status == RunStatus.SCHEDULED:
            self._beside.begin(self._watch_for_begin(self._thread_id, self._run_id))

    def _deliver_cancel(self) -> None:
        assert self._thread_id is not None
        assert self._run_id is not None
        self._cancel = self._beside.begin(
            deliver_cancel(
                self._client,
                self._database,
                self.lease,
                self._thread_id,
                self._run_id,
                self._headers,
                action=self._read_cancel_action,
            )
        )

    async def _read_cancel_action(self) -> str:
        """What someone asked for, kept here too: the end of a run that was rolled back cannot be told without it."""
        self.run.cancel_action = await self._database.call_with_retry(leases.cancel_action_of, self.lease)
        return self.run.cancel_action

    async def _watch_for_begin(self, thread_id: str, run_id: str) -> None:
        while True:
            await asyncio.sleep(BEGUN_POLL_S)
            try:
                remote = await self._client.runs.get(thread_id, run_id, headers=self._headers)
            except LangGraphError:
                continue
            if remote.get("status") != "pending":
                await self._database.call_with_retry(leases.run_begun, self.lease)
                return

    # Ends.

    async def _classified(self, answer: Answer | None) -> Outcome:
        """Ask how the run ended; as long as the server says that it goes on, join it again.

        So it is once when the answer is an empty object: a proxy may have ended it while the run went on, and the run
        since then.
        """
        assert self._thread_id is not None
        assert self._run_id is not None
        is_doubtful = answer is not None and answer.body == EMPTY
        while True:
            evidence = await collect_evidence(
                self._client,
                thread_id=self._thread_id,
                run_id=self._run_id,
                answer=answer,
                headers=self._headers,
                tell=self._line.tell,
                state_patience_s=self.run.retry_for_s,
            )
            outcome = classify(
                replace(
                    evidence,
                    cancel_action=await self._cancel_action() if evidence.asks_who_cancelled else "",
                    keep_error_state=self.run.keeps_error_state,
                    ended_with_line=self.run.on_disconnect == "cancel" and not self._line.is_first,
                    wait_ended=self._wait_ended,
                    took_s=None if self.run.starts_later else evidence.took_s,
                )
            )
            if outcome is not None and not (is_doubtful and outcome.status == RunStatus.SUCCEEDED):
                return outcome
            await asyncio.sleep(LOOK_AGAIN_S)
            try:
                answer = await self._join()
            except RequestRejected as error:  # also a server that knows no join: then it is asked until it is over
                logger.info("the run cannot be joined: %s", error, extra=self._log())
                answer = answer if outcome is not None else None
            is_doubtful = outcome is None and answer is not None and answer.body == EMPTY

    async def _cancel_action(self) -> str:
        """What someone asked for. While Postgres is away, what is known of it here: an end must not wait for that."""
        try:
            return await self._database.call(leases.cancel_action_of, self.lease)
        except DATABASE_AWAY:
            return (self.run.cancel_action or "interrupt") if self._is_cancelled else ""

    async def _try_later(self, reason: str, retry_after_s: float | None) -> Outcome | None:
        """Back to the queue, for as long as the server's settings give; then the run has failed."""
        delay = min(REQUEUE_MAX_S, REQUEUE_FIRST_S * 2 ** min(self.run.attempts - 1, 10))
        delay = max(delay * random.uniform(0.75, 1.25), retry_after_s or 0.0)  # noqa: S311 - jitter, not a secret
        queued = await self._database.call_with_retry(
            leases.run_requeue, self.lease, reason=reason, delay_s=delay, patience_s=self.run.retry_for_s
        )
        return None if queued else Outcome(RunStatus.FAILED, RunError("Server unreachable", reason))

    async def _forget_thread(self) -> None:
        """Delete the thread of a stateless run, unless it was to be kept."""
        if not self.run.forgets_thread or self._thread_id is None or self._is_too_large:
            return  # a state that is not kept here is left where it is
        try:
            await self._client.threads.delete(self._thread_id, headers=self._headers)
        except LangGraphError as error:
            logger.warning("the thread of a stateless run could not be deleted: %s", error, extra=self._log())

    def _log(self) -> dict[str, str]:
        return {"run_id": str(self.run.id)}


class _LeaseInDoubt(Exception):
    """The lease may have run out in the last moment. Nothing was sent."""
