"""The lying server of the soak is honest in its records: the judge believes them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from typing import Any

import httpx
import pytest

from tests.documents import DOCUMENTS
from tests.soak.fake_server import OURS, SoakServer
from tests.soak.scenarios import KINDS

THREAD = str(uuid.uuid4())


def launch(kind: str, *, run_s: float = 0.01, **more: Any) -> dict[str, Any]:
    metadata = {"kind": kind, "run_s": run_s, OURS: f"ours of {kind}"}
    return {"assistant_id": "chat", "metadata": metadata, "if_not_exists": "create", **more}


async def wait(server: SoakServer, payload: dict[str, Any], thread_id: str = THREAD) -> bytes:
    async with httpx.AsyncClient(base_url=server.url, timeout=10) as client:
        return (await client.post(f"/threads/{thread_id}/runs/wait", json=payload)).content.strip()


async def ask(server: SoakServer, path: str) -> bytes:
    async with httpx.AsyncClient(base_url=server.url, timeout=10) as client:
        return (await client.get(f"/threads/{THREAD}/{path}")).content.strip()


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if "million" not in name and "MB" not in name])
async def test_a_document_is_sent_as_it_is_wherever_it_is_asked_for(name: str) -> None:
    async with SoakServer(heartbeat_s=0.01) as server:
        waited = await wait(server, launch(f"state: {name}"))
        (record,) = server.records()
        joined = await ask(server, f"runs/{record['run_id']}/join")
        state = await ask(server, "state")

    assert waited == joined == DOCUMENTS[name]
    assert state.startswith(b'{"values":' + DOCUMENTS[name] + b",")
    assert (record["status"], record["documents"]) == ("success", [digest(DOCUMENTS[name])])


async def test_where_the_answer_is_no_document_the_one_in_the_state_is_the_right_one() -> None:
    left = KINDS["state: empty answer"].leaves
    async with SoakServer(heartbeat_s=0.01) as server:
        waited = await wait(server, launch("state: empty answer"))
        state = await ask(server, "state")
        (record,) = server.records()

    assert waited == b""
    assert state.startswith(b'{"values":' + left)
    assert record["documents"] == [digest(left)]


@pytest.mark.parametrize("strategy", ["interrupt", "rollback", "enqueue"])
async def test_a_run_is_pushed_out_by_the_next_one_that_asks_for_it(strategy: str) -> None:
    async with SoakServer(heartbeat_s=0.01) as server:
        first = asyncio.create_task(wait(server, launch("plain", run_s=0.3)))
        await server.run_created()
        await wait(server, launch("pushes out", multitask_strategy=strategy))
        await first
        pushed, pusher = server.records()

    undone = strategy == "rollback"
    assert pushed["status"] == ("success" if strategy == "enqueue" else "interrupted")
    assert (pushed["is_forgotten"], pusher["status"]) == (undone, "success")


async def test_of_a_run_that_was_undone_nothing_is_left_on_its_thread() -> None:
    async with SoakServer(heartbeat_s=0.01) as server:
        first = asyncio.create_task(wait(server, launch("plain", run_s=5)))
        await server.run_created()
        second = asyncio.create_task(wait(server, launch("pushes out", run_s=60, multitask_strategy="rollback")))
        await first
        state = json.loads(await ask(server, "state"))
        second.cancel()

    assert (state["values"], state["metadata"].get("run_id")) == ({}, None)


@pytest.mark.parametrize(("kind", "attempt"), [("plain", None), ("executed again, unnoticed on the line", 2)])
async def test_a_run_that_is_executed_again_says_so_in_its_state(kind: str, attempt: int | None) -> None:
    async with SoakServer(heartbeat_s=0.01) as server:
        await wait(server, launch(kind))
        state = json.loads(await ask(server, "state"))
        history = json.loads(await ask(server, "history"))

    assert state["metadata"].get("run_attempt") == attempt
    assert [each["metadata"].get("run_attempt") for each in history] == [attempt]
