"""The whole way on the real server: launched through the form, awaited by the worker, on the sample graphs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboard.langgraph import NotFound, get_client
from dashboard.launch.forms import LaunchForm
from dashboard.runs import services
from dashboard.runs.models import Run
from dashboard.runs.statuses import ACTIVE, RunStatus
from dashboard.servers.models import Server
from dashboard.servers.schemas import schema_example
from dashboard.teams.models import User
from tests.asynchronous import eventually, in_db, kinds, run_in, working
from tests.contract.langgraph_dev import SAMPLES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("coroutine_connections")]

ENDED = [status for status in RunStatus if status not in ACTIVE]
SLOW = json.dumps({"topic": "Tides", "seconds": 30, "sections": 3})
AGENTS = ("refunds", "refunds_per_call")
ASKING = ("approval", "panel", "mail", "questions", *AGENTS)


def launch(server: Server, by: User, **fields: str) -> Run:
    """Fill the form and launch, as a person does."""
    form = LaunchForm(fields, team=server.team)
    assert form.is_valid(), form.errors
    return services.run_launch(team=server.team, by=by, order=form.order())


async def ended(server: Server, by: User, **fields: str) -> Run:
    run = await in_db(launch, server, by, **fields)
    return await run_in(run, *ENDED, deadline_s=30)


def state(run: Run) -> Any:
    return json.loads(run.result.body)


async def test_report_succeeds_with_its_state(server: Server, person: User) -> None:
    async with working():
        run = await ended(
            server, person, assistant_id="report", input='{"topic": "Tides", "seconds": 0.2, "sections": 2}'
        )

    assert run.status == "succeeded"
    assert len(state(run)["sections_written"]) == 2
    assert await in_db(kinds, run) == ["launched", "starting", "created_on_server", "running", "succeeded"]


async def test_chat_reads_its_context(server: Server, person: User) -> None:
    async with working():
        run = await ended(
            server,
            person,
            assistant_id="chat",
            input='{"messages": [{"role": "user", "content": "hello"}]}',
            context='{"tone": "shout"}',
        )

    assert run.status == "succeeded"
    assert "HELLO" in state(run)["messages"][-1]["content"]


async def test_approval_asks_and_goes_on_with_an_answer(server: Server, person: User) -> None:
    async with working():
        asked = await ended(server, person, assistant_id="approval", input='{"request": "a chair", "amount": 90}')
        answered = await ended(
            server,
            person,
            assistant_id="approval",
            thread="existing",
            thread_id=str(asked.remote_thread_id),
            command='{"resume": {"approved": true}}',
        )

    assert asked.status == "needs_input"
    assert len(asked.ending["interrupts"]) == 1
    assert asked.ending["interrupts"][0]["id"]
    assert answered.status == "succeeded"


async def test_panel_asks_two_questions_at_once(server: Server, person: User) -> None:
    example = await _example(server, "panel")
    async with working():
        run = await ended(server, person, assistant_id="panel", input=json.dumps(example))

    assert run.status == "needs_input"
    assert len(run.ending["interrupts"]) == 2


async def _example(server: Server, graph: str) -> Any:
    async with working():
        await eventually(lambda: in_db(server.assistants.filter(graph_id=graph).exists), "the directory is filled")
    assistant = await in_db(server.assistants.get, graph_id=graph)
    return schema_example(assistant.schemas["input_schema"])


@pytest.mark.parametrize(
    ("kind", "type"),
    [("value", "ValueError"), ("key", "KeyError"), ("custom", None)],
)
async def test_faulty_fails_with_type_unmasked_message_and_node(
    server: Server, person: User, kind: str, type: str | None
) -> None:
    async with working():
        run = await ended(server, person, assistant_id="faulty", input=json.dumps({"kind": kind}))

    assert run.status == "failed"
    assert run.error_node == "explode"
    assert run.error_message
    assert "internal error" not in run.error_message
    if type:
        assert run.error_type == type
    else:
        assert run.error_type not in ("", "Exception", "Error")
    assert not hasattr(run, "result")


async def test_raise_error_false_keeps_the_error_state(server: Server, person: User) -> None:
    async with working():
        run = await ended(server, person, assistant_id="faulty", input='{"kind": "value"}', raise_error="false")

    assert run.status == "failed"
    assert state(run)["__error__"]["error"] == "ValueError"


async def test_input_the_graph_refuses_is_a_failure(server: Server, person: User) -> None:
    async with working():
        run = await ended(server, person, assistant_id="report", input='{"topic": 3}')

    assert run.status == "failed"
    assert "topic" in run.error_message


@pytest.mark.parametrize(("field", "node"), [("interrupt_before", "write"), ("interrupt_after", "plan")])
async def test_a_breakpoint_pauses_and_can_be_continued(server: Server, person: User, field: str, node: str) -> None:
    async with working():
        paused = await ended(
            server, person, assistant_id="report", input='{"topic": "x", "seconds": 0}', **{field: node}
        )
        gone_on = await ended(
            server, person, assistant_id="report", thread="existing", thread_id=str(paused.remote_thread_id)
        )

    assert paused.status == "paused"
    assert paused.ending["next"] == ["write"]
    assert gone_on.status == "succeeded"


@pytest.mark.parametrize("action", ["interrupt", "rollback"])
async def test_cancel_stops_it_on_the_server(server: Server, person: User, action: Any) -> None:
    async with working():
        run = await in_db(launch, server, person, assistant_id="report", input=SLOW)
        await run_in(run, "running")
        await in_db(services.run_cancel, run=run, by=person, action=action)
        run = await run_in(run, *ENDED, deadline_s=20)

    assert run.status == "cancelled"
    assert bool(run.ending.get("rolled_back")) == (action == "rollback")


@pytest.mark.parametrize("on_completion", ["", "keep", "delete"])
async def test_stateless_runs_tell_the_truth_and_leave_what_was_asked(
    server: Server, person: User, on_completion: str
) -> None:
    async with working():
        paused = await ended(
            server,
            person,
            assistant_id="report",
            thread="stateless",
            on_completion=on_completion,
            input='{"topic": "x", "seconds": 0}',
            interrupt_before="review",
        )
        left = await _thread_exists(server, str(paused.remote_thread_id), expected=on_completion == "keep")

    assert paused.status == "paused"
    assert left == (on_completion == "keep")


async def _thread_exists(server: Server, thread_id: str, *, expected: bool) -> bool:
    async with get_client(server.url) as client:

        async def look() -> tuple[bool] | None:
            try:
                await client.threads.get(thread_id)
            except NotFound:
                return None if expected else (False,)
            return (True,) if expected else None

        return (await eventually(look, "the thread as asked"))[0]


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"assistant_id": "nosuch"}, 422, "nosuch"),
        ({"assistant_id": "report", "thread_id": "3f2b8c1e-5d0a-4b7e-9c61-2a4f0d8e7b35"}, 404, "not found"),
        ({"assistant_id": "report", "input": SLOW, "webhook": "http://127.0.0.1/x"}, 422, "Webhook"),
    ],
)
async def test_refusals_are_failures_with_the_servers_sentence(
    server: Server, person: User, fields: dict[str, str], status: int, says: str
) -> None:
    async with working():
        run = await in_db(launch, server, person, **fields)
        run = await run_in(run, "failed")

    assert run.error_type == f"Refused with HTTP {status}"
    assert says in run.error_message


async def test_a_scheduled_run_waits_and_then_runs(server: Server, person: User) -> None:
    async with working():
        run = await in_db(
            launch, server, person, assistant_id="report", input='{"topic": "x", "seconds": 0}', after_seconds="2"
        )
        await run_in(run, "scheduled")
        run = await run_in(run, "succeeded", deadline_s=30)

    found = await in_db(kinds, run)
    assert found.index("scheduled") < found.index("succeeded")


async def test_another_run_that_follows_at_once_does_not_change_the_first_ones_end(
    server: Server, person: User
) -> None:
    async with working():
        first = await in_db(
            launch,
            server,
            person,
            assistant_id="report",
            input='{"topic": "x", "seconds": 0}',
            interrupt_before="write",
        )
        first = await run_in(first, "running", *ENDED)
        second = await in_db(
            launch,
            server,
            person,
            assistant_id="report",
            thread="existing",
            thread_id=str(first.remote_thread_id),
            multitask_strategy="enqueue",
            input='{"topic": "y", "seconds": 1}',
        )
        first = await run_in(first, *ENDED, deadline_s=30)
        second = await run_in(second, *ENDED, deadline_s=30)

    assert (first.status, second.status) == ("paused", "succeeded")
    assert "Tides" not in state(second)["title"]


async def test_checkpoint_during_warns_and_runs(server: Server, person: User) -> None:
    async with working():
        run = await ended(
            server, person, assistant_id="report", input='{"topic": "x", "seconds": 0}', checkpoint_during="true"
        )

    assert run.status == "succeeded"
    warning = await in_db(run.events.get, kind="warning")
    assert "durability" in warning.data["message"]


async def test_a_restarted_worker_joins_what_is_going_on(server: Server, person: User) -> None:
    async with working():
        run = await in_db(
            launch, server, person, assistant_id="report", input='{"topic": "x", "seconds": 4, "sections": 2}'
        )
        await run_in(run, "running")
    async with working():
        run = await run_in(run, *ENDED, deadline_s=30)

    assert run.status == "succeeded"
    assert len(state(run)["sections_written"]) == 2
    assert "adopted" in await in_db(kinds, run)


async def test_every_sample_has_schemas_with_words_and_an_example_that_runs(server: Server, person: User) -> None:
    graphs = set(json.loads((SAMPLES / "langgraph.json").read_text())["graphs"])

    def with_schemas() -> set[str]:
        return set(server.assistants.exclude(schemas_text="{}").values_list("graph_id", flat=True))

    async with working():
        await eventually(lambda: in_db(lambda: with_schemas() == graphs), "all assistants with their schemas")
        assistants = await in_db(lambda: list(server.assistants.all()))
        for assistant in assistants:
            schema = assistant.schemas["input_schema"]
            example = schema_example(schema)
            if assistant.graph_id in AGENTS:  # LangChain's own schema, which has no example
                assert set(schema["properties"]) == {"messages"}
                example = {"messages": [{"role": "user", "content": "Order 8841 came broken."}]}
            assert example, assistant.graph_id
            fields = {"assistant_id": assistant.graph_id, "input": json.dumps(example)}
            run = await ended(server, person, **fields)
            expected = dict.fromkeys(ASKING, "needs_input") | {"faulty": "failed"}
            assert run.status == expected.get(assistant.graph_id, "succeeded"), assistant.graph_id

    assert all(assistant.description for assistant in assistants)
