"""Runs that their server began anew by itself, as it does after a restart: whoever awaits them says so, once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from dashboard.runs.models import Run
from tests.asynchronous import eventually, in_db, run_in, working
from tests.factories import make_run, make_server, make_team
from tests.integration.adopting import adopted, lease_ends, left_alone
from tests.scripted_server import Fault, ScriptedRun, ScriptedServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_worker")]


def leaves_a_state(remote: ScriptedRun) -> None:
    remote.thread.states.append(
        {"created_at": remote.created_at, "metadata": {"run_id": remote.run_id}, "values": {}, "next": ["again"]}
    )


def begins_anew(remote: ScriptedRun, *, after_s: float = 2.0) -> None:
    """What a server that has loaded an unfinished run says of it: since when it is as it is has changed."""
    remote.updated_at = (datetime.fromisoformat(remote.created_at) + timedelta(seconds=after_s)).isoformat()


async def says_so(run: Run, times: int = 1) -> None:
    told = run.events.filter(kind="executed_again")
    await eventually(lambda: in_db(lambda: told.count() == times), f"said so {times} times")


async def test_a_run_that_its_server_began_anew_says_so(scripted: ScriptedServer) -> None:
    scripted.script("join", Fault(delay_s=1.0))
    async with working():
        team = await in_db(make_team)
        run = await in_db(make_run, team=team, server=await in_db(make_server, team, url=scripted.url))
        remote = await scripted.run_created()
        await run_in(run, "running")
        leaves_a_state(remote)
        await scripted.crash()
        remote.updated_at = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()  # its status changes once more

        await says_so(run)
        remote.finish({})
        ended = await run_in(run, "succeeded")

    assert ended.executions == 2


async def test_a_run_that_was_begun_anew_while_nobody_awaited_it_says_so(scripted: ScriptedServer) -> None:
    run, remote = await left_alone(scripted)
    leaves_a_state(remote)
    begins_anew(remote)
    await lease_ends(run)
    async with working():
        await says_so(run)
        remote.finish({})
        ended = await run_in(run, "succeeded")

    assert ended.executions == 2


async def test_a_server_that_does_not_say_so_at_once_is_asked_again(scripted: ScriptedServer) -> None:
    run, remote = await left_alone(scripted)
    leaves_a_state(remote)
    begins_anew(remote)
    scripted.script("run", Fault(status=500), Fault(cut_before_headers=True), Fault(status=503))
    scripted.script("history", Fault(status=502))
    await lease_ends(run)
    async with working():
        await says_so(run)
        remote.finish({})
        ended = await run_in(run, "succeeded")

    assert ended.executions == 2


async def test_each_time_that_an_adopted_run_is_begun_anew_is_said_once(scripted: ScriptedServer) -> None:
    run, remote = await left_alone(scripted)
    leaves_a_state(remote)
    await lease_ends(run)
    async with working():
        await scripted.requested("join")
        await scripted.crash()
        begins_anew(remote)
        await says_so(run)
        rejoined = run.events.filter(kind="rejoined")
        for lines in (2, 3):  # the line alone breaks
            await scripted.crash()
            await eventually(lambda lines=lines: in_db(lambda: rejoined.count() == lines), "joined again")
        begins_anew(remote, after_s=9.0)
        await scripted.crash()
        await says_so(run, 2)
        remote.finish({})
        ended = await run_in(run, "succeeded")

    assert ended.executions == 3


@pytest.mark.parametrize("left", ["no state", "a state of its second beginning"])
async def test_a_run_that_began_while_nobody_awaited_it_is_not_said_to_have_begun_anew(
    scripted: ScriptedServer, left: str
) -> None:
    """It waited behind another run, so its status has changed since it was created."""
    run, remote = await left_alone(scripted)
    begins_anew(remote)
    if left != "no state":
        begun = datetime.fromisoformat(remote.updated_at) + timedelta(milliseconds=10)
        leaves_a_state(remote)
        remote.thread.states[-1]["created_at"] = begun.isoformat()
    await lease_ends(run)
    async with working():
        await scripted.requested("history")
        remote.finish({})
        ended = await run_in(run, "succeeded")

    assert ended.executions == 1


async def test_what_its_former_worker_has_said_is_not_said_again(scripted: ScriptedServer) -> None:
    run, remote = await left_alone(scripted)
    await in_db(Run.objects.filter(pk=run.pk).update, executions=2)
    leaves_a_state(remote)
    begins_anew(remote)
    await lease_ends(run)
    async with working():
        await scripted.requested("history")
        begins_anew(remote, after_s=9.0)
        await scripted.crash()
        await says_so(run)
        remote.finish({})
        ended = await run_in(run, "succeeded")

    assert ended.executions == 3


@pytest.mark.parametrize("attempt", [1, 2])
async def test_a_run_that_was_over_when_it_was_adopted_says_so_where_the_server_counts(
    scripted: ScriptedServer, attempt: int
) -> None:
    """Then it is noticed by that count alone, in the state that it left.

    `langgraph dev` begins to count anew with each start: it saves the count and never reads it again.
    """
    run, remote = await left_alone(scripted)
    remote.finish({"whole": 1})
    told = remote.thread.state_as_json()
    told["metadata"]["run_attempt"] = attempt
    scripted.script("state", Fault(body=json.dumps(told).encode()), times=None)
    run = await adopted(run)
    page = await in_db(page_of, run)

    assert (run.status, run.executions) == ("succeeded", attempt)
    assert ("The server executed this run 2 times." in page) is (attempt == 2)
    assert ("Steps from before that may have been done twice." in page) is (attempt == 2)
    assert ("The server executed the run again by itself" in page) is (attempt == 2)


def page_of(run: Run) -> str:
    browser = Client()
    browser.force_login(run.launched_by)
    return browser.get(f"/runs/{run.pk}/").content.decode()
