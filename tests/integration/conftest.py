from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial

import httpx
import pytest
from django.test import Client

from dashboard.langgraph import Backoff, get_client
from dashboard.monitoring.database_outage import outages
from dashboard.teams.models import Team, User
from tests.factories import make_server, make_team, make_user
from tests.integration.programs import Programs
from tests.scripted_server import ScriptedServer


@pytest.fixture
def team() -> Team:
    """A team with a server that nobody can reach."""
    team = make_team()
    make_server(team)
    return team


@pytest.fixture
def person(team: Team) -> User:
    """A member of the team."""
    return make_user(team, username="ada")


@pytest.fixture
def browser(client: Client, person: User) -> Client:
    """The person's browser."""
    client.force_login(person)
    return client


@pytest.fixture
def answers_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs here: an answer does not wait until one has asked whether the server still waits for it."""
    monkeypatch.setattr("dashboard.answers.services.CHECK_S", 0.0)


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedServer]:
    """A LangGraph server that breaks where the test says. Its runs end when the test says so."""
    async with ScriptedServer(heartbeat_s=0.05, run_s=None) as server:
        yield server


@pytest.fixture(autouse=True)
def quick_worker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of this process waits a moment where it would wait seconds, and notices silence after one and a half.

    Tests marked `real_pauses` keep the product's own.
    """
    if request.node.get_closest_marker("real_pauses"):
        return
    backoff = Backoff(first_s=0.005, longest_s=0.05, refused_s=0.05)
    timeout = httpx.Timeout(connect=10.0, read=1.5, write=10.0, pool=30.0)
    monkeypatch.setattr(
        "dashboard.worker.client_pool.get_client", partial(get_client, timeout=timeout, backoff=backoff)
    )
    for name in ("execution.launch_lookup.LOOKUP", "execution.executor.REQUEUE", "retry.ASK"):
        monkeypatch.setattr(f"dashboard.worker.{name}", Backoff(first_s=0.02, longest_s=0.1))
    monkeypatch.setattr("dashboard.worker.execution.executor.LOOK_AGAIN_S", 0.1)


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


@pytest.fixture(autouse=True)
def _outage_is_forgotten() -> Iterator[None]:
    """No test remembers when the database last answered another, and calls a silence an outage for it."""
    yield
    outages.forget()
