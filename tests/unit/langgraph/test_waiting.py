"""`wait` on a connection that holds."""

from __future__ import annotations

import asyncio
import gc
import gzip
import weakref
from typing import Any

import pytest

from dashboard.langgraph import (
    Answer,
    GraphError,
    LangGraphClient,
    RequestInvalid,
    RunFailed,
    RunRejected,
    ServerUnreachableNotCreated,
    ServerUnreachablePerhapsCreated,
    get_client,
)
from dashboard.langgraph._transport.connections import Content
from tests.scripted_server import Fault, ScriptedServer

THREAD = "1ef0b0b0-0000-6000-8000-000000000002"


async def test_the_final_state_comes_back(client: LangGraphClient) -> None:
    state = await client.runs.wait(None, "chat", input={"x": 1})

    assert state == {"echo": {"x": 1}}


async def test_heartbeats_outlive_the_read_timeout(server: ScriptedServer, client: LangGraphClient) -> None:
    server.run_s = 0.7  # the client's read timeout is 0.5 s

    answer = await client.runs.wait_answer(None, "chat", input=5)

    assert (answer.body, answer.source, answer.connections) == (b'{"echo": 5}', "wait", 1)


async def test_the_body_is_kept_byte_for_byte(server: ScriptedServer, client: LangGraphClient) -> None:
    server.run_s = None
    document = rb'{ "b":1,  "a":1.50, "a":[NaN], "s":"\ud800\u0000" }'
    waiting = asyncio.create_task(client.runs.wait_answer(None, "chat"))
    run = await server.run_created()
    run.finish(document=document)

    answer = await waiting

    assert answer.body == document
    assert (answer.run_id, answer.thread_id) == (run.run_id, run.thread_id)


async def test_run_created_is_reported_while_the_run_goes_on(server: ScriptedServer, client: LangGraphClient) -> None:
    server.run_s = None
    reported = asyncio.Queue[Any]()
    waiting = asyncio.create_task(
        client.runs.wait(THREAD, "chat", if_not_exists="create", on_run_created=reported.put_nowait)
    )
    run = await server.run_created()

    created = await reported.get()

    assert created == {"run_id": run.run_id, "thread_id": THREAD}
    assert not waiting.done()
    run.finish({})
    assert await waiting == {}
    assert reported.empty()


async def test_callbacks_may_be_async_and_their_errors_come_out(client: LangGraphClient) -> None:
    class DatabaseAway(Exception):
        pass

    async def store(_: Any) -> None:
        raise DatabaseAway

    with pytest.raises(DatabaseAway):
        await client.runs.wait(None, "chat", on_run_created=store)


async def test_a_failed_graph_raises_with_type_and_message(server: ScriptedServer, client: LangGraphClient) -> None:
    server.run_s = None
    waiting = asyncio.create_task(client.runs.wait(None, "chat"))
    (await server.run_created()).fail("KeyError", "topic")

    with pytest.raises(RunFailed) as caught:
        await waiting

    assert (caught.value.type, caught.value.message) == ("KeyError", "topic")
    assert caught.value.state == {"__error__": {"error": "KeyError", "message": "topic"}}


async def test_a_failed_graph_is_returned_when_asked(server: ScriptedServer, client: LangGraphClient) -> None:
    server.run_s = None
    waiting = asyncio.create_task(client.runs.wait(None, "chat", raise_error=False))
    (await server.run_created()).fail("KeyError", "topic")

    assert await waiting == {"__error__": {"error": "KeyError", "message": "topic"}}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"__error__": {"error": "E", "message": "m"}}', GraphError("E", "m")),
        (b'{"__error__": {"error": null}}', GraphError("Error", "")),
        (b'{"__error__": "text"}', None),
        (b'{"messages": ["\\"__error__\\""]}', None),
        (b'{"inner": {"__error__": {"error": "E"}}}', None),
        (b'["__error__"]', None),
        (b"null", None),
    ],
)
def test_only_the_servers_own_error_is_a_graph_error(body: bytes, error: GraphError | None) -> None:
    assert Answer(body, None, None, "wait", 1).graph_error == error


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 409, 422, 429, 501, 503])
async def test_a_refusal_creates_nothing(server: ScriptedServer, client: LangGraphClient, status: int) -> None:
    server.script("wait", Fault(status=status, headers={"Retry-After": "3", "Location": "http://127.0.0.1:9/x"}))

    with pytest.raises(RunRejected) as caught:
        await client.runs.wait(None, "chat")

    assert (caught.value.status_code, caught.value.retry_after_s) == (status, 3.0)
    assert server.count("wait") == 1


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_failing_server_may_have_created(server: ScriptedServer, client: LangGraphClient, status: int) -> None:
    server.script("wait", Fault(status=status, creates=True))

    with pytest.raises(ServerUnreachablePerhapsCreated) as caught:
        await client.runs.wait(None, "chat")

    assert (caught.value.may_exist, caught.value.status_code) == (True, status)
    assert server.count("wait") == 1


@pytest.mark.parametrize("fault", [Fault(cut_before_headers=True), Fault(cut_before_headers=True, hang=True)])
async def test_no_headers_means_perhaps_created(server: ScriptedServer, client: LangGraphClient, fault: Fault) -> None:
    server.script("wait", fault)

    with pytest.raises(ServerUnreachablePerhapsCreated):
        await client.runs.wait(None, "chat")

    assert len(server.created) == 1


