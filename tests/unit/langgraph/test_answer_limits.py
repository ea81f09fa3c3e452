"""Answers longer than the client takes: said so at once, asked for once, and nothing of them kept."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator

import pytest

from dashboard.langgraph import AnswerTooLarge, LangGraphClient, get_client
from tests.scripted_server import Fault, ScriptedServer
from tests.unit.langgraph.conftest import QUICK, TIMEOUT

THREAD = "1ef0b0b0-0000-6000-8000-000000000002"
MOST = 100_000


@pytest.fixture
async def client(server: ScriptedServer) -> AsyncIterator[LangGraphClient]:
    async with get_client(server.url, timeout=TIMEOUT, backoff=QUICK, max_answer_bytes=MOST) as connected:
        yield connected


def document(size: int) -> bytes:
    return json.dumps({"a": "x" * (size - len('{"a": ""}'))}).encode()


async def test_an_answer_of_just_that_size_is_taken(server: ScriptedServer, client: LangGraphClient) -> None:
    server.script("wait", Fault(body=document(MOST)))

    answer = await client.runs.wait_answer(THREAD, "chat", if_not_exists="create")

    assert len(answer.body) == MOST


async def test_a_longer_one_is_not_read_on_and_not_asked_for_again(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    server.script("wait", Fault(body=document(MOST + 1)))

    with pytest.raises(AnswerTooLarge, match="more than 100,000 bytes"):
        await client.runs.wait_answer(THREAD, "chat", if_not_exists="create")

    assert (server.count("wait"), server.count("join")) == (1, 0)


async def test_heartbeats_do_not_count(server: ScriptedServer) -> None:
    server.run_s = 0.5
    async with get_client(server.url, max_answer_bytes=20) as client:
        answer = await client.runs.wait_answer(THREAD, "chat", input=1, if_not_exists="create")

    assert answer.value == {"echo": 1}


async def test_it_is_the_bytes_after_decompression_that_count(server: ScriptedServer, client: LangGraphClient) -> None:
    packed = gzip.compress(document(100 * MOST))
    assert len(packed) < MOST
    server.script("wait", Fault(body=packed, headers={"Content-Encoding": "gzip"}))

    with pytest.raises(AnswerTooLarge):
        await client.runs.wait_answer(THREAD, "chat", if_not_exists="create")


async def test_a_join_and_a_short_answer_have_the_same_limit(server: ScriptedServer, client: LangGraphClient) -> None:
    await client.runs.wait_answer(THREAD, "chat", if_not_exists="create")
    (run,) = server.created
    server.script("join", Fault(body=document(2 * MOST)), times=None)
    server.script("state", Fault(status=200, body=document(2 * MOST)), times=None)

    with pytest.raises(AnswerTooLarge):
        await client.runs.join_answer(THREAD, run.run_id)
    with pytest.raises(AnswerTooLarge):
        await client.threads.outline_state(THREAD)

    assert (server.count("join"), server.count("state")) == (1, 1)


async def test_without_a_limit_everything_is_taken(server: ScriptedServer) -> None:
    server.script("wait", Fault(body=document(100 * MOST)))
    async with get_client(server.url) as client:
        answer = await client.runs.wait_answer(THREAD, "chat", if_not_exists="create")

    assert len(answer.body) == 100 * MOST
