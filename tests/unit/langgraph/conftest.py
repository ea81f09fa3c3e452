"""A scripted server, and a client that is quick about joining again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from dashboard.langgraph import Backoff, LangGraphClient, get_client
from tests.scripted_server import ScriptedServer

QUICK = Backoff(first_s=0.001, longest_s=0.02, refused_s=0.02)
TIMEOUT = httpx.Timeout(connect=20.0, read=0.5, write=2.0, pool=2.0)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer(heartbeat_s=0.02) as running:
        yield running


@pytest.fixture
async def client(server: ScriptedServer) -> AsyncIterator[LangGraphClient]:
    async with get_client(server.url, timeout=TIMEOUT, backoff=QUICK) as connected:
        yield connected
