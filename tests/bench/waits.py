"""Many waits from one process: `python -m tests.bench.waits ours|bare|plain URL`. No Django.

`plain` is what anybody would write over httpx: one client without a limit of connections, a POST, its JSON. Its pool
walks the list of all its connections at each request, so 2,000 waits cost it a minute of CPU. `bare` is httpx used as
well as it can be: a client for every ten waits (50 and 1 cost more). `ours` is the same over `dashboard.langgraph`.

For `COUNT AT_ONCE`, it answers with the seconds that took and how many failed.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

INPUT = {"topic": "tides", "sections": 3}
WAITS_PER_CLIENT = 10
Wait = Callable[[str], Awaitable[Any]]


async def ours(url: str, _: int, stack: AsyncExitStack) -> Wait:
    """Waiting through our client."""
    from dashboard.langgraph import get_client

    client = await stack.enter_async_context(get_client(url))

    async def wait(thread_id: str) -> Any:
        return await client.runs.wait(thread_id, "report", input=INPUT, if_not_exists="create")

    return wait


async def bare(url: str, at_once: int, stack: AsyncExitStack) -> Wait:
    """Waiting through httpx at its best."""
    return await _httpx(url, -(-at_once // WAITS_PER_CLIENT), stack)


async def plain(url: str, _: int, stack: AsyncExitStack) -> Wait:
    """Waiting through httpx without a thought."""
    return await _httpx(url, 1, stack)


async def _httpx(url: str, clients: int, stack: AsyncExitStack) -> Wait:
    import httpx

    verify, limits = httpx.create_ssl_context(), httpx.Limits(max_connections=None)
    timeout = httpx.Timeout(60, pool=None)
    opened = [
        await stack.enter_async_context(httpx.AsyncClient(base_url=url, limits=limits, timeout=timeout, verify=verify))
        for _ in range(clients)
    ]
    turn = itertools.cycle(opened)
    body = {"assistant_id": "report", "input": INPUT, "if_not_exists": "create"}

    async def wait(thread_id: str) -> Any:
        answer = await next(turn).post(f"/threads/{thread_id}/runs/wait", json=body)
        return answer.raise_for_status().json()

    return wait


async def main(way: str, url: str) -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        count, at_once = map(int, line.split())
        async with AsyncExitStack() as stack:
            wait = await {"ours": ours, "bare": bare, "plain": plain}[way](url, at_once, stack)
            print(json.dumps(await many(wait, count, at_once)), flush=True)


async def many(wait: Wait, count: int, at_once: int) -> dict[str, Any]:
    """Wait `count` times, `at_once` at a time."""
    slots = asyncio.Semaphore(at_once)

    async def one() -> str:
        async with slots:
            try:
                found = await wait(str(uuid.uuid4()))
            except Exception as error:
                return type(error).__name__
            return "" if "arrived_at" in found else "WrongState"

    start = time.monotonic()
    ends = Counter(await asyncio.gather(*(one() for _ in range(count))))
    failures = {name: number for name, number in ends.items() if name}
    return {"seconds": time.monotonic() - start, "failures": failures}


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
