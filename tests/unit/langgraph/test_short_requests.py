"""Short GETs, of which only so many go out at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx

from dashboard.langgraph import NotFound, get_client
from dashboard.langgraph._transport.client import SHORT_AT_ONCE
from tests.scripted_server import Fault, ScriptedServer

PATIENT = httpx.Timeout(30.0)


async def test_who_has_waited_longest_is_next(server: ScriptedServer) -> None:
    """Each asks twice: one that just got an answer queues behind those without one."""
    server.script("thread", Fault(delay_s=0.02, status=404, detail="Thread not found"), times=None)

    async def ask_twice(number: int) -> None:
        for _ in range(2):
            with suppress(NotFound):
                await client.threads.get(str(number))

    async with get_client(server.url, timeout=PATIENT) as client:
        await asyncio.gather(*(ask_twice(number) for number in range(3 * SHORT_AT_ONCE)))
    asked = [int(request.path.rsplit("/", 1)[1]) for request in server.requests]

    assert sorted(asked[: 3 * SHORT_AT_ONCE]) == list(range(3 * SHORT_AT_ONCE))
