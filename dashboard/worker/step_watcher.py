"""Watches the runs that this worker holds while somebody has their page open: one subscription for each such run.

A watch is a row that web processes renew. The worker that holds the run subscribes to the server's events and keeps
steps and words in Postgres, at most ten times a second. The wait is independent of it: it has connections, a database
thread and errors of its own.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from dashboard.database import DATABASE_AWAY
from dashboard.langgraph import Backoff, LangGraphClient, LangGraphError, RequestRejected, StreamEvent
from dashboard.langgraph.events import FROM_THE_BEGINNING
from dashboard.steps import graph, selectors, services
from dashboard.steps.assembler import Assembler
from dashboard.worker.database import Database

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.5
WATCH_LASTS: Final = timedelta(seconds=12)
STEPS_PAUSE_S: Final = 0.1
WORDS_PAUSE_S: Final = 0.1
LONG_CHARS: Final = 3_000
LONG_WORDS_PAUSE_S: Final = 0.3
"""A long text is sent whole each time, and so less often."""
LARGE_EVENT_BYTES: Final = 200_000
AGAIN: Final = Backoff(first_s=0.3, longest_s=5.0)
IN_VAIN_MAX: Final = 8
"""After this many connections without an event, the run is taken to have none."""


@dataclass(frozen=True)
class Source:
    """Where to get a run's events."""

    client: LangGraphClient
    thread_id: str
    run_id: str
    headers: Mapping[str, str]


async def watch_runs(held: Callable[[], Iterable[UUID]], source: Callable[[UUID], Source | None]) -> None:
    """Subscribe to the runs among `held` that somebody watches. Never ends by itself, and raises nothing."""
    database = Database(threads=1)
    subscriptions: dict[UUID, asyncio.Task[None]] = {}
    forgot_at = time.monotonic()
    try:
        while True:
            try:
                ids = set(held())
                found = await database.call(selectors.watched_runs, within=WATCH_LASTS) if ids else set()
                _follow(subscriptions, found & ids, source, database)
                if time.monotonic() - forgot_at > 60:
                    forgot_at = time.monotonic()
                    await database.call(services.watches_forget, older_than=timedelta(minutes=2))
            except DATABASE_AWAY as error:
                logger.info("the runs to watch cannot be looked up: %s", str(error).strip())
            except Exception:
                logger.exception("the runs to be watched could not be followed")
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        tasks = list(subscriptions.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        database.close()


def _follow(
    subscriptions: dict[UUID, asyncio.Task[None]],
    watched: set[UUID],
    source: Callable[[UUID], Source | None],
    database: Database,
) -> None:
    for run_id in subscriptions.keys() - watched:
        subscriptions.pop(run_id).cancel()
    for run_id in watched - subscriptions.keys():
        found = source(run_id)
        if found is not None:
            task = asyncio.create_task(Subscription(run_id, found, database).run(), name=f"watch {run_id}")
            subscriptions[run_id] = task


class Subscription:
    """Keeps the events of one run in Postgres, from its beginning, as steps and words."""

    def __init__(self, run_id: UUID, source: Source, database: Database) -> None:
        self._run_id = run_id
        self._source = source
        self._database = database
        self._assembler = Assembler()
        self._last_id = FROM_THE_BEGINNING
        self._news = asyncio.Event()
        self._is_over = False

    async def run(self) -> None:
        """Follow the run until it is over, its server has no events, or the task is cancelled."""
        try:
            self._assembler = Assembler(await self._database.call(graph.surely_follows_in, self._run_id))
        except DATABASE_AWAY:
            logger.info("a run is watched without knowing its graph", extra={"run_id": str(self._run_id)})
        writing = asyncio.create_task(self._write())
        try:
            await self._read()
            self._is_over = True
            self._news.set()
            await writing
        except Exception:
            logger.exception("a run cannot be watched", extra={"run_id": str(self._run_id)})
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _read(self) -> None:
        in_vain = 0
        while in_vain < IN_VAIN_MAX and not self._is_over:
            before = self._last_id
            source = self._source
            events = source.client.runs.join_stream(
                source.thread_id, source.run_id, last_event_id=self._last_id, headers=source.headers
            )
            try:
                async with aclosing(events):
                    async for event in events:
                        await self._take(event)
            except RequestRejected as error:
                logger.info("a run cannot be watched: %s", error, extra={"run_id": str(self._run_id)})
                if not error.is_temporary:
                    return
            except LangGraphError as error:
                logger.info("the events of a run broke off: %s", error, extra={"run_id": str(self._run_id)})
            in_vain = 0 if self._last_id != before else in_vain + 1
            await asyncio.sleep(AGAIN.delay_s(in_vain))

    async def _take(self, event: StreamEvent) -> None:
        size = len(event.data or b"")
        value: Any = event.value() if size < LARGE_EVENT_BYTES else await asyncio.to_thread(event.value)
        self._assembler.take(event, value)
        if event.id:
            self._last_id = event.id
        if self._assembler.changed_from is not None or self._assembler.have_words_changed:
            self._news.set()

    async def _write(self) -> None:
        """Write what is new, then pause: a burst becomes one write."""
        while not self._is_over or self._news.is_set():
            await self._news.wait()
            self._news.clear()
            pause_s = STEPS_PAUSE_S
            try:
                changes = self._assembler.take_changes()
                if changes is not None:
                    first, steps = changes
                    goes_on = await self._database.call(
                        services.steps_observe, run_id=self._run_id, first=first, steps=steps
                    )
                    self._is_over |= not goes_on
                if self._assembler.have_words_changed and not self._is_over:
                    self._assembler.have_words_changed = False
                    entries = self._assembler.entries
                    await self._database.call(services.words_observe, run_id=self._run_id, entries=entries)
                    if sum(len(entry["text"]) for entry in entries) > LONG_CHARS:
                        pause_s = LONG_WORDS_PAUSE_S
            except DATABASE_AWAY as error:
                logger.info("events of a run wait for the database: %s", str(error).strip())
                self._assembler.changed_from = 0
                self._news.set()
                pause_s = 2.0
            await asyncio.sleep(pause_s)
