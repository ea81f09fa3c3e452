"""Reads the steps of ended runs from their servers, after the outcome is stored: best effort, never urgent.

The database says which steps are missing, so that another worker reads those of a worker that is gone. It
has a database connection of its own: no outcome waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from dashboard.database import DATABASE_AWAY
from dashboard.langgraph import LangGraphError
from dashboard.runs.models import Run
from dashboard.steps import services
from dashboard.steps.reading import Asked, Reading, steps_read
from dashboard.teams.encryption import SecretUnreadable, secrets_decrypt
from dashboard.worker.client_pool import ClientPool
from dashboard.worker.database import Database

logger = logging.getLogger(__name__)

AT_ONCE = 4
LOOK_EVERY_S = 10.0
AFTER_TROUBLE_S = 5.0


async def record_steps(clients: ClientPool, wake: asyncio.Event) -> None:
    """Record the steps of runs that have ended: when `wake` is set, and every few seconds. Never ends by itself."""
    database = Database(threads=1)
    try:
        while True:
            wake.clear()
            try:
                runs = await database.call(services.recordings_claim, limit=AT_ONCE)
                await asyncio.gather(*(_record(run, clients, database) for run in runs))
            except DATABASE_AWAY as error:
                logger.info("the steps to read cannot be looked up: %s", str(error).strip())
                await asyncio.sleep(AFTER_TROUBLE_S)
                continue
            except Exception:  # no error about steps may end the worker
                logger.exception("the steps of some runs could not be recorded")
                await asyncio.sleep(AFTER_TROUBLE_S)
                continue
            if not runs:
                await _wait(wake, LOOK_EVERY_S)
    finally:
        database.close()


async def _record(run: Run, clients: ClientPool, database: Database) -> None:
    params = run.request.params
    if params.get("durability") == "exit" or run.remote_thread_id is None or run.remote_run_id is None:
        await database.call(services.steps_store, run=run, reading=Reading())
        return
    try:
        client = clients.get(run.server)
    except (SecretUnreadable, LangGraphError) as error:
        await database.call(services.steps_store, run=run, reading=Reading(why=str(error)))
        return
    asked = Asked(
        thread_id=run.remote_thread_id,
        run_id=run.remote_run_id,
        headers=_headers(run),
        ended_as=run.status,
        went_on="input" not in params,
        state_bytes=run.result.size_bytes if hasattr(run, "result") else 0,
    )
    await database.call(services.steps_store, run=run, reading=await steps_read(client, asked))


def _headers(run: Run) -> Mapping[str, str]:
    try:
        return secrets_decrypt(run.request.secret_headers)
    except SecretUnreadable:
        return {}


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
