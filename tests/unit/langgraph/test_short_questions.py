"""Everything except `wait`: runs, threads, assistants, info."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from dashboard.langgraph import (
    AnswerNotUnderstood,
    ClientClosed,
    LangGraphClient,
    NotFound,
    RequestRejected,
    RunNotFound,
    ServerUnreachable,
    ServerUnreachablePerhapsCreated,
    get_client,
)
from tests.scripted_server import HTML_PAGE, Fault, ScriptedServer

THREAD = "1ef0b0b0-0000-6000-8000-000000000002"
UNKNOWN = "1ef0b0b0-0000-6000-8000-00000000000f"


async def test_a_run_can_be_looked_at_and_listed(server: ScriptedServer, client: LangGraphClient) -> None:
    metadata = {"runboard_run_id": "7"}
    await client.runs.wait(THREAD, "chat", if_not_exists="create", metadata=metadata)
    run_id = server.created[0].run_id

    run = await client.runs.get(THREAD, run_id)
    listed = await client.runs.list(THREAD, limit=5)

    assert (run["status"], run["metadata"]) == ("success", metadata)
    assert [entry["run_id"] for entry in listed] == [run_id]
    assert await client.runs.list(THREAD, offset=1) == []


async def test_a_thread_can_be_made_looked_at_and_deleted(server: ScriptedServer, client: LangGraphClient) -> None:
    await client.threads.create(thread_id=THREAD, if_exists="do_nothing")
    await client.runs.wait(THREAD, "chat", input=1)

    thread = await client.threads.get(THREAD)
    state = await client.threads.get_state(THREAD)
    history = await client.threads.get_history(THREAD, limit=1)
    run_id = server.created[0].run_id
    filtered = await client.threads.get_history(THREAD, metadata={"run_id": run_id})
    found = await client.threads.search()
    await client.threads.delete(THREAD)

    assert (server.requests[-3].method, server.requests[-3].json) == (
        "POST",
        {"limit": 10, "metadata": {"run_id": run_id}},
    )
    assert filtered == history
    assert thread["status"] == "idle"
    assert state["values"] == history[0]["values"] == {"echo": 1}
    assert [entry["thread_id"] for entry in found] == [THREAD]
    with pytest.raises(NotFound):
        await client.threads.get(THREAD)


async def test_what_changes_something_never_goes_out_on_a_used_connection(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    await client.ok()
    await client.ok()
    await client.threads.create(thread_id=THREAD)

    assert server.connections_accepted == 2


async def test_creating_a_thread_that_exists_is_refused(client: LangGraphClient) -> None:
    await client.threads.create(thread_id=THREAD)

    with pytest.raises(RequestRejected, match="409"):
        await client.threads.create(thread_id=THREAD)


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("action", ["interrupt", "rollback"])
async def test_a_run_can_be_cancelled(server: ScriptedServer, client: LangGraphClient, wait: bool, action: str) -> None:
    server.run_s = None
    waiting = asyncio.create_task(client.runs.wait(THREAD, "chat", if_not_exists="create"))
    run = await server.run_created()

    await client.runs.cancel(THREAD, run.run_id, wait=wait, action=action)

    assert await waiting == {}
    assert run.is_forgotten is (action == "rollback")


async def test_cancelling_what_is_over_or_unknown_is_not_found(server: ScriptedServer, client: LangGraphClient) -> None:
    with pytest.raises(RunNotFound):
        await client.runs.cancel(THREAD, UNKNOWN)
    with pytest.raises(RunNotFound):
        await client.runs.get(THREAD, UNKNOWN)


async def test_a_cancel_whose_answer_is_lost_may_have_worked(server: ScriptedServer, client: LangGraphClient) -> None:
    server.script("cancel", Fault(cut_before_headers=True))

    with pytest.raises(ServerUnreachablePerhapsCreated):
        await client.runs.cancel(THREAD, UNKNOWN)


async def test_every_page_of_assistants_is_fetched(server: ScriptedServer, client: LangGraphClient) -> None:
    server.graphs = [f"graph-{number}" for number in range(230)]

    found = await client.assistants.search()

    assert [entry["name"] for entry in found] == server.graphs
    assert server.count("assistants") == 3
    assert len(await client.assistants.search(limit=7)) == 7
    assert [a["name"] for a in await client.assistants.search(graph_id="graph-3")] == ["graph-3"]


async def test_paging_ends_on_a_server_that_always_names_a_next_page(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    server.script("assistants", Fault(headers={"x-pagination-next": "7"}, body=b'[{"assistant_id": "a"}]'), times=None)

    found = await client.assistants.search()

    assert found == [{"assistant_id": "a"}]


async def test_assistants_can_be_looked_at(client: LangGraphClient) -> None:
    (assistant,) = await client.assistants.search()
    assistant_id = assistant["assistant_id"]

    assert (await client.assistants.get(assistant_id))["graph_id"] == "chat"
    assert (await client.assistants.get_schemas(assistant_id))["graph_id"] == "chat"
    assert (await client.assistants.get_graph(assistant_id, xray=True))["nodes"]
    with pytest.raises(NotFound):
        await client.assistants.get(UNKNOWN)


async def test_schemas_survive_one_500_that_also_closes_the_connection(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    await client.ok()  # a kept-alive connection
    server.script("schemas", Fault(status=500, close=True))
    server.script("schemas", Fault(cut_before_headers=True))

    schemas = await client.assistants.get_schemas("chat")

    assert schemas["graph_id"] == "chat"
    assert server.count("schemas") == 3


async def test_schemas_that_always_fail_are_an_error_with_its_status(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    server.script("schemas", Fault(status=500, close=True), times=None)

    with pytest.raises(ServerUnreachable) as caught:
        await client.assistants.get_schemas("chat")

    assert (caught.value.status_code, caught.value.may_exist) == (500, False)
    assert server.count("schemas") == 2


async def test_a_get_survives_a_dead_kept_alive_connection(server: ScriptedServer, client: LangGraphClient) -> None:
    await client.ok()
    await server.crash()

    assert await client.ok() is True


@pytest.mark.parametrize(
    "fault",
    [Fault(cut_at=150), Fault(status=502), Fault(cut_before_headers=True), Fault(cut_before_headers=True, hang=True)],
)
async def test_a_get_without_an_answer_creates_nothing(
    server: ScriptedServer, client: LangGraphClient, fault: Fault
) -> None:
    await client.threads.create(thread_id=THREAD)
    server.script("state", fault, times=None)

    with pytest.raises(ServerUnreachable) as caught:
        await client.threads.get_state(THREAD)

    assert caught.value.may_exist is False


@pytest.mark.parametrize("body", [HTML_PAGE, b"[1", b"5", b""])
async def test_a_short_answer_that_is_not_what_was_promised(
    server: ScriptedServer, client: LangGraphClient, body: bytes
) -> None:
    for endpoint in ("info", "state", "assistants", "runs"):
        server.script(endpoint, Fault(body=body, status=200))

    for call in (
        client.info(),
        client.threads.get_state(THREAD),
        client.assistants.search(),
        client.runs.list(THREAD),
    ):
        with pytest.raises(AnswerNotUnderstood):
            await call


async def test_info_and_ok(server: ScriptedServer, client: LangGraphClient) -> None:
    assert (await client.info())["version"] == "0.0.0-scripted"
    assert await client.ok() is True
    await server.stop()
    with pytest.raises(ServerUnreachable):
        await client.ok()


async def test_headers_of_the_client_and_of_the_call_are_sent(server: ScriptedServer) -> None:
    async with get_client(server.url, headers={"x-api-key": "secret", "x-a": "1"}) as client:
        await client.threads.search(headers={"x-a": "2"})

    assert (server.requests[0].headers["x-api-key"], server.requests[0].headers["x-a"]) == ("secret", "2")


async def test_a_server_below_a_path_is_reached_there(server: ScriptedServer) -> None:
    async with get_client(f"{server.url}/below/here") as client:
        with pytest.raises(NotFound):
            await client.info()

    assert server.requests[0].path == "/below/here/info"


async def test_a_closed_client_says_so(server: ScriptedServer) -> None:
    async with get_client(server.url) as client:
        pass

    with pytest.raises(ClientClosed):
        await client.runs.wait(None, "chat")


async def test_credentials_in_the_address_stay_out_of_sentences() -> None:
    async with get_client("http://user:secret@127.0.0.1:1") as client:
        with pytest.raises(ServerUnreachable) as caught:
            await client.ok()

    assert "secret" not in str(caught.value)


def test_the_package_imports_nothing_of_django_or_of_other_rooms() -> None:
    program = (
        "import sys, dashboard.langgraph;"
        "print([m for m in sys.modules if m.split('.')[0] == 'django'"
        " or (m.startswith('dashboard.') and not m.startswith('dashboard.langgraph'))])"
    )

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "[]"
