"""The real LangGraph server, once for all contract tests of the client; who launches on it in those of the worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.servers.models import Server
from dashboard.teams.models import User
from tests.contract.langgraph_dev import LangGraphDev
from tests.factories import make_server, make_team, make_user


@pytest.fixture(scope="module")
def langgraph_dev() -> Iterator[LangGraphDev]:
    """`langgraph dev` on the tiny graphs in tests/contract/graphs. If it does not start, tests fail, none skips."""
    with LangGraphDev(Path(__file__).parent / "graphs") as server:
        yield server


@pytest.fixture(scope="module")
def langgraph_url(langgraph_dev: LangGraphDev) -> str:
    """Its address."""
    return langgraph_dev.url


@pytest.fixture
def person(transactional_db: None) -> User:
    """Somebody in a team."""
    return make_user(make_team())


@pytest.fixture
def server(person: User, samples: LangGraphDev) -> Server:
    """Their server: the real one that the module calls `samples`."""
    return make_server(person.teams.get(), url=samples.url)
