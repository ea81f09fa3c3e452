"""The real LangGraph server, once for all contract tests of the client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.langgraph_dev import LangGraphDev


@pytest.fixture(scope="session")
def langgraph_dev() -> Iterator[LangGraphDev]:
    """`langgraph dev` on the tiny graphs in tests/contract/graphs. If it does not start, tests fail, none skips."""
    with LangGraphDev(Path(__file__).parent / "graphs") as server:
        yield server


@pytest.fixture(scope="session")
def langgraph_url(langgraph_dev: LangGraphDev) -> str:
    """Its address."""
    return langgraph_dev.url
