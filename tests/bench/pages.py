"""Many open pages in one process: `python -m tests.bench.pages PORT PATH COOKIE`, or `... listen CHANNEL`.

Told a number, it opens so many WebSockets, answers when each has its snapshot, and then, for every marker
`bench-change-<n>;` that has reached all of them, answers with the moments it did. As `listen` it does the same with
Postgres' notices, which is as near to the change as anybody can be.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import struct
import sys
import time
from collections import defaultdict
from typing import Any

MARKER = "bench-change-{};"
_MARKERS = re.compile(rb"bench-change-(\d+);")
OPENING_AT_ONCE = 50
PONG = 10


class Pages:
    """Counts how many pages each change has reached."""

    def __init__(self) -> None:
        self.count = 0
        self._seen: dict[int, list[float]] = defaultdict(list)

    def reached(self, payload: bytes, last: int) -> int:
        """Note what one page received. Gives the newest change that page has now."""
        now = time.monotonic()
        newest = max(map(int, _MARKERS.findall(payload)), default=last)
        for change in range(last + 1, newest + 1):
            self._seen[change].append(now)
            if len(self._seen[change]) == self.count:
                say(self._seen.pop(change))
        return newest


class Socket:
    """Just enough of a WebSocket: text frames in, pongs out."""

    def __init__(self, port: int, path: str, cookie: str) -> None:
        self._port, self._path, self._cookie = port, path, cookie

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 24)
        key = base64.b64encode(os.urandom(16)).decode()
        host = f"127.0.0.1:{self._port}"
        head = (
            f"GET {self._path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {self._cookie}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        )
        self._writer.write(head.encode())
        answer = await self._reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in answer.split(b"\r\n", 1)[0]:
            raise ConnectionError(answer.decode("latin-1"))

    async def text(self) -> bytes:
        """The next text message."""
        while True:
            first, length = await self._reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack(">H", await self._reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", await self._reader.readexactly(8))
            payload = await self._reader.readexactly(length)
            match first & 0x0F:
                case 1:  # text
                    return payload
                case 8:
                    raise ConnectionError(f"closed with {payload!r}")
                case 9:  # ping
                    mask = os.urandom(4)
                    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
                    self._writer.write(bytes((0x80 | PONG, 0x80 | len(payload))) + mask + masked)


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
    """A socket that breaks is a wrong result: the bench hears nothing more and fails."""
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
