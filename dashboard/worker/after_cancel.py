"""Checks for a while whether a server executes a cancelled run again. See `runs/after_cancel.py`."""

from __future__ import annotations

import asyncio
import logging

from dashboard.database import DATABASE_AWAY
from dashboard.langgraph import LangGraphError, RequestInvalid, RunNotFound
from dashboard.runs import after_cancel
from dashboard.runs.models import Run
from dashboard.teams.encryption import SecretUnreadable, secrets_decrypt
from dashboard.worker.client_pool import ClientPool
from dashboard.worker.database import Database
from dashboard.worker.execution.cancel import cancel_on_server
from dashboard.worker.retry import is_retryable
from dashboard.worker.run_on_server import GOING_ON, RunOnServer

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
AT_ONCE = 10


async def watch_cancelled(clients: ClientPool, database: Database) -> None:
    """Do the checks that are due, for ever."""
    while True:
        try:
            runs = await database.call(after_cancel.checks_claim, limit=AT_ONCE)
            await asyncio.gather(*(_look(run, clients, database) for run in runs))
        except DATABASE_AWAY as error:
            logger.info("cancelled runs cannot be looked up: %s", str(error).strip())
        await asyncio.sleep(LOOK_EVERY_S)


async def _look(run: Run, clients: ClientPool, database: Database) -> None:
    found = after_cancel.check_found_nothing
    try:
        assert run.remote_thread_id is not None
        assert run.remote_run_id is not None
        headers = secrets_decrypt(run.request.secret_headers)
        place = RunOnServer(clients.get(run.server), run.remote_thread_id, run.remote_run_id, headers)
        found = after_cancel.check_found_going_on if await _goes_on(place) else after_cancel.check_found_over
        if found is after_cancel.check_found_going_on and run.is_cancelled_again:
            action = run.cancel_action or "interrupt"
            if await cancel_on_server(place, action):
                await database.call(after_cancel.cancel_again_delivered, run.pk, action=action)
    except (LangGraphError, SecretUnreadable, RequestInvalid) as error:
        logger.info("a cancelled run could not be checked: %s", error, extra={"run_id": str(run.pk)})
    await database.call(found, run.pk)


async def _goes_on(place: RunOnServer) -> bool:
    try:
        run = await place.client.runs.get(place.thread_id, place.run_id, headers=place.headers)
    except RunNotFound as error:
        if is_retryable(error):
            raise
        return False
    return run.get("status") in GOING_ON
