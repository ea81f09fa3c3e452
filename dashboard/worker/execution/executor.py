"""Executes one claimed run: launches or joins it, collects evidence of how it ended, stores the outcome."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from dashboard.database import DATABASE_AWAY
from dashboard.langgraph import Answer, Backoff, LangGraphClient, LangGraphError, RequestRejected, RunNotFound
from dashboard.runs import leases
from dashboard.runs.leases import Lease
from dashboard.runs.outcomes import Outcome, RunError
from dashboard.runs.statuses import RunStatus
from dashboard.worker.database import Database
from dashboard.worker.execution.claimed_run import ClaimedRun
from dashboard.worker.execution.launcher import RunLauncher
from dashboard.worker.outcomes.evidence import Evidence, collect_evidence
from dashboard.worker.outcomes.resolve import EXPECTED, Failure, TryLater, resolve
from dashboard.worker.outcomes.store import OutcomeStore

logger = logging.getLogger(__name__)

REQUEUE = Backoff(first_s=0.5, longest_s=30.0)
LOOK_AGAIN_S = 1.0
MUST_HAVE_BEGUN = frozenset({RunStatus.SUCCEEDED, RunStatus.NEEDS_INPUT, RunStatus.PAUSED, RunStatus.TIMED_OUT})
"""Only a run that the server had begun ends like this, whatever our clock says about when it was due."""
CANCEL_NOTE_S = 1.0


class RunExecutor(RunLauncher):
    """Holds one run until it has ended or is back in the queue. Takes what RunLauncher takes, and the outcome store."""

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
        super().__init__(run, lease, client, database, lease_until=lease_until)
        self._store = store

    async def finish(self) -> None:
        """Work on the run until it has ended or is back in the queue.

        Raises:
            LeaseLost: another worker holds it now; nothing more was written.
        """
        try:
            outcome = await self._outcome()
            if self._cancel is not None:  # a cancel may just have been delivered: note that first
                await asyncio.wait([self._cancel], timeout=CANCEL_NOTE_S)
        finally:
            await self._background.end()
        if outcome is not None:
            self.is_busy = True
            is_known = outcome.status != RunStatus.LOST
            storing = self._store.store(self.lease, self._place.run_id if self._place else "", outcome)
            del outcome  # while Postgres is away a large state waits on disk, not here
            await storing
            self.is_busy = False
            if is_known:  # otherwise somebody may still find out there, or the run goes on
                await self._forget_thread()

    async def _outcome(self) -> Outcome | None:
        """How the run ended; None when there is nothing to store because it is queued again, or was never sent."""
        found: Evidence | Failure | None
        answer: Answer | None = None
        try:
            try:
                answer = await self._answer()
            except RunNotFound:
                pass  # the evidence will show it
            except RequestRejected:
                if self._place is None:
                    raise
                # It cannot be joined, but perhaps asked about.
            found = await self._evidence(answer) if self._place is not None else None
        except EXPECTED as error:
            found = Failure(error, answer.body if answer else None, is_named=self._place is not None)
        if found is None:
            return None
        outcome = resolve(found)
        if isinstance(outcome, TryLater):
            return await self._try_later(outcome)
        if outcome is not None and (starts_in_s := self._starts_in_s()) is not None and not self._connection.has_begun:
            has_begun = outcome.began and (starts_in_s <= 0 or outcome.status in MUST_HAVE_BEGUN)
            outcome = replace(outcome, began=has_begun, starts_after_s=self.run.starts_after_s)
        return outcome

    async def _evidence(self, answer: Answer | None) -> Evidence:
        """The evidence of the end; the run is joined again for as long as the server says that it goes on.

        It is joined once more when the answer is only an empty object.
        """
        assert self._place is not None
        collect = partial(
            collect_evidence,
            self._place,
            cancel_action=self._cancel_action,
            on_event=self._connection.report,
            patience_s=self.run.retry_for_s,
        )
        has_doubted = False
        while True:
            evidence = await collect(answer=answer)
            is_doubtful = not has_doubted and evidence.remote_status == "success" and evidence.is_doubtful
            if not evidence.is_going_on and not is_doubtful:
                break
            has_doubted |= is_doubtful
            await asyncio.sleep(LOOK_AGAIN_S)
            try:
                answer = await self._join()
            except RequestRejected as error:  # also a server that knows no join: then it is asked until it is over
                logger.info("the run cannot be joined: %s", error, extra=self._log())
                answer = answer if is_doubtful else None
        return replace(
            evidence,
            keep_error_state=self.run.keeps_error_state,
            breakpoints=self.run.breakpoints,
            is_answer=self.run.is_answer,
            ended_with_connection=self.run.on_disconnect == "cancel" and not self._connection.is_first,
            is_too_large=self._is_too_large,
            wait_ended=self._wait_ended,
            seen_running=self._connection.has_begun,
            took_s=None if self.run.starts_after_s else evidence.took_s,
        )

    async def _cancel_action(self) -> str:
        """The requested cancel. While Postgres is away, the one known here: an outcome must not wait."""
        try:
            return await self._database.call(leases.cancel_action_of, self.lease)
        except DATABASE_AWAY:
            return (self.run.cancel_action or "interrupt") if self._is_cancelled else ""

    async def _try_later(self, later: TryLater) -> Outcome | None:
        """Queue the run again, for as long as the server's settings allow; then it has failed."""
        delay_s = max(REQUEUE.delay_s(self.run.attempts - 1), later.retry_after_s or 0.0)
        queued = await self._database.call_with_retry(
            leases.run_requeue, self.lease, reason=later.reason, delay_s=delay_s, patience_s=self.run.retry_for_s
        )
        return None if queued else Outcome(RunStatus.FAILED, RunError("Server unreachable", later.reason))

    async def _forget_thread(self) -> None:
        """Delete the thread of a stateless run, unless it was to be kept."""
        if not self.run.forgets_thread or self._place is None or self._is_too_large:
            return  # a state that is not stored here stays on the server
        try:
            await self._client.threads.delete(self._place.thread_id, headers=self._headers)
        except LangGraphError as error:
            logger.warning("the thread of a stateless run could not be deleted: %s", error, extra=self._log())
