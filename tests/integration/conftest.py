from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.integration.programs import Programs
from tests.scripted_server import ScriptedServer


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedServer]:
    """A LangGraph server that breaks where the test says. Its runs end when the test says so."""
    async with ScriptedServer(heartbeat_s=0.05, run_s=None) as server:
        yield server


@pytest.fixture
def programs(database_url: str) -> Iterator[Programs]:
    """Web and worker processes of this test."""
    found = Programs(database_url)
    yield found
    found.end()


@pytest.fixture(autouse=True)
def _static_files(static_files: None) -> None:
    """Pages name their static files by their hash."""


@pytest.fixture(autouse=True)
def _coroutine_connections(coroutine_connections: None) -> None:
    """Asynchronous tests leave no connection behind."""
