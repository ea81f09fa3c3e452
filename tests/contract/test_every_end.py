"""Every end of docs/langgraph-protocol.md on the real server: on a thread of its own, stateless and kept, stateless and
deleted, and on a thread on which another run follows at once. All ends on one kind of thread go on at the same time."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest
from django.test import Client

from dashboard.langgraph import get_client
from dashboard.runs import services
from dashboard.runs.models import Run, WaitState
from dashboard.servers.models import Server
from dashboard.teams.models import User
from tests.asynchronous import eventually, in_db, run_in, working
from tests.contract.langgraph_dev import SAMPLES, LangGraphDev
from tests.contract.test_real_runs import ENDED, launch, state
from tests.factories import make_server

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("coroutine_connections", "static_files"),
]

TIME_LIMIT_S = 8
WITHIN_S = 60.0
QUICK = json.dumps({"topic": "Tides", "seconds": 0, "sections": 1})
# It plans for 3 s and then writes for 9 s: whatever stops it does so between the two.
SLOW = json.dumps({"topic": "Tides", "seconds": 15, "sections": 3})

# What the graphs have written when they come so far.
PLANNED = {"title": "A short report on Tides"}
SECTION = {
    "heading": "1. What it is",
    "text": "To understand Tides, look closely at one example before you look at many.",
}
WRITTEN = PLANNED | {"sections_written": [SECTION]}
REMARKS = ["1 sections, 13 words.", "Every heading of the plan was written."]
REVIEWED = WRITTEN | {
    "remarks": REMARKS,
    "report": "\n\n".join(
        (
            f"# {PLANNED['title']}",
            f"## {SECTION['heading']}",
            SECTION["text"],
            "---",
            "\n".join(f"- {r}" for r in REMARKS),
        )
    ),
}


@pytest.fixture(scope="module")
def samples() -> Iterator[LangGraphDev]:
    """The real server with room for all of them, and a time limit."""
    with LangGraphDev(SAMPLES, jobs=40, environment={"BG_JOB_TIMEOUT_SECS": str(TIME_LIMIT_S)}) as server:
        yield server


def finished(run: Run) -> None:
    assert run.ending == {}


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
    """Who stopped it is said, and whether the server forgot what it had done."""

    def check(run: Run) -> None:
        assert bool(run.ending.get("note")) is not here, run.ending
        assert bool(run.ending.get("rolled_back")) is undone, run.ending

    return check


def cut_off(run: Run) -> None:
    assert run.ending == {}


def never_began(run: Run) -> None:
    assert run.ending == {"no_state": True}


@dataclass(frozen=True)
class Says:
    """What the page says: a title, a telling part of the sentence below it, and what it offers to do next.

    `alone` stands in the sentence's place where the thread is not kept; nothing is offered there. What offers a `step`
    is a form in the banner's place, as long as nobody else came to the thread.
    """

    title: str
    text: str
    alone: str = ""
    step: str = ""


@dataclass(frozen=True)
class End:
    """A row of the table: what is launched, what is done to it once it is at work, and how it is told to have ended.

    `values` are those the graph had written, all of which are kept on our side; None where there is no final state.
    """

    name: str
    fields: dict[str, str]
    status: str
    is_told: Callable[[Run], None]
    values: dict[str, Any] | None
    says: Says | None
    act: str = ""


REPORT = {"assistant_id": "report", "input": QUICK}
WORKING = {"assistant_id": "report", "input": SLOW}
REFUSED = "Input should be a valid string"
LIMIT = '{"recursion_limit": 1}'
GOES_ON = "What it had done until then is kept. A new run on its thread goes on from there."
LEFT_NOTHING = "on the server it left nothing, as it ran without a thread."
UNDONE = "What it had done was undone on the server."
BY_US = "Cancelled by {person}."
BY_OTHERS = "Stopped on the server: cancelled there, or pushed out by another run."
CANNOT_CONTINUE = "It ran without a thread, so it cannot be continued."
ENDS = (
    End("finished", REPORT, "succeeded", finished, REVIEWED, None),
    End(
        "asks",
        {"assistant_id": "panel", "input": '{"proposal": "a harbour"}'},
        "needs_input",
        asks_both,
        {"proposal": "a harbour", "opinions": []},
        Says(
            "The graph asks 2 questions",
            "",
            "It ran without a thread, so nobody can answer. Launch it on a thread instead.",
            step="Send answers",
        ),
    ),
    End(
        "before a node",
        REPORT | {"interrupt_before": "review"},
        "paused",
        waits_at("review"),
        WRITTEN,
        Says("Paused as asked; next is review", "", CANNOT_CONTINUE, step="Continue"),
    ),
    End(
        "after a node",
        REPORT | {"interrupt_after": "plan"},
        "paused",
        waits_at("write"),
        PLANNED,
        Says("Paused as asked; next is write", "", CANNOT_CONTINUE, step="Continue"),
    ),
    End(
        "raised",
        {"assistant_id": "faulty", "input": '{"kind": "custom"}'},
        "failed",
        failed_with("SensorOffline", "Sensor 7 has not answered since noon", "explode"),
        None,
        Says("SensorOffline in node explode", "The graph raised this. Launch again once it is mended."),
    ),
    End(
        "input refused",
        {"assistant_id": "report", "input": '{"topic": 3}'},
        "failed",
        failed_with("ValidationError", REFUSED, ""),
        None,
        Says("ValidationError", "Change what it is launched with"),
    ),
    End(
        "too many steps",
        REPORT | {"config": LIMIT},
        "failed",
        failed_with("GraphRecursionError", "limit of 1", ""),
        None,
        Says("GraphRecursionError", "Launch again with a higher recursion_limit in config."),
    ),
    End(
        "cancelled here",
        WORKING,
        "cancelled",
        stopped(here=True, undone=False),
        PLANNED,
        Says(BY_US, GOES_ON, LEFT_NOTHING),
        act="interrupt",
    ),
    End(
        "rolled back here",
        WORKING,
        "cancelled",
        stopped(here=True, undone=True),
        PLANNED,
        Says(BY_US, UNDONE),
        act="rollback",
    ),
    End(
        "cancelled there",
        WORKING,
        "cancelled",
        stopped(here=False, undone=False),
        PLANNED,
        Says(BY_OTHERS, GOES_ON, LEFT_NOTHING),
        act="there",
    ),
    End(
        "pushed out",
        WORKING,
        "cancelled",
        stopped(here=False, undone=False),
        PLANNED,
        Says(BY_OTHERS, GOES_ON, LEFT_NOTHING),
        act="pushed by interrupt",
    ),
    End(
        "pushed out and undone",
        WORKING,
        "cancelled",
        stopped(here=False, undone=True),
        PLANNED,
        Says("Rolled back on the server, by another run or by someone there.", UNDONE),
        act="pushed by rollback",
    ),
    End(
        "cancelled while queued",
        REPORT | {"after_seconds": "50"},
        "cancelled",
        never_began,
        None,
        Says(BY_US, "It left nothing on its thread: there is nothing to undo, and nothing to go on from."),
        act="interrupt",
    ),
    End(
        "time limit",
        WORKING,
        "timed_out",
        cut_off,
        PLANNED,
        Says("The server's own time limit ended it.", "Launch again, or ask for a longer limit there."),
    ),
)


@dataclass(frozen=True)
class OnThread:
    """Where the runs go, whether another of the same graph is enqueued behind each as soon as it exists, and whether
    the thread is still there at the end."""

    name: str
    fields: dict[str, str] = field(default_factory=dict)
    is_followed: bool = False
    is_kept: bool = True


THREADS = (
    OnThread("own thread"),
    OnThread("stateless, kept", {"thread": "stateless", "on_completion": "keep"}),
    OnThread("stateless, deleted", {"thread": "stateless", "on_completion": "delete"}, is_kept=False),
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
        assert kept(run) == end.values, end.name
        await in_db(says_on_its_page, end.says, run, person, thread)


def kept(run: Run) -> Any:
    """The values that are kept of it, without the questions that came with them; None when there are none."""
    if not hasattr(run, "result"):
        return None
    values = state(run)
    assert values.pop("__interrupt__", None) == run.ending.get("interrupts")
    return values


def says_on_its_page(says: Says | None, run: Run, by: User, thread: OnThread) -> None:
    browser = Client()
    browser.force_login(by)
    answer = browser.get(f"/runs/{run.pk}/")
    page, banner = answer.content.decode(), answer.context["banner"]
    if says is None:
        assert banner is None
        assert 'title="Finished. This is its final state."' in page
        return
    page = html.unescape(page)
    if says.step and thread.is_kept and run.wait_state == WaitState.OPEN:
        assert banner is None, "the form says it all"
        panel = " ".join(re.sub(r"<[^>]+>", " ", page[page.index(f'id="run-{run.pk}-answer"') :]).split())
        assert says.title in panel
        assert says.step in panel
        return
    assert banner.title.removesuffix(".") == says.title.format(person=by).removesuffix(".")
    assert (says.text if thread.is_kept else says.alone or says.text) in banner.text
    assert banner.code == (run.error_message if run.status == "failed" else "")
    for told in (banner.title, banner.text, banner.code):
        assert told in page
    assert f'action="/runs/{run.pk}/answer/"' not in page
    assert f'action="/runs/{run.pk}/continue/"' not in page


async def lived(end: End, thread: OnThread, server: Server, person: User) -> Run:
    """The run once it has ended, after what belongs to it was done."""
    async with get_client(server.url) as client:
        run = await launched(end.fields, thread, server, person, client)
        run = await run_in(run, "running", "scheduled", *ENDED, deadline_s=WITHIN_S)
        if thread.is_followed and not end.act.startswith("pushed"):
            await follow(run, server, "enqueue")
        if end.act:
            if run.status == "running":
                await eventually(partial(has_planned, run, client), f"{end.name}: has planned", deadline_s=WITHIN_S)
            await do(end.act, run, server, person, client)
    return await run_in(run, *ENDED, deadline_s=WITHIN_S)


async def launched(fields: dict[str, str], thread: OnThread, server: Server, person: User, client: Any) -> Run:
    fields = fields | thread.fields
    if thread.fields.get("thread") == "existing":
        fields["thread_id"] = (await client.threads.create())["thread_id"]
    return await in_db(launch, server, person, **fields)


async def has_planned(run: Run, client: Any) -> bool:
    found = await client.threads.get_state(str(run.remote_thread_id))
    return bool((found["values"] or {}).get("title"))


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
    else:
        assert [state(run)["title"] for run in (finished, stopped)] == [PLANNED["title"]] * 2


async def test_what_was_written_before_a_question_is_kept_with_it(person: User, langgraph_url: str) -> None:
    server = await in_db(make_server, await in_db(person.teams.get), url=langgraph_url)
    async with working():
        run = await in_db(launch, server, person, assistant_id="ask", input='{"text": "Tides"}')
        run = await run_in(run, *ENDED, deadline_s=WITHIN_S)

    assert run.status == "needs_input"
    assert [question["value"] for question in run.ending["interrupts"]] == [{"question": "Really?"}]
    assert kept(run) == {"text": "Tides", "done": False}


def test_no_end_is_left_out() -> None:
    assert {end.status for end in ENDS} | {"lost"} == set(ENDED)


LOST = Says("How this run ended is not known.", "before you launch it again.")


@pytest.mark.parametrize(
    "thread",
    [THREADS[0], *(pytest.param(thread, marks=pytest.mark.slow) for thread in THREADS[1:])],
    ids=lambda thread: thread.name,
)
async def test_a_server_that_forgot_everything_leaves_the_run_lost(person: User, thread: OnThread) -> None:
    with LangGraphDev(SAMPLES) as own:
        server = await in_db(make_server, await in_db(person.teams.get), url=own.url)
        async with working():
            async with get_client(own.url) as client:
                run = await launched(WORKING, thread, server, person, client)
                run = await run_in(run, "running")
                if thread.is_followed:
                    await follow(run, server, "enqueue")
            await in_db(own.restart, kill=True, lose="pckl")
            run = await run_in(run, *ENDED, deadline_s=WITHIN_S)

    assert run.status == "lost"
    assert kept(run) is None
    assert "knows neither the run nor its thread" in run.error_message
    await in_db(says_on_its_page, LOST, run, person, thread)
