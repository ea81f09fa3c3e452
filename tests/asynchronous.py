"""What asynchronous tests share: the database from a coroutine, waiting with a deadline, a worker in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from asgiref.sync import sync_to_async

from dashboard.runs.models import Run
from dashboard.worker.worker import Worker
from tests.factories import make_run, make_server, make_team
from tests.scripted_server import ScriptedServer

T = TypeVar("T")

DEADLINE_S = 15.0
LONGEST_PAUSE_S = 0.15
"""Looking fifty times a second, five processes that wait would keep a core busy."""


def in_db(call: Callable[..., T], /, *args: Any, **kwargs: Any) -> Awaitable[T]:
    """Call something that uses the database, from a coroutine."""
    return sync_to_async(call)(*args, **kwargs)


async def eventually(check: Callable[[], Awaitable[T]], what: str, *, deadline_s: float = DEADLINE_S) -> T:
    """The result of `check`, as soon as it is truthy; fails with `what` at the deadline."""
    ends, pause_s = time.monotonic() + deadline_s, 0.01
    while True:
        found = await check()
        if found:
            return found
        assert time.monotonic() < ends, f"not within {deadline_s} s: {what}"
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 1.3, LONGEST_PAUSE_S)


async def run_in(run: Run, *statuses: str, deadline_s: float = DEADLINE_S) -> Run:
    """The run once it is in one of the statuses."""

    async def look() -> Run | None:
        fresh: Run = await in_db(Run.objects.select_related("result").get, pk=run.pk)
        return fresh if fresh.status in statuses else None

    return await eventually(look, f"run in {' or '.join(statuses)}", deadline_s=deadline_s)


async def launch(server: ScriptedServer, *, retry_for_s: int | None = None, **order: Any) -> Run:
    """A queued run of a team of its own for the scripted server; `order` as `make_run` takes it."""
    team = await in_db(make_team)
    ours = await in_db(make_server, team, url=server.url)
    if retry_for_s is not None:
        ours.retry_for_s = retry_for_s
        await in_db(ours.save)
    return await in_db(make_run, team=team, server=ours, **order)


@asynccontextmanager
async def working(*, concurrency: int = 50) -> AsyncIterator[Worker]:
    """A worker in this process; it is stopped as by SIGTERM."""
    worker = Worker(concurrency=concurrency)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await asyncio.wait_for(task, 20)


async def kill(worker: Worker) -> None:
    """End a worker of this process as kill -9 would: it hands nothing back and writes nothing more."""

    async def die(background: list[asyncio.Task[None]]) -> None:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        # The system closes a dead process' sockets.
        await worker._clients.close()
        await asyncio.to_thread(worker._database.close)

    worker._hand_back = die  # type: ignore[method-assign]
    tasks = list(worker._tasks.values())
    worker._stopping.set()
    worker._wake.set()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def kinds(run: Run) -> list[str]:
    """The kinds of a run's events, status changes as their target, in order."""
    return [event.data["to"] if event.kind == "status" else event.kind for event in run.events.all()]