async def test_a_server_that_is_down_has_created_nothing(server: ScriptedServer, client: LangGraphClient) -> None:
    await server.stop()

    with pytest.raises(ServerUnreachableNotCreated) as caught:
        await client.runs.wait(None, "chat")

    assert caught.value.may_exist is False


async def test_a_veto_in_the_last_moment_sends_nothing(server: ScriptedServer, client: LangGraphClient) -> None:
    class NotOursAnyMore(Exception):
        pass

    def check() -> None:
        raise NotOursAnyMore

    with pytest.raises(NotOursAnyMore):
        await client.runs.wait_answer(None, "chat", before_send=check)

    assert server.connections_accepted == 1
    assert server.requests == []


async def test_the_last_moment_comes_once_and_before_the_request(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    seen: list[int] = []
    server.script("wait", Fault(cut_after_beats=1))

    await client.runs.wait_answer(
        THREAD, "chat", if_not_exists="create", before_send=lambda: seen.append(len(server.requests))
    )

    assert seen == [0]


@pytest.mark.parametrize(
    "arguments",
    [
        {"headers": {"X-Bad": "line\nbreak"}},
        {"headers": {"bad name": "x"}},
        {"headers": {"X-Bad": "schön"}},
        {"headers": {"X-Bad": 5}},
        {"params": {"q": "\ud800"}},
        {"input": object()},
        {"thread_id": "\ud800"},
    ],
)
async def test_what_http_forbids_is_an_error_of_ours(
    server: ScriptedServer, client: LangGraphClient, arguments: dict[str, Any]
) -> None:
    with pytest.raises(RequestInvalid):
        await client.runs.wait(arguments.pop("thread_id", None), "chat", **arguments)

    assert server.requests == []


@pytest.mark.parametrize(
    "url", ["", "ftp://host", "no scheme", "http://", "http://[::1", "http://host:port", "http://\x00"]
)
def test_an_address_that_cannot_be_one_is_an_error_of_ours(url: str) -> None:
    with pytest.raises(RequestInvalid):
        get_client(url)


async def test_a_host_that_does_not_exist_is_unreachable() -> None:
    async with get_client("http://a..b.invalid") as client:
        with pytest.raises((RequestInvalid, ServerUnreachableNotCreated)):
            await client.runs.wait(None, "chat")


async def test_each_post_has_a_connection_of_its_own(server: ScriptedServer, client: LangGraphClient) -> None:
    server.script("wait", Fault(close=True), Fault())

    await client.runs.wait(None, "chat")
    await client.runs.wait(None, "chat")

    assert server.connections_accepted == 2


async def test_the_limit_of_waits_is_kept_and_given_back(server: ScriptedServer) -> None:
    import httpx

    server.run_s = 0.05
    limits = httpx.Limits(max_connections=2)
    async with get_client(server.url, limits=limits, timeout=httpx.Timeout(5.0)) as client:
        states = await asyncio.gather(*(client.runs.wait(None, "chat", input=i) for i in range(8)))

    assert states == [{"echo": i} for i in range(8)]


async def test_waiting_for_a_slot_too_long_creates_nothing(server: ScriptedServer) -> None:
    import httpx

    server.run_s = None
    limits, timeout = httpx.Limits(max_connections=1), httpx.Timeout(5.0, pool=0.05)
    async with get_client(server.url, limits=limits, timeout=timeout) as client:
        first = asyncio.create_task(client.runs.wait(None, "chat"))
        run = await server.run_created()

        with pytest.raises(ServerUnreachableNotCreated):
            await client.runs.wait(None, "chat")

        run.finish({})
        assert await first == {}
    assert len(server.created) == 1


async def test_cancellation_passes_through_and_closes_the_line(server: ScriptedServer, client: LangGraphClient) -> None:
    server.run_s = None
    waiting = asyncio.create_task(client.runs.wait(None, "chat", on_disconnect="cancel"))
    run = await server.run_created()

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(2):
        await run.over.wait()
    assert run.status == "interrupted"


async def test_compressed_answers_are_read(server: ScriptedServer, client: LangGraphClient) -> None:
    server.script("wait", Fault(body=gzip.compress(b'{"packed": true}'), headers={"Content-Encoding": "gzip"}))

    assert await client.runs.wait(None, "chat") == {"packed": True}


async def test_a_large_state_is_read_whole(server: ScriptedServer, client: LangGraphClient) -> None:
    document = b'{"text": "' + b"x" * 8_000_000 + b'"}'
    server.script("wait", Fault(body=document))

    answer = await client.runs.wait_answer(None, "chat")

    assert answer.body == document


@pytest.mark.parametrize("with_events", [False, True])
async def test_what_is_sent_is_not_kept_while_the_run_goes_on(server: ScriptedServer, with_events: bool) -> None:
    class Large(dict[str, Any]):
        """A dict that can be watched."""

    server.run_s = None
    given = Large(text="x" * 1_000_000)
    watched = weakref.ref(given)
    created = asyncio.Event()
    client = get_client(server.url)  # with time enough for the garbage collector
    waiting = asyncio.create_task(
        client.runs.wait_answer(
            None, "chat", input=given, with_events=with_events, on_run_created=lambda _: created.set()
        )
    )
    del given
    run = await server.run_created()
    await created.wait()
    gc.collect()

    assert watched() is None
    assert all(not content._content for content in gc.get_objects() if type(content) is Content)
    run.finish({})
    assert (await waiting).body == b"{}"
    await client.aclose()
