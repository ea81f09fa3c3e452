"""Kept connections: used again while they can be, and never when they cannot."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from dashboard.langgraph._transport.connections import KeptConnections
from tests.scripted_server import Fault, ScriptedServer

SLOW = Fault(delay_s=0.05)
LIMITS = httpx.Limits(max_keepalive_connections=8, keepalive_expiry=30.0)


class Asker:
    """Asks a server over kept connections, with nothing that would try again."""

    def __init__(self, server: ScriptedServer, limits: httpx.Limits) -> None:
        self._connections = KeptConnections(ssl.create_default_context(), limits)
        self.http = httpx.AsyncClient(base_url=server.url, transport=self._connections, timeout=2.0)

    async def ask(self, at_once: int = 1) -> None:
        for answer in await asyncio.gather(*(self.http.get("/ok") for _ in range(at_once))):
            assert answer.json() == {"ok": True}

    @property
    def idle(self) -> int:
        """How many connections are kept for later."""
        return len(self._connections._idle)


@asynccontextmanager
async def asking(server: ScriptedServer, limits: httpx.Limits = LIMITS) -> AsyncIterator[Asker]:
    asker = Asker(server, limits)
    async with asker.http:
        yield asker


async def test_requests_in_turn_share_a_connection(server: ScriptedServer) -> None:
    async with asking(server) as asker:
        for _ in range(5):
            await asker.ask()

        assert (server.connections_accepted, asker.idle) == (1, 1)


async def test_requests_at_once_have_one_each_and_the_next_use_them_again(server: ScriptedServer) -> None:
    server.script("ok", SLOW, times=None)
    async with asking(server) as asker:
        await asker.ask(at_once=4)
        await asker.ask(at_once=4)

        assert (server.connections_accepted, asker.idle) == (4, 4)


async def test_one_that_the_server_has_closed_is_not_used(server: ScriptedServer) -> None:
    async with asking(server) as asker:
        await asker.ask()
        await server.crash()

        await asker.ask()

        assert (server.connections_accepted, asker.idle) == (2, 1)


class Clock:
    """The clock of httpcore."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("httpcore._async.http11.time", clock)
    return clock


async def test_one_that_has_been_idle_for_too_long_is_not_used(server: ScriptedServer, clock: Clock) -> None:
    async with asking(server, httpx.Limits(keepalive_expiry=20)) as asker:
        await asker.ask()
        clock.now += 21

        await asker.ask()

        assert (server.connections_accepted, asker.idle) == (2, 1)


async def test_those_of_a_crowd_are_closed_when_a_few_are_enough_again(server: ScriptedServer, clock: Clock) -> None:
    server.script("ok", SLOW, times=4)
    async with asking(server, httpx.Limits(keepalive_expiry=20)) as asker:
        await asker.ask(at_once=4)
        assert asker.idle == 4

        for _ in range(6):
            clock.now += 6
            await asker.ask()

        assert asker.idle == 1


async def test_no_more_are_kept_than_wanted(server: ScriptedServer) -> None:
    server.script("ok", SLOW, times=None)
    async with asking(server, httpx.Limits(max_keepalive_connections=2)) as asker:
        await asker.ask(at_once=5)

        assert asker.idle == 2


async def test_one_whose_answer_was_not_waited_for_is_not_used_again(server: ScriptedServer) -> None:
    server.script("ok", Fault(delay_s=30))
    async with asking(server) as asker:
        impatient = asyncio.create_task(asker.ask())
        await server.requested("ok")
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
        assert asker.idle == 0

        await asker.ask()

        assert server.connections_accepted == 2


async def test_one_whose_answer_was_not_read_to_its_end_is_not_used_again(server: ScriptedServer) -> None:
    server.script("ok", Fault(drip_s=0.05))
    async with asking(server) as asker:
        async with asker.http.stream("GET", "/ok") as answer:
            assert answer.status_code == 200
        assert asker.idle == 0

        await asker.ask()

        assert server.connections_accepted == 2


async def test_one_that_could_not_be_made_is_not_kept(server: ScriptedServer) -> None:
    await server.stop()
    async with asking(server) as asker:
        with pytest.raises(httpx.ConnectError):
            await asker.ask()

        assert asker.idle == 0


async def test_none_is_left_when_the_client_is_closed(server: ScriptedServer) -> None:
    async with asking(server) as asker:
        await asker.ask()

    assert asker.idle == 0


async def test_one_that_was_in_use_when_the_client_was_closed_is_closed_after_its_use(server: ScriptedServer) -> None:
    async with asking(server) as asker, asker.http.stream("GET", "/ok") as answer:
        await asker.http.aclose()
        assert await answer.aread() == b'{"ok": true}'

    assert asker.idle == 0
