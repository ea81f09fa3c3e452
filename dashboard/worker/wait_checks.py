"""Checks whether servers still wait for open questions: when somebody looks at one, and now and then.

Others may answer a question behind our back. So questions are checked again: soon when a page
asks for it (`runs.waiting.wait_check_ask`), else at a gentle rate that backs off with the question's age.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from dashboard.database import DATABASE_AWAY
from dashboard.langgraph import LangGraphClient, LangGraphError, RequestInvalid
from dashboard.runs.attention import snoozes_end
from dashboard.runs.models import Run, WaitState
from dashboard.runs.selectors import AwaitedAnswer, answers_given_up
from dashboard.runs.waiting import TO_CHECK, wait_gone, wait_reopen
from dashboard.teams.encryption import SecretUnreadable, secrets_decrypt
from dashboard.worker.client_pool import ClientPool
from dashboard.worker.database import Database
from dashboard.worker.execution.answer_check import ask_whether_awaited, still_asks

logger = logging.getLogger(__name__)

AT_ONCE = 20
"""How many questions a worker checks at the same time."""
LOOK_S = 60.0
"""How often to look which questions are due."""
PER_SERVER = 20
"""The most questions of one server that become due each time."""
SOONEST_S, LATEST_S = 180, 6 * 3600
"""A question is checked again after a tenth of its age, within these bounds."""
CHECK_S = 15.0
BUSY_S, BUSY_TRIES = 0.5, 6
"""A thread may be busy for a moment after its run has ended."""

_TAKE = """
UPDATE runs_run SET wait_check_asked_at = NULL
WHERE id IN (
    SELECT id FROM runs_run WHERE wait_check_asked_at IS NOT NULL
    ORDER BY wait_check_asked_at LIMIT %s FOR UPDATE SKIP LOCKED
)
RETURNING id
"""
_DUE = """
UPDATE runs_run SET wait_check_asked_at = statement_timestamp()
WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (
            PARTITION BY server_id ORDER BY COALESCE(wait_checked_at, finished_at)
        ) AS place
        FROM runs_run
        WHERE wait_state = 'open' AND wait_check_asked_at IS NULL
        AND COALESCE(wait_checked_at, finished_at) < statement_timestamp() - make_interval(secs => GREATEST(%s, LEAST(
            %s, EXTRACT(EPOCH FROM statement_timestamp() - finished_at) / 10)))
    ) AS due WHERE place <= %s
) AND wait_check_asked_at IS NULL
"""


class WaitChecks:
    """The task of a worker that checks questions. `wake` it when somebody asks for a check."""

    def __init__(self, clients: ClientPool, database: Database) -> None:
        self._clients = clients
        self._database = database
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Somebody opened a question: check at once."""
        self._woken.set()

    async def keep(self) -> None:
        """Check for ever. A question without an answer is asked again when it is due, or for the next page."""
        looked_at = float("-inf")
        clock = asyncio.get_running_loop().time
        while True:
            self._woken.clear()
            next_s = LOOK_S
            try:
                if (ends_in := await self._database.call(snoozes_end)) is not None:
                    next_s = min(LOOK_S, ends_in + 0.05)
                if clock() - looked_at >= LOOK_S:
                    looked_at = clock()
                    await self._database.call(_mark_due)
                while (runs := await self._database.call(_take)) is not None:
                    await asyncio.gather(*(self._check(run) for run in runs))
            except DATABASE_AWAY as error:
                logger.info("questions cannot be looked up: %s", str(error).strip())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), next_s)

    async def _check(self, run: Run) -> None:
        try:
            async with asyncio.timeout(CHECK_S):
                client = self._clients.get(run.server)
                headers = secrets_decrypt(run.request.secret_headers)
                ids = frozenset(question.interrupt_id for question in run.questions.all()) - {""}
                if run.wait_state == WaitState.ANSWERED:
                    await self._check_again(run, client, ids, headers)
                    return
                given_up = await self._database.call_with_retry(answers_given_up, run.pk)
                awaited = AwaitedAnswer(run.status, run.remote_run_id, ids, given_up)
                verdict = await ask_whether_awaited(client, str(run.remote_thread_id), awaited, headers)
        except (LangGraphError, RequestInvalid, SecretUnreadable, TimeoutError) as error:
            logger.info("a question could not be checked: %s", error, extra={"run_id": str(run.pk)})
            return
        except Exception:  # no answer of one server may keep the others from being checked
            logger.exception("a question could not be checked", extra={"run_id": str(run.pk)})
            return
        if verdict.is_gone:
            await self._database.call_with_retry(wait_gone, run, why=verdict.sentence)
        else:
            await self._database.call_with_retry(_checked, run)

    async def _check_again(
        self, run: Run, client: LangGraphClient, ids: frozenset[str], headers: dict[str, str]
    ) -> None:
        """Open the question again if its answer came to nothing and the server still waits for one."""
        child_id = run.answer.pk
        for _ in range(BUSY_TRIES):
            still = await still_asks(client, str(run.remote_thread_id), ids, headers)
            if still is not None:
                break
            await asyncio.sleep(BUSY_S)
        if still:
            await self._database.call_with_retry(wait_reopen, run, child_id)
        elif still is False:
            await self._database.call_with_retry(_checked, run)


def _take() -> list[Run] | None:
    """Some runs whose questions are due for a check, each for one worker; None without any."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [AT_ONCE])
        keys: list[UUID] = [row[0] for row in cursor.fetchall()]
    runs = Run.objects.filter(TO_CHECK, pk__in=keys)
    return list(runs.select_related("server", "request", "answer").prefetch_related("questions")) if keys else None


def _mark_due() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [SOONEST_S, LATEST_S, PER_SERVER])


def _checked(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(wait_checked_at=Now())
