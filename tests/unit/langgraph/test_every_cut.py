"""For every byte of a recorded exchange: a cut there ends in the right final state, with one POST and no hang."""

from __future__ import annotations

import asyncio
import itertools

import httpx
import pytest

from dashboard.langgraph import LangGraphClient, ServerUnreachablePerhapsCreated, get_client
from tests.scripted_server import Fault, ScriptedServer
from tests.unit.langgraph.conftest import QUICK, TIMEOUT

THREADS = (f"1ef0b0b0-0000-6000-8000-{number:012x}" for number in itertools.count(1))
INPUT = {"text": 'said "ä" \\ [{', "n": [1, -2.5e3, True, None, {}]}
END_OF_HEADERS = b"\r\n\r\n"


async def recorded_exchange(server: ScriptedServer) -> bytes:
    """The whole response to a wait, as bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
    body = b'{"assistant_id": "chat", "if_not_exists": "create"}'
    head = (
        f"POST /threads/{next(THREADS)}/runs/wait HTTP/1.1\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    response = await reader.read()
    writer.close()
    await writer.wait_closed()
    return response


async def outcome(client: LangGraphClient, server: ScriptedServer) -> tuple[str, int]:
    """How one wait ended, and how many runs it created."""
    thread_id = next(THREADS)
    try:
        answer = await client.runs.wait_answer(thread_id, "chat", input=INPUT, if_not_exists="create")
        ended = "right" if answer.value == {"echo": INPUT} else f"wrong: {answer.body!r}"
    except ServerUnreachablePerhapsCreated:
        ended = "perhaps created"
    return ended, sum(run.thread_id == thread_id for run in server.created)


@pytest.mark.parametrize("how", ["FIN", "RST", "silence"])
async def test_a_cut_at_every_byte_ends_right(how: str) -> None:
    async with ScriptedServer(heartbeat_s=0.01, run_s=0.03, result=lambda _: {"echo": INPUT}) as server:
        response = await recorded_exchange(server)
        headers_end = response.index(END_OF_HEADERS) + len(END_OF_HEADERS)
        timeout = TIMEOUT if how != "silence" else httpx.Timeout(5.0, read=0.3)
        positions = range(1, len(response))

        async def cut_at(position: int) -> tuple[str, int]:
            # One server for each cut, so that its script cannot be taken by another wait.
            async with (
                ScriptedServer(heartbeat_s=0.01, run_s=0.03, result=lambda _: {"echo": INPUT}) as cutting,
                get_client(cutting.url, timeout=timeout, backoff=QUICK) as client,
            ):
                cutting.script("wait", Fault(cut_at=position, reset=how == "RST", hang=how == "silence"))
                return await outcome(client, cutting)

        ended: dict[int, tuple[str, int]] = {}
        for batch in batches(positions, 64):
            ended |= dict(zip(batch, await asyncio.gather(*map(cut_at, batch)), strict=True))

        for position, (end, created) in ended.items():
            assert created == 1, position
            allowed = {"right"} if position >= headers_end else {"perhaps created"}
            # A reset may throw away bytes that had arrived: then the headers were not in.
            if how == "RST" and position < headers_end + 200:
                allowed |= {"perhaps created"}
            assert end in allowed, (position, end, response[:position][-40:])


def batches(positions: range, size: int) -> list[range]:
    return [positions[start : start + size] for start in range(0, len(positions), size)]
