"""Our client against the real `langgraph dev`: docs/langgraph-protocol.md, measured again at every test run."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from dashboard.langgraph import (
    Backoff,
    ConnectionEvent,
    LangGraphClient,
    NotFound,
    RequestRejected,
    RunFailed,
    RunNotFound,
    RunRejected,
    get_client,
)
from tests.contract.langgraph_dev import TINY, LangGraphDev

ERROR = {"__error__": {"error": "ValueError", "message": "the text was wrong"}}


@pytest.fixture
async def client(langgraph_url: str) -> AsyncIterator[LangGraphClient]:
    async with get_client(langgraph_url) as connected, asyncio.timeout(60):
        yield connected


@pytest.fixture
def thread_id() -> str:
    return str(uuid.uuid4())


async def created(client: LangGraphClient, *arguments: Any, **more: Any) -> tuple[asyncio.Task[Any], dict[str, Any]]:
    """Start a wait; give it as a task, with the ids of its run."""
    ids = asyncio.Queue[Any]()
    waiting = asyncio.create_task(client.runs.wait_answer(*arguments, **more, on_run_created=ids.put_nowait))
    return waiting, await ids.get()


async def test_a_run_on_a_thread(client: LangGraphClient, thread_id: str) -> None:
    state = await client.runs.wait(thread_id, "echo", input={"text": "hé"}, if_not_exists="create")

    assert state == {"text": "hé", "answer": "hé", "done": True}
    assert (await client.threads.get(thread_id))["status"] == "idle"
    assert (await client.threads.get_state(thread_id))["values"] == state
    assert len(await client.threads.get_history(thread_id)) == 4
    (run,) = await client.runs.list(thread_id)
    (selected,) = await client.runs.list(thread_id, select=["run_id", "metadata"])
    assert selected == {"run_id": run["run_id"], "metadata": run["metadata"]}
    wanted = ["thread_id", "status", "interrupts"]
    (found,) = await client.threads.search(ids=[thread_id], select=wanted)
    assert found == {"thread_id": thread_id, "status": "idle", "interrupts": {}}
    assert len(await client.threads.get_history(thread_id, metadata={"run_id": run["run_id"]})) == 4
    assert await client.threads.get_history(thread_id, metadata={"run_id": str(uuid.uuid4())}) == []
    assert run["status"] == "success"


async def test_a_stateless_run_leaves_nothing(client: LangGraphClient) -> None:
    waiting, ids = await created(client, None, "echo", input={"text": "x"})

    answer = await waiting

    assert answer.value["answer"] == "x"
    assert (answer.run_id, answer.thread_id) == (ids["run_id"], ids["thread_id"])
    with pytest.raises(RunNotFound):
        await client.runs.get(ids["thread_id"], ids["run_id"])


async def test_a_failed_graph_raises_or_not(client: LangGraphClient, thread_id: str) -> None:
    with pytest.raises(RunFailed) as caught:
        await client.runs.wait(thread_id, "fail", input={"text": "x"}, if_not_exists="create")
    returned = await client.runs.wait(None, "fail", input={"text": "x"}, raise_error=False)

    assert (caught.value.type, caught.value.message) == ("ValueError", "the text was wrong")
    assert caught.value.state == returned == ERROR
    assert "ValueError" in str((await client.threads.get_state(thread_id))["tasks"][0]["error"])


async def test_run_created_comes_before_the_run_ends(client: LangGraphClient, thread_id: str) -> None:
    waiting, ids = await created(client, thread_id, "slow", input={"seconds": 2}, if_not_exists="create")
    assert not waiting.done()

    run = await client.runs.get(thread_id, ids["run_id"])
    answer = await waiting

    assert run["status"] in ("pending", "running")
    assert ids == {"run_id": answer.run_id, "thread_id": thread_id}
    assert answer.value["done"] is True


async def test_heartbeats_keep_a_wait_alive_beyond_its_read_timeout(langgraph_url: str, thread_id: str) -> None:
    events: list[ConnectionEvent] = []
    async with get_client(langgraph_url, timeout=httpx.Timeout(7.0)) as client:
        answer = await client.runs.wait_answer(
            thread_id, "slow", input={"seconds": 9}, if_not_exists="create", on_connection=events.append
        )

    assert (answer.value["done"], answer.source, answer.connections, events) == (True, "wait", 1, [])


async def test_silence_longer_than_the_timeout_is_joined(langgraph_url: str, thread_id: str) -> None:
    events: list[ConnectionEvent] = []
    quick = Backoff(first_s=0.01)
    async with get_client(langgraph_url, timeout=httpx.Timeout(5.0, read=1.5), backoff=quick) as client:
        answer = await client.runs.wait_answer(
            thread_id, "slow", input={"seconds": 3}, if_not_exists="create", on_connection=events.append
        )
        runs = await client.runs.list(thread_id)

    assert (answer.value["done"], answer.source) == (True, "join")
    # The server says that the run goes on, so nothing is called lost. A line that has brought no heartbeat yet is not
    # called joined either; here only the answer is quick enough.
    kinds = [event.kind for event in events]
    assert (kinds[0], kinds[-1]) == ("joining", "joined")
    assert (kinds.count("lost"), kinds.count("joined")) == (0, 1)
    assert len(runs) == 1


async def test_an_interrupt_and_its_answer(client: LangGraphClient, thread_id: str) -> None:
    asked: Any = await client.runs.wait(thread_id, "ask", input={"text": "x"}, if_not_exists="create")
    thread = await client.threads.get(thread_id)
    answered: Any = await client.runs.wait(thread_id, "ask", command={"resume": "yes"})

    (interrupt,) = asked["__interrupt__"]
    assert interrupt["value"] == {"question": "Really?"}
    assert thread["status"] == "interrupted"
    assert [entry["id"] for (entry,) in thread["interrupts"].values()] == [interrupt["id"]]
    assert (answered["answer"], answered["done"]) == ("yes", True)


async def test_a_breakpoint_leaves_the_nodes_that_wait(client: LangGraphClient, thread_id: str) -> None:
    await client.runs.wait(thread_id, "echo", input={"text": "x"}, interrupt_before=["node"], if_not_exists="create")

    assert (await client.threads.get_state(thread_id))["next"] == ["node"]


@pytest.mark.parametrize("wait", [True, False])
async def test_a_run_can_be_cancelled(client: LangGraphClient, thread_id: str, wait: bool) -> None:
    waiting, ids = await created(client, thread_id, "slow", input={"seconds": 30}, if_not_exists="create")

    await client.runs.cancel(thread_id, ids["run_id"], wait=wait)
    answer = await waiting

    assert answer.graph_error is None
    assert (await client.runs.get(thread_id, ids["run_id"]))["status"] == "interrupted"


async def test_a_run_rolled_back_while_queued_stays_as_interrupted(client: LangGraphClient, thread_id: str) -> None:
    """Unlike one that had started; See docs/langgraph-protocol.md."""
    waiting, ids = await created(
        client, thread_id, "slow", input={"seconds": 30}, after_seconds=60, if_not_exists="create"
    )

    await client.runs.cancel(thread_id, ids["run_id"], wait=True, action="rollback")
    answer = await waiting

    assert answer.value == {}
    assert (await client.runs.get(thread_id, ids["run_id"]))["status"] == "interrupted"


async def test_a_rolled_back_run_is_gone(client: LangGraphClient, thread_id: str) -> None:
    waiting, ids = await created(client, thread_id, "slow", input={"seconds": 30}, if_not_exists="create")
    while (await client.runs.get(thread_id, ids["run_id"]))["status"] == "pending":
        await asyncio.sleep(0.05)  # the client fixture's deadline bounds this

    await client.runs.cancel(thread_id, ids["run_id"], wait=True, action="rollback")
    await waiting

    with pytest.raises(RunNotFound):
        await client.runs.get(thread_id, ids["run_id"])


async def test_joining_a_run_that_goes_on_and_one_that_is_over(client: LangGraphClient, thread_id: str) -> None:
    waiting, ids = await created(client, thread_id, "slow", input={"seconds": 1}, if_not_exists="create")

    joined = await client.runs.join_answer(thread_id, ids["run_id"])
    waited = await waiting
    later = await client.runs.join(thread_id, ids["run_id"])

    assert joined.value == waited.value == later
    assert (joined.source, waited.source) == ("join", "wait")


async def test_an_unknown_run_is_not_found(client: LangGraphClient, thread_id: str) -> None:
    await client.threads.create(thread_id=thread_id, if_exists="do_nothing")

    for unknown_thread in (thread_id, str(uuid.uuid4())):
        with pytest.raises(RunNotFound):
            await client.runs.join_answer(unknown_thread, str(uuid.uuid4()))
    with pytest.raises(RunNotFound):
        await client.runs.get(thread_id, str(uuid.uuid4()))
    with pytest.raises(RunNotFound):
        await client.runs.cancel(thread_id, str(uuid.uuid4()))


async def test_a_graph_that_raises_the_servers_404_is_a_failed_graph(client: LangGraphClient, thread_id: str) -> None:
    waiting, ids = await created(client, thread_id, "fail", input={"text": "impostor"}, if_not_exists="create")
    await waiting

    joined = await client.runs.join_answer(thread_id, ids["run_id"])

    assert (await client.runs.get(thread_id, ids["run_id"]))["status"] == "error"
    assert joined.thread_id == thread_id


@pytest.mark.parametrize(
    ("thread", "arguments", "status"),
    [
        ("5b0f3a52-94c6-4c0e-8a54-3a8f2c1d7e90", {}, 404),
        ("no uuid", {}, 400),
        (None, {"on_disconnect": "nonsense"}, 422),
        (None, {"assistant_id": "no such graph"}, 422),
        (None, {"assistant_id": str(uuid.uuid4())}, 404),
        (None, {"context": {"a": 1}, "config": {"configurable": {"b": 1}}}, 400),
        (None, {"command": {"resume": 1}}, 400),
    ],
)
async def test_refusals_carry_the_servers_sentence(
    client: LangGraphClient, thread: str | None, arguments: dict[str, Any], status: int
) -> None:
    assistant_id = arguments.pop("assistant_id", "echo")

    with pytest.raises(RunRejected) as caught:
        await client.runs.wait(thread, assistant_id, **arguments)

    assert caught.value.status_code == status
    assert " " in caught.value.detail
    assert "without a reason" not in caught.value.detail


async def test_assistants_and_their_schemas(client: LangGraphClient) -> None:
    assistants = {entry["graph_id"]: entry for entry in await client.assistants.search()}
    assistant_id = assistants["echo"]["assistant_id"]

    schemas = await client.assistants.get_schemas(assistant_id)
    graph = await client.assistants.get_graph(assistant_id, xray=True)

    assert set(assistants) == {"echo", "slow", "ask", "fail"}
    assert (await client.assistants.get(assistant_id))["graph_id"] == "echo"
    assert "text" in (schemas["input_schema"] or {})["properties"]
    assert {node["id"] for node in graph["nodes"]} >= {"first", "node"}


async def test_threads(client: LangGraphClient, thread_id: str) -> None:
    await client.threads.create(thread_id=thread_id, metadata={"mark": thread_id})
    await client.threads.create(thread_id=thread_id, if_exists="do_nothing")

    found = await client.threads.search(metadata={"mark": thread_id})
    with pytest.raises(RequestRejected, match="409"):
        await client.threads.create(thread_id=thread_id)
    await client.threads.delete(thread_id)

    assert [entry["thread_id"] for entry in found] == [thread_id]
    with pytest.raises(NotFound):
        await client.threads.get(thread_id)


async def test_info_and_ok(client: LangGraphClient) -> None:
    assert (await client.info())["version"]
    assert await client.ok() is True


@pytest.fixture
def own() -> Iterator[LangGraphDev]:
    """A server that may be taken away for a moment."""
    with LangGraphDev(TINY) as server:
        yield server


async def test_a_wait_outlives_a_server_that_stops(thread_id: str, own: LangGraphDev) -> None:
    async with get_client(own.url, backoff=Backoff(first_s=0.1, longest_s=1)) as client, asyncio.timeout(90):
        waiting, ids = await created(client, thread_id, "slow", input={"seconds": 20}, if_not_exists="create")
        while not own.has_saved(ids["run_id"], states=False):
            await asyncio.sleep(0.1)
        await asyncio.to_thread(own.restart, kill=True)

        answer = await waiting

        assert answer.value["done"] is True
        assert answer.source == "join"
        assert len(await client.runs.list(thread_id)) == 1
