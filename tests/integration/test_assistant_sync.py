"""What servers say about themselves is stored; however odd it is, it never ends the worker."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from dashboard.langgraph.assistants import AssistantsClient
from tests.asynchronous import eventually, in_db, working
from tests.factories import make_server, make_team
from tests.scripted_server import Fault, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "odd",
    [
        {"assistant_id": "no uuid", "graph_id": "odd"},
        {"graph_id": "without an id"},
        {"assistant_id": str(uuid.uuid4()), "graph_id": "g" * 300, "name": "n" * 300},
        {"assistant_id": str(uuid.uuid4()), "graph_id": "nul\x00", "description": "nul\x00 \ud800"},
        {"assistant_id": 5, "graph_id": None, "name": ["x"]},
    ],
)
async def test_an_odd_assistant_neither_ends_the_worker_nor_hides_the_others(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any]
) -> None:
    search = AssistantsClient.search

    async def with_odd(self: AssistantsClient, **kwargs: Any) -> list[Any]:
        return [odd, *(await search(self, **kwargs))]

    monkeypatch.setattr(AssistantsClient, "search", with_odd)
    await _directory_is_kept(scripted)


@pytest.mark.parametrize("endpoint", ["info", "schemas"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"version": "' + b"9" * 300 + b'"}',
        rb'{"version": "\u0000", "input_schema": {"a": "\u0000\ud800"}}',
        b'{"a": NaN}',
    ],
)
async def test_what_a_server_says_of_itself_never_ends_the_worker(
    scripted: ScriptedServer, endpoint: str, body: bytes
) -> None:
    scripted.script(endpoint, Fault(body=body), times=None)
    await _directory_is_kept(scripted)


async def test_a_problem_with_nul_in_it_is_kept_as_text(scripted: ScriptedServer) -> None:
    scripted.script("info", Fault(status=418, detail="no\x00 coffee"), times=None)
    server = await in_db(lambda: make_server(make_team(), url=scripted.url))
    async with working() as worker:

        async def is_noted() -> bool:
            await in_db(server.refresh_from_db)
            return "coffee" in server.problem

        await eventually(is_noted, "the problem noted")
        assert not worker.failed


async def _directory_is_kept(scripted: ScriptedServer) -> None:
    server = await in_db(lambda: make_server(make_team(), url=scripted.url))
    async with working() as worker:
        await eventually(lambda: in_db(server.assistants.filter(name="chat").exists), "assistants known", deadline_s=5)
        assert not worker.failed


async def test_a_server_is_asked_once_for_all_assistants_of_a_graph_that_are_made_alike(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [
        {"assistant_id": str(uuid.uuid4()), "graph_id": "report", "name": f"n {n}", "context": {"n": n}}
        for n in range(40)
    ]
    other = {"assistant_id": str(uuid.uuid4()), "graph_id": "report", "name": "other", "config": {"tags": ["x"]}}

    async def search(self: AssistantsClient, **kwargs: Any) -> list[Any]:
        return [*many, other]

    monkeypatch.setattr(AssistantsClient, "search", search)
    server = await in_db(lambda: make_server(make_team(), url=scripted.url))
    async with working():
        await eventually(lambda: in_db(lambda: server.assistants.count() == 41), "all are kept")

    assert await in_db(lambda: server.assistants.exclude(schemas_text="").count()) == 41
    assert scripted.count("schemas") == 2
