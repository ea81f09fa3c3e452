"""How the asyncio worker calls synchronous services: in a few threads, retried while Postgres is away."""

from __future__ import annotations

import asyncio
import logging
import select
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import ParamSpec, TypeVar

from django.db import DataError, InterfaceError, InternalError, OperationalError, connections

from dashboard.database import DATABASE_AWAY
from dashboard.langgraph import Backoff
from dashboard.logs import THROTTLED

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 2
RETRY = Backoff(first_s=0.1, longest_s=2.0)
CLOSING_S = 10.0


class Database:
    """Calls services in a few threads, each of which keeps its connection: runs that wait need none."""

    def __init__(self, threads: int = THREADS) -> None:
        self._count = threads
        self.is_away = False
        """Whether the last call found Postgres away."""
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="database")

    async def call(self, service: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a service once.

        Raises:
            OperationalError, InterfaceError: Postgres is away, and a write may or may not have taken effect.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, partial(_in_thread, partial(service, *args, **kwargs)))
        except Exception as error:
            _let_go(error)
            self.is_away = isinstance(error, DATABASE_AWAY) or self.is_away
            raise
        self.is_away = False
        return found

    async def call_with_retry(self, service: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a service until Postgres takes it. Only for services that are safe to repeat."""
        for delay_s in RETRY.delays():
            try:
                return await self.call(service, *args, **kwargs)
            except DATABASE_AWAY as error:
                logger.warning(
                    "the database is away, trying again in %.1f s: %s", delay_s, str(error).strip(), extra=THROTTLED
                )
            await asyncio.sleep(delay_s)
        raise AssertionError("delays never end")

    def close(self) -> None:
        """End the threads and their connections, after the calls under way."""
        everyone = Barrier(self._count)
        for _ in range(self._count):
            self._threads.submit(_close_connections, everyone)
        self._threads.shutdown(wait=True)


def _let_go(error: BaseException | None) -> None:
    """Release what a failed call held in memory: a final state is large, and an outage may last.

    The error's traceback holds it, in cycles that last until the garbage collector runs.
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _close_connections(everyone: Barrier) -> None:
    connections.close_all()
    everyone.wait(CLOSING_S)  # or one thread would close twice, and another never


def _in_thread(call: Callable[[], T]) -> T:
    _drop_if_ended()
    try:
        return call()
    except (OperationalError, InternalError) as error:
        connections.close_all()
        state = getattr(error.__cause__, "sqlstate", None) or ""
        if state.startswith("54"):  # too large, too complex: no later attempt will do better
            raise DataError(str(error)) from error
        if state.startswith("25"):  # read-only, as a standby is until it is promoted
            raise OperationalError(str(error)) from error
        raise
    except InterfaceError:
        connections.close_all()
        raise


def _drop_if_ended() -> None:
    """Close a connection that Postgres ended while nobody used it: it is readable although nothing was asked.

    Checked without a round trip. One that died silently fails when it is used, and the caller retries.
    """
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and _has_something_to_say(connection.connection.fileno()):
            connection.close()


def _has_something_to_say(descriptor: int) -> bool:
    look = select.poll()  # `select` knows no descriptors above 1,023, and every wait is one
    look.register(descriptor, select.POLLIN)
    return bool(look.poll(0))
