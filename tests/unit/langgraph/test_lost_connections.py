"""Connections that break and servers that lie: the run is never lost and never posted twice."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from dashboard.langgraph import (
    AnswerNotUnderstood,
    Backoff,
    ConnectionEvent,
    LangGraphClient,
    RequestRejected,
    RunFailed,
    RunNotFound,
    ServerUnreachablePerhapsCreated,
    get_client,
)
from dashboard.langgraph._json.documents import SMALL_BYTES
from tests.scripted_server import HTML_PAGE, Fault, ScriptedServer

THREAD = "1ef0b0b0-0000-6000-8000-000000000002"
UNKNOWN = "1ef0b0b0-0000-6000-8000-00000000000f"
BROKEN = {
    "cut after the headers": Fault(cut_after_headers=True),
    "reset after the headers": Fault(cut_after_headers=True, reset=True),
    "cut between heartbeats": Fault(cut_after_beats=2),
    "cut inside the JSON": Fault(cut_in_document=4),
    "silence after the headers": Fault(cut_after_headers=True, hang=True),
    "silence inside the JSON": Fault(cut_in_document=4, hang=True),
    "clean end without a word": Fault(end_after_beats=0),
    "clean end after heartbeats": Fault(end_after_beats=2),
    "clean end inside the JSON": Fault(end_in_document=4),
    "empty body": Fault(body=b""),
    "a web page": Fault(body=HTML_PAGE),
    "not quite JSON": Fault(body=b'{"a": 1,}'),
    "broken compression": Fault(body=b"\x1f\x8bnonsense", headers={"Content-Encoding": "gzip"}),
}


async def wait_on_thread(client: LangGraphClient, **arguments: Any) -> Any:
    return await client.runs.wait_answer(THREAD, "chat", input=1, if_not_exists="create", **arguments)


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_answer_is_joined(server: ScriptedServer, client: LangGraphClient, fault: Fault) -> None:
    server.script("wait", fault)
    reported: list[Any] = []
    events: list[ConnectionEvent] = []

    answer = await wait_on_thread(client, on_run_created=reported.append, on_connection=events.append)

    assert (answer.value, answer.source, answer.connections) == ({"echo": 1}, "join", 2)
    assert server.count("wait") == len(server.created) == len(reported) == 1
    assert [event.kind for event in events] == ["lost", "joining", "joined"]
    assert events[0].reason.endswith(".")


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN.keys())
async def test_broken_joins_are_joined_again(server: ScriptedServer, client: LangGraphClient, fault: Fault) -> None:
    server.script("wait", Fault(cut_after_headers=True))
    server.script("join", fault, times=2)

    answer = await wait_on_thread(client)

    assert (answer.value, answer.source, answer.connections) == ({"echo": 1}, "join", 4)
    assert server.count("wait") == 1


@pytest.mark.parametrize("status", [301, 401, 403, 408, 409, 429, 500, 502, 503, 504])
async def test_a_refused_join_says_nothing_about_the_run(
    server: ScriptedServer, client: LangGraphClient, status: int
) -> None:
    server.script("wait", Fault(cut_after_headers=True))
    server.script("join", Fault(status=status), times=3)
    events: list[ConnectionEvent] = []

    answer = await wait_on_thread(client, on_connection=events.append)

    assert answer.value == {"echo": 1}
    assert [event.kind for event in events] == ["lost", "joining"] * 4 + ["joined"]
    assert str(status) in events[2].reason


async def test_a_proxys_own_404_page_is_not_the_servers_word(server: ScriptedServer, client: LangGraphClient) -> None:
    server.script("wait", Fault(cut_after_headers=True))
    server.script("join", Fault(status=404, body=HTML_PAGE), times=3)

    answer = await wait_on_thread(client)

    assert answer.value == {"echo": 1}


async def test_a_proxys_own_page_for_the_run_is_not_the_servers_word(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    server.script("wait", Fault(cut_after_headers=True))
    server.script("join", Fault(status=404, detail="Run not found"))
    server.script("run", Fault(status=404, body=HTML_PAGE))

    answer = await wait_on_thread(client)

    assert answer.value == {"echo": 1}


async def test_a_large_answer_that_was_cut_is_joined(server: ScriptedServer, client: LangGraphClient) -> None:
    large = "x" * (2 * SMALL_BYTES)
    server.script("wait", Fault(cut_in_document=SMALL_BYTES + 100))

    answer = await client.runs.wait_answer(THREAD, "chat", input=large, if_not_exists="create")

    assert (answer.value, answer.source) == ({"echo": large}, "join")


async def test_by_default_silence_is_noticed_after_a_few_heartbeats(server: ScriptedServer) -> None:
    heartbeat_s = 5.0  # LangGraph servers'
    async with get_client(server.url) as client:
        for requests in (client.runs._http._fresh, client.runs._http._kept):
            assert requests.timeout.read is not None
            assert 2 * heartbeat_s < requests.timeout.read <= 6 * heartbeat_s


async def test_a_server_that_is_away_is_waited_for(server: ScriptedServer, client: LangGraphClient) -> None:
    server.run_s = None
    lost = asyncio.Event()
    tries: list[ConnectionEvent] = []

    async def notice(event: ConnectionEvent) -> None:
        tries.append(event)
        if event.kind == "lost" and event.attempt >= 4:
            lost.set()

    waiting = asyncio.create_task(wait_on_thread(client, on_connection=notice))
    run = await server.run_created()
    await server.stop()
    await lost.wait()
    run.finish({"back": True})
    await server.start()

    answer = await waiting

    assert answer.value == {"back": True}
    assert server.count("wait") == 1
    assert tries[-1].kind == "joined"


async def test_trying_goes_on_until_stopped(server: ScriptedServer, client: LangGraphClient) -> None:
    server.run_s = None
    server.script("wait", Fault(cut_after_headers=True))
    server.script("join", Fault(end_after_beats=0), times=None)
    waiting = asyncio.create_task(wait_on_thread(client))
    await server.requested("join", 30)

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_forgotten_run_is_not_found(server: ScriptedServer, client: LangGraphClient) -> None:
    server.script("wait", Fault(cut_after_headers=True))
    server.script("join", Fault(forget=True))

    with pytest.raises(RunNotFound):
        await wait_on_thread(client)


@pytest.mark.parametrize("how", ["404 in words, HTTP 200", "404 outright"])
async def test_an_unknown_run_is_not_found(server: ScriptedServer, client: LangGraphClient, how: str) -> None:
    if how == "404 outright":
        server.script("join", Fault(status=404, detail="Run not found"))

    with pytest.raises(RunNotFound):
        await client.runs.join_answer(THREAD, UNKNOWN)


async def test_a_graph_may_raise_that_very_error_itself(server: ScriptedServer, client: LangGraphClient) -> None:
    server.run_s = None
    server.script("wait", Fault(cut_after_headers=True))
    waiting = asyncio.create_task(wait_on_thread(client))
    (await server.run_created()).fail("HTTPException", "404: Run not found")

    answer = await waiting

    assert answer.graph_error is not None
    assert answer.graph_error.type == "HTTPException"


async def test_a_404_in_words_about_a_run_that_goes_on_is_not_believed(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    server.run_s = None
    server.script("wait", Fault(cut_after_headers=True))
    lie = b'{"__error__":{"error":"HTTPException","message":"404: Run not found"}}'
    waiting = asyncio.create_task(wait_on_thread(client))
    run = await server.run_created()
    server.script("join", Fault(cut_after_beats=1), Fault(cut_after_headers=True))
    await server.requested("join", 2)
    run.finish({"ok": 1})
    server.script("join", Fault(body=lie, forget=False))
    server.script("run", Fault(body=b'{"status": "running"}'))

    answer = await waiting

    assert answer.value == {"ok": 1}


async def test_a_refusal_that_cannot_get_better_comes_out(server: ScriptedServer, client: LangGraphClient) -> None:
    server.script("wait", Fault(cut_after_headers=True))
    server.script("join", Fault(status=422, detail="Invalid run id"))

    with pytest.raises(RequestRejected, match="Invalid run id"):
        await wait_on_thread(client)


async def test_a_finished_run_whose_answer_is_never_json_is_not_understood(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    server.script("wait", Fault(cut_after_headers=True))
    server.script("join", Fault(body=HTML_PAGE), times=None)

    with pytest.raises(AnswerNotUnderstood) as caught:
        await wait_on_thread(client)

    assert caught.value.body == HTML_PAGE
    assert caught.value.run_id == server.created[0].run_id


async def test_a_finished_run_whose_answer_is_always_empty_is_not_understood(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    server.script("wait", Fault(cut_after_headers=True))
    server.script("join", Fault(end_after_beats=0), times=None)

    with pytest.raises(AnswerNotUnderstood, match="without saying anything"):
        await wait_on_thread(client)


async def test_a_stateless_run_is_joined_by_the_ids_of_its_headers(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    server.script("wait", Fault(cut_after_headers=True))

    answer = await client.runs.wait_answer(None, "chat", input=1, on_completion="keep")

    assert (answer.value, answer.source) == ({"echo": 1}, "join")


async def test_a_stateless_run_deleted_while_we_were_away_is_not_found(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    server.script("wait", Fault(cut_after_headers=True))

    with pytest.raises(RunNotFound):
        await client.runs.wait(None, "chat")


@pytest.mark.parametrize("has_location", [True, False])
async def test_without_ids_a_cut_means_perhaps_created(
    server: ScriptedServer, client: LangGraphClient, has_location: bool
) -> None:
    headers = {"Content-Location": None} if has_location else {"Content-Location": None, "Location": None}
    server.script("wait", Fault(cut_after_headers=True, headers=headers))

    if has_location:  # Location alone will do
        assert (await wait_on_thread(client)).value == {"echo": 1}
    else:
        with pytest.raises(ServerUnreachablePerhapsCreated) as caught:
            await wait_on_thread(client)
        assert caught.value.thread_id == THREAD
    assert server.count("wait") == 1


async def test_without_ids_a_whole_answer_is_an_answer(server: ScriptedServer, client: LangGraphClient) -> None:
    server.script("wait", Fault(headers={"Content-Location": None, "Location": None}))
    reported: list[Any] = []

    answer = await wait_on_thread(client, on_run_created=reported.append)

    assert (answer.value, answer.run_id, answer.thread_id, reported) == ({"echo": 1}, None, THREAD, [])


async def test_another_host_is_never_connected_to(server: ScriptedServer, client: LangGraphClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        there = f"http://127.0.0.1:{trap.getsockname()[1]}/threads/{THREAD}/runs/{UNKNOWN}"
        server.script("wait", Fault(cut_after_headers=True, headers={"Location": f"{there}/join"}))

        answer = await wait_on_thread(client)

        with pytest.raises(BlockingIOError):
            trap.accept()
    assert answer.value == {"echo": 1}


async def test_a_slow_answer_is_not_a_dead_one(server: ScriptedServer, client: LangGraphClient) -> None:
    server.script("wait", Fault(drip_s=0.002))

    answer = await wait_on_thread(client)

    assert (answer.value, answer.connections) == ({"echo": 1}, 1)


async def test_a_whole_object_counts_although_the_connection_broke_after_it(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    server.script("wait", Fault(cut_in_document=len(b'{"echo": 1}')))

    answer = await wait_on_thread(client)

    assert (answer.value, answer.source) == ({"echo": 1}, "wait")


async def test_a_bare_number_is_whole_only_when_the_server_ended_it(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    server.result = lambda _: 1234
    server.script("wait", Fault(cut_in_document=2))

    answer = await wait_on_thread(client)

    assert (answer.value, answer.source) == (1234, "join")


async def test_join_raises_nothing_for_a_failed_graph_and_wait_does(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    server.run_s = None
    server.script("wait", Fault(cut_after_headers=True))
    waiting = asyncio.create_task(client.runs.wait(THREAD, "chat", if_not_exists="create"))
    run = await server.run_created()
    run.fail("ValueError", "no")

    with pytest.raises(RunFailed):
        await waiting

    assert (await client.runs.join(THREAD, run.run_id))["__error__"]["error"] == "ValueError"


def test_backoff_doubles_to_its_limit_and_heeds_retry_after() -> None:
    backoff = Backoff(first_s=1, longest_s=8, refused_s=60)
    refused = RequestRejected("no key", status_code=401)
    busy = RequestRejected("slow down", status_code=429, retry_after_s=100)

    delays = [backoff.delay_s(attempt) for attempt in (0, 1, 2, 3, 50)]

    for delay, expected in zip(delays, (1, 2, 4, 8, 8), strict=True):
        assert 0.75 * expected <= delay <= 1.25 * expected
    assert backoff.delay_s(0, refused) >= 45
    assert backoff.delay_s(0, busy) >= 100
