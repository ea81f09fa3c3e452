"""Every end of docs/langgraph-protocol.md on the real server: on a thread of its own, stateless and kept, stateless and
deleted, and on a thread on which another run follows at once. All ends on one kind of thread go on at the same time."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Iterator
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
from tests.contract.ends import ENDS, FOLLOWERS, PLANNED, THREADS, WORKING, End, OnThread, Says
from tests.contract.langgraph_dev import SAMPLES, LangGraphDev
from tests.contract.test_real_runs import ENDED, launch, state
from tests.factories import make_server

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("coroutine_connections", "static_files"),
]

TIME_LIMIT_S = 8
WITHIN_S = 60.0


@pytest.fixture(scope="module")
def samples() -> Iterator[LangGraphDev]:
    """The real server with room for all of them, and a time limit."""
    with LangGraphDev(SAMPLES, jobs=40, environment={"BG_JOB_TIMEOUT_SECS": str(TIME_LIMIT_S)}) as server:
        yield server


@pytest.mark.parametrize("thread", THREADS, ids=lambda thread: thread.name)
async def test_every_end_is_stored_as_it_was(server: Server, person: User, thread: OnThread) -> None:
    async with working():
        runs = await asyncio.gather(*(lived(end, thread, server, person) for end in ENDS))

    assert {end.name: run.status for end, run in zip(ENDS, runs, strict=True)} == {end.name: end.status for end in ENDS}
    for end, run in zip(ENDS, runs, strict=True):
        end.check_ending(run)
        assert kept(run) == end.values, end.name
        await in_db(says_on_its_page, end.says, run, person, thread)


def kept(run: Run) -> Any:
    """Its stored values, without the questions that came with them; None without any."""
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
    for text in (banner.title, banner.text, banner.code):
        assert text in page
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
async def test_what_waits_is_not_read_by_the_graph_of_a_run_that_came_later(
    server: Server, person: User, follower: str, paused: str
) -> None:
    """The server renders all states of a thread with the graph of its latest run: with another graph no node waits,
    although it does. Here that run is over before a worker asks."""
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
        assert not hasattr(stopped, "result"), "another graph rendered the values too"
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


LOST = Says("Nobody knows how this run ended.", "before you launch it again.")


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
    assert "no longer knows the run or its thread" in run.error_message
    await in_db(says_on_its_page, LOST, run, person, thread)
