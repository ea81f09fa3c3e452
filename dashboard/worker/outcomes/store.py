"""Stores outcomes: at once, or from disk after Postgres was away."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager, nullcontext

from dashboard.database import DATABASE_AWAY
from dashboard.logs import THROTTLED
from dashboard.runs import outcomes
from dashboard.runs.leases import Lease, LeaseLost
from dashboard.runs.outcomes import NOT_KEPT, Outcome, RunError
from dashboard.worker.database import RETRY, Database
from dashboard.worker.outcomes.spool import Spool, Spooled

logger = logging.getLogger(__name__)

LARGE_BYTES = 4_000_000


class OutcomeStore:
    """Stores outcomes. An outage costs no memory: what cannot be stored waits on disk."""

    def __init__(self, database: Database, spool: Spool) -> None:
        self._database = database
        self._spool = spool
        self._one_by_one = asyncio.Lock()

    async def store(self, lease: Lease, remote_run_id: str, outcome: Outcome) -> None:
        """Store an outcome, however long Postgres is away. If Postgres refuses it, store it without its final state.

        Raises:
            LeaseLost: another worker holds the run, and there was no outage that could explain it.
        """
        if not self._database.is_away and await self._store_now(lease, outcome):
            return
        logger.warning("an outcome waits for the database", extra=_log(lease))
        try:
            spooled = await asyncio.to_thread(self._spool.put, lease, remote_run_id, outcome)
        except OSError as error:
            logger.error("an outcome could not be put on disk and waits in memory: %s", error, extra=_log(lease))
            await self._database.call_with_retry(outcomes.run_finish, lease, outcome)
            return
        del outcome
        await self._store_spooled(spooled)

    async def _store_now(self, lease: Lease, outcome: Outcome) -> bool:
        """Whether it was stored; False when Postgres is away."""
        try:
            async with self._turn(len(outcome.body or b"")):
                await self._database.call(outcomes.run_finish, lease, outcome)
        except DATABASE_AWAY as error:
            logger.warning("the database is away: %s", str(error).strip(), extra=_log(lease) | THROTTLED)
            return False
        except LeaseLost:
            raise
        except Exception as error:
            logger.exception("an outcome cannot be stored as it is", extra=_log(lease))
            await self._database.call_with_retry(outcomes.run_finish, lease, _bare(outcome, error))
        return True

    def _turn(self, size: int) -> AbstractAsyncContextManager[None]:
        """Large states are stored one by one: leases need the same few threads, and memory is limited."""
        return self._one_by_one if size > LARGE_BYTES else nullcontext()

    async def store_left_behind(self) -> None:
        """Store what an earlier worker of this machine left on disk. Ends when nothing is left."""
        for spooled in await asyncio.to_thread(lambda: list(self._spool.take())):
            logger.info("storing an outcome left behind in %s", spooled.path.name)
            try:
                await self._store_spooled(spooled)
            except Exception:  # one file must not end the worker; it stays for the next attempt
                logger.exception("%s cannot be stored", spooled.path.name)

    async def _store_spooled(self, spooled: Spooled) -> None:
        is_stored = False
        try:
            for delay_s in RETRY.delays():
                try:
                    async with self._turn(spooled.size):
                        await self._database.call(_store, spooled)
                    is_stored = True
                    return
                except DATABASE_AWAY:
                    await asyncio.sleep(delay_s)
        finally:
            if is_stored:
                spooled.remove()
            else:
                spooled.close()


def _store(spooled: Spooled) -> None:
    try:
        lease, remote_run_id, outcome = spooled.read()
    except (ValueError, KeyError) as error:
        # Its worker died while writing: the run is still active in the database, and will be adopted and joined.
        logger.warning("an outcome on disk is incomplete and is dropped: %s", error)
        return
    try:
        _store_late(lease, remote_run_id, outcome)
    except DATABASE_AWAY:
        raise
    except Exception as error:
        logger.exception("an outcome cannot be stored as it is", extra=_log(lease))
        _store_late(lease, remote_run_id, _bare(outcome, error))


def _store_late(lease: Lease, remote_run_id: str, outcome: Outcome) -> None:
    try:
        outcomes.run_finish(lease, outcome)
    except LeaseLost:
        if not outcomes.run_finish_late(lease.run_id, remote_run_id, outcome):
            logger.info("a late outcome was no longer needed", extra=_log(lease))


def _bare(outcome: Outcome, error: Exception) -> Outcome:
    """The outcome without the state that Postgres refused."""
    run_error = outcome.error or RunError(NOT_KEPT, f"It could not be stored: {error}")
    return Outcome(outcome.status, run_error, executions=outcome.executions, known_at=outcome.known_at)


def _log(lease: Lease) -> dict[str, str]:
    return {"run_id": str(lease.run_id)}
