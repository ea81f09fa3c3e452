"""Many open pages in one process: `python -m tests.bench.pages PORT PATH COOKIE`, or `... listen CHANNEL`.

Given a number, it opens that many WebSockets, answers when each has its snapshot, and then, for every marker
`bench-change-<n>;` that has reached all of them, answers with the moments it did. As `listen` it does the same with
Postgres' notices, which is as near to the change as anybody can be.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from collections import defaultdict
from typing import Any

from tests.sockets import Socket

MARKER = "bench-change-{};"
_MARKERS = re.compile(rb"bench-change-(\d+);")
OPENING_AT_ONCE = 50


class Pages:
    """Counts how many pages each change has reached."""

    def __init__(self) -> None:
        self.count = 0
        self._seen: dict[int, list[float]] = defaultdict(list)

    def reached(self, payload: bytes, last: int) -> int:
        """Note what one page received. Returns the newest change that page has now."""
        now = time.monotonic()
        newest = max(map(int, _MARKERS.findall(payload)), default=last)
        for change in range(last + 1, newest + 1):
            self._seen[change].append(now)
            if len(self._seen[change]) == self.count:
                say(self._seen.pop(change))
        return newest


async def watch(pages: Pages, socket: Socket, ready: asyncio.Event) -> None:
    """One open page."""
    await socket.text()  # the snapshot
    ready.set()
    last = 0
    while True:
        last = pages.reached(await socket.text(), last)


async def open_pages(port: int, path: str, cookie: str) -> None:
    pages, opening = Pages(), asyncio.Semaphore(OPENING_AT_ONCE)
    tasks: list[asyncio.Task[None]] = []

    async def one() -> None:
        async with opening:
            socket, ready = Socket(port, path, cookie), asyncio.Event()
            await socket.open()
            task = asyncio.create_task(watch(pages, socket, ready))
            task.add_done_callback(ended)
            tasks.append(task)
            await ready.wait()

    pages.count = int(await asyncio.to_thread(sys.stdin.readline))
    async with asyncio.timeout(120):
        await asyncio.gather(*(one() for _ in range(pages.count)))
    say("open")
    await asyncio.to_thread(sys.stdin.readline)


def ended(task: asyncio.Task[None]) -> None:
    """A socket that breaks is a wrong result: the bench gets no more changes and fails."""
    if not task.cancelled() and task.exception() is not None:
        print(f"a socket broke: {task.exception()!r}", file=sys.stderr, flush=True)
        os._exit(1)


async def listen(channel: str) -> None:
    import psycopg

    pages, last = Pages(), 0
    pages.count = int(sys.stdin.readline())
    async with await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True) as line:
        await line.execute(f"LISTEN {channel}")
        say("open")
        async for notice in line.notifies():
            last = pages.reached(notice.payload.encode(), last)


def say(value: Any) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "listen":
        asyncio.run(listen(sys.argv[2]))
    else:
        asyncio.run(open_pages(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
