"""Every end of LANGGRAPH.md section 3 on the real server: on a thread of its own, stateless and kept, stateless and
deleted, and on a thread on which another run follows at once. All ends on one kind of thread go on at the same time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest

from dashboard.langgraph import get_client
from dashboard.runs import services
from dashboard.runs.banners import run_banner
from dashboard.runs.models import Run
from dashboard.servers.models import Server
from dashboard.teams.models import User
from tests.asynchronous import eventually, in_db, run_in, working
from tests.contract.langgraph_dev import LangGraphDev
from tests.contract.test_real_runs import ENDED, GRAPHS, launch, state
from tests.factories import make_server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("coroutine_connections")]

TIME_LIMIT_S = 8
WITHIN_S = 60.0
QUICK = json.dumps({"topic": "Tides", "seconds": 0})
SLOW = json.dumps({"topic": "Tides", "seconds": 40, "sections": 3})


@pytest.fixture(scope="module")
def samples() -> Iterator[LangGraphDev]:
    """The real server with room for all of them, and a time limit."""
    with LangGraphDev(GRAPHS, jobs=40, environment={"BG_JOB_TIMEOUT_SECS": str(TIME_LIMIT_S)}) as server:
        yield server


def finished(run: Run) -> None:
    assert "Tides" in state(run)["title"]


def asks_both(run: Run) -> None:
    asked = run.ending["interrupts"]
    assert {question["value"]["reviewer"] for question in asked} == {"legal", "finance"}
    assert len({question["id"] for question in asked}) == 2
    assert {question["response_schema"]["title"] for question in asked} == {"Opinion"}


def waits_at(node: str) -> Callable[[Run], None]:
    def check(run: Run) -> None:
        assert run.ending["next"] == [node]

    return check


def failed_with(kind: str, message: str, node: str) -> Callable[[Run], None]:
    def check(run: Run) -> None:
        assert (run.error_type, run.error_node) == (kind, node)
        assert message in run.error_message

    return check


def stopped(*, here: bool, undone: bool) -> Callable[[Run], None]:
    """Who stopped it is said, and what it had done is kept on our side also when the server forgot it."""

    def check(run: Run) -> None:
        assert bool(run.ending.get("note")) is not here, run.ending
        assert bool(run.ending.get("rolled_back")) is undone, run.ending
        assert isinstance(state(run), dict)

    return check


def cut_off(run: Run) -> None:
    assert isinstance(state(run), dict)


def never_began(run: Run) -> None:
    assert not run.ending.get("note")
    assert not run.ending.get("rolled_back")


@dataclass(frozen=True)
class End:
    """A row of the table: what is launched, what is done to it once it is at work, and how it is told to have ended."""

    name: str
    fields: dict[str, str]
    status: str
    is_told: Callable[[Run], None]
    act: str = ""


REPORT = {"assistant_id": "report", "input": QUICK}
WORKING = {"assistant_id": "report", "input": SLOW}
REFUSED = "Input should be a valid string"
LIMIT = '{"recursion_limit": 1}'
ENDS = (
    End("finished", REPORT, "succeeded", finished),
    End("asks", {"assistant_id": "panel", "input": '{"proposal": "a harbour"}'}, "needs_input", asks_both),
    End("before a node", REPORT | {"interrupt_before": "review"}, "paused", waits_at("review")),
    End("after a node", REPORT | {"interrupt_after": "plan"}, "paused", waits_at("write")),
    End(
        "raised",
        {"assistant_id": "faulty", "input": '{"kind": "custom"}'},
        "failed",
        failed_with("SensorOffline", "Sensor 7 has not answered since noon", "explode"),
    ),
    End(
        "input refused",
        {"assistant_id": "report", "input": '{"topic": 3}'},
        "failed",
        failed_with("ValidationError", REFUSED, ""),
    ),
    End("too many steps", REPORT | {"config": LIMIT}, "failed", failed_with("GraphRecursionError", "limit of 1", "")),
    End("cancelled here", WORKING, "cancelled", stopped(here=True, undone=False), act="interrupt"),
    End("rolled back here", WORKING, "cancelled", stopped(here=True, undone=True), act="rollback"),
    End("cancelled there", WORKING, "cancelled", stopped(here=False, undone=False), act="there"),
    End("pushed out", WORKING, "cancelled", stopped(here=False, undone=False), act="pushed by interrupt"),
    End("pushed out and undone", WORKING, "cancelled", stopped(here=False, undone=True), act="pushed by rollback"),
    End("cancelled while queued", REPORT | {"after_seconds": "50"}, "cancelled", never_began, act="interrupt"),
    End("time limit", WORKING, "timed_out", cut_off),
)


@dataclass(frozen=True)
class OnThread:
    """Where the runs go, and whether another of the same graph is enqueued behind each as soon as it exists."""

    name: str
    fields: dict[str, str] = field(default_factory=dict)
    is_followed: bool = False


THREADS = (
    OnThread("own thread"),
    OnThread("stateless, kept", {"thread": "stateless", "on_completion": "keep"}),
    OnThread("stateless, deleted", {"thread": "stateless", "on_completion": "delete"}),
    OnThread("existing thread, followed at once", {"thread": "existing"}, is_followed=True),
)


FOLLOWERS: dict[str, Any] = {
    "report": {"topic": "Follower", "seconds": 0},
    "panel": {"proposal": "another harbour"},
    "faulty": {"kind": "value"},
    "chat": {"messages": [{"role": "user", "content": "hello"}]},
}


@pytest.mark.parametrize("thread", THREADS, ids=lambda thread: thread.name)
async def test_every_end_is_told_as_it_was(server: Server, person: User, thread: OnThread) -> None:
    async with working():
        runs = await asyncio.gather(*(lived(end, thread, server, person) for end in ENDS))

    assert {end.name: run.status for end, run in zip(ENDS, runs, strict=True)} == {end.name: end.status for end in ENDS}
    for end, run in zip(ENDS, runs, strict=True):
        end.is_told(run)
        banner = await in_db(run_banner, run)
        assert end.status == "succeeded" or (banner and banner.title and banner.text), end.name


async def lived(end: End, thread: OnThread, server: Server, person: User) -> Run:
    """The run once it has ended, after what belongs to it was done."""
    fields = end.fields | thread.fields
    async with get_client(server.url) as client:
        if thread.fields.get("thread") == "existing":
            fields["thread_id"] = (await client.threads.create())["thread_id"]
        run = await in_db(launch, server, person, **fields)
        run = await run_in(run, "running", "scheduled", *ENDED, deadline_s=WITHIN_S)
        if thread.is_followed and not end.act.startswith("pushed"):
            await follow(run, server, "enqueue")
        if end.act:
            if run.status == "running":
                await eventually(partial(is_at_work, run, client), f"{end.name}: at work on the server")
            await do(end.act, run, server, person, client)
    return await run_in(run, *ENDED, deadline_s=WITHIN_S)


async def is_at_work(run: Run, client: Any) -> bool:
    found = await client.runs.get(str(run.remote_thread_id), str(run.remote_run_id))
    return bool(found["status"] == "running")


async def is_over(run: Run, client: Any) -> bool:
    return (await client.runs.get(str(run.remote_thread_id), str(run.remote_run_id)))["status"] == "success"


async def do(act: str, run: Run, server: Server, person: User, client: Any) -> None:
    if act == "there":
        await client.runs.cancel(str(run.remote_thread_id), str(run.remote_run_id))
    elif act.startswith("pushed by "):
        await follow(run, server, act.removeprefix("pushed by "))
    else:
        await in_db(services.run_cancel, run=run, by=person, action=act)


async def follow(run: Run, server: Server, strategy: str) -> None:
    """Somebody else sends a run of the same graph to the same thread."""
    order = {"assistant_id": run.assistant_id, "input": FOLLOWERS[run.assistant_id], "multitask_strategy": strategy}
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as somebody:
        answer = await somebody.post(
            f"/threads/{run.remote_thread_id}/runs",
            json=order,
        )
        # A deleted thread: the run had ended before anybody could follow.
        assert answer.status_code in (200, 404), answer.text


@pytest.mark.parametrize(("follower", "paused"), [("report", "paused"), ("chat", "lost")])
async def test_what_waits_is_not_told_by_the_graph_of_a_run_that_came_later(
    server: Server, person: User, follower: str, paused: str
) -> None:
    """The server tells all states of a thread by the graph of its latest run: by another's no node waits, although it
    does. Here that run is over before a worker asks."""
    steady = {"assistant_id": "report", "input": json.dumps({"topic": "Tides", "seconds": 4})}
    async with working():
        runs = [await in_db(launch, server, person, **steady, **more) for more in ({}, {"interrupt_before": "review"})]
        runs = [await run_in(run, "running") for run in runs]
    async with get_client(server.url) as client:
        for run in runs:
            await eventually(partial(is_over, run, client), "over on the server", deadline_s=WITHIN_S)
            await client.runs.wait(str(run.remote_thread_id), follower, input=FOLLOWERS[follower])
    async with working():
        finished, stopped = [await run_in(run, *ENDED, deadline_s=WITHIN_S) for run in runs]

    # What did not wait cannot be told from what did, so neither is guessed.
    assert (finished.status, stopped.status) == ("succeeded" if paused == "paused" else "lost", paused)
    if paused == "lost":
        assert "not whether it finished" in stopped.error_message
        assert not hasattr(stopped, "result"), "the values are told by another graph too"


def test_no_end_is_left_out() -> None:
    assert {end.status for end in ENDS} | {"lost"} == set(ENDED)


@pytest.mark.parametrize("thread", THREADS[:3], ids=lambda thread: thread.name)
async def test_a_server_that_forgot_everything_leaves_the_run_lost(person: User, thread: OnThread) -> None:
    with LangGraphDev(GRAPHS) as own:
        server = await in_db(make_server, await in_db(person.teams.get), url=own.url)
        async with working():
            run = await in_db(launch, server, person, **WORKING, **thread.fields)
            await run_in(run, "running")
            await in_db(own.restart, kill=True, lose="pckl")
            run = await run_in(run, *ENDED, deadline_s=WITHIN_S)

    banner = await in_db(run_banner, run)
    assert run.status == "lost"
    assert banner
    assert "not known" in banner.title
    assert "launch it again" in banner.text
    assert not hasattr(run, "result")
