"""The real LangGraph servers, each once for all contract tests that run in one process; and who launches there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboard.servers.models import Server
from dashboard.teams.models import User
from tests.contract.langgraph_dev import SAMPLES, TINY, LangGraphDev
from tests.factories import make_server, make_team, make_user


@pytest.fixture(scope="session")
def langgraph_dev() -> Iterator[LangGraphDev]:
    """`langgraph dev` on the tiny graphs in tests/contract/graphs. If it does not start, tests fail, none skips."""
    with LangGraphDev(TINY) as server:
        yield server


@pytest.fixture(scope="session")
def langgraph_url(langgraph_dev: LangGraphDev) -> str:
    """Its address."""
    return langgraph_dev.url


@pytest.fixture(scope="session")
def samples() -> Iterator[LangGraphDev]:
    """`langgraph dev` on the sample graphs. Tests that stop it, or need another one, start their own."""
    with LangGraphDev(SAMPLES) as server:
        yield server


@pytest.fixture
def person(transactional_db: None) -> User:
    """Somebody in a team."""
    return make_user(make_team())


@pytest.fixture
def server(person: User, samples: LangGraphDev) -> Server:
    """Their server: the real one that is called `samples`."""
    return make_server(person.teams.get(), url=samples.url)
