from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from tests.scripted_server import ScriptedServer


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedServer]:
    """A LangGraph server that breaks where the test says. Its runs end when the test says so."""
    async with ScriptedServer(heartbeat_s=0.05, run_s=None) as server:
        yield server


@pytest.fixture(autouse=True)
def _static_files(static_files: None) -> None:
    """Pages name their static files by their hash."""


@pytest.fixture(autouse=True)
async def _close_connections_of_coroutines() -> AsyncIterator[None]:
    """The thread that serves coroutines keeps a connection of its own; left open it holds up the database's end."""
    yield
    await sync_to_async(connections.close_all)()
