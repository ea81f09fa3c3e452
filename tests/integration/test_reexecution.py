"""Runs that their server executes again, as it does after a restart: the worker that awaits them says so, once."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from dashboard.langgraph import Backoff, ServerUnreachable
from dashboard.runs import leases
from dashboard.runs.models import Run
from dashboard.worker.execution.connection import ConnectionTracker
from dashboard.worker.execution.restart_detection import Beginning, RestartDetector
from tests.asynchronous import eventually, in_db, run_in, working
from tests.factories import claim, make_run, make_server, make_team
from tests.integration.adopting import adopted, lease_ends, left_alone
from tests.scripted_server import Fault, ScriptedRun, ScriptedServer

pytestmark = [pytest.mark.django_db(transaction=True)]

Looks = Callable[[int], Awaitable[None]]


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """Waits until that many checks for a second execution were done and their results written."""
    done: list[None] = []
    look = ConnectionTracker._notice_execution

    async def note(self: ConnectionTracker, *args: Any) -> None:
        await look(self, *args)
        done.append(None)

    async def wait(times: int) -> None:
        async def enough() -> bool:
            return len(done) >= times

        await eventually(enough, f"looked {times} times")

    monkeypatch.setattr(ConnectionTracker, "_notice_execution", note)
    return wait


async def launched(server: ScriptedServer) -> tuple[Run, ScriptedRun]:
    """A run that its own worker awaits."""
    team = await in_db(make_team)
    run = await in_db(make_run, team=team, server=await in_db(make_server, team, url=server.url))
    remote = await server.run_created()
    return await run_in(run, "running"), remote


def leaves_a_state(remote: ScriptedRun, *, after_s: float = 0.0, run_id: str = "") -> None:
    left_at = datetime.fromisoformat(remote.created_at) + timedelta(seconds=after_s)
    metadata = {"run_id": run_id or remote.run_id}
    state = {"created_at": left_at.isoformat(), "metadata": metadata, "values": {}, "next": ["again"]}
    remote.thread.states.append(state)


def begins_anew(remote: ScriptedRun, *, after_s: float = 2.0, status: str = "running") -> None:
    """The answer of a server that has loaded an unfinished run: the time of its status has changed."""
    remote.status = status
    remote.updated_at = (datetime.fromisoformat(remote.created_at) + timedelta(seconds=after_s)).isoformat()


def begins_now(remote: ScriptedRun) -> None:
    """The same for a run whose connection was lost a moment ago."""
    remote.updated_at = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()


async def says_so(run: Run, times: int = 1) -> None:
    events = run.events.filter(kind="executed_again")
    await eventually(lambda: in_db(lambda: events.count() == times), f"said so {times} times")


async def line_breaks(server: ScriptedServer, run: Run) -> None:
    """And is joined again."""
    rejoined = run.events.filter(kind="rejoined")
    before = await in_db(rejoined.count)
    await server.crash()
    await eventually(lambda: in_db(lambda: rejoined.count() > before), "joined again")


async def executions_of(run: Run, remote: ScriptedRun) -> int:
    remote.finish({})
    ended = await run_in(run, "succeeded")
    assert await in_db(ended.events.filter(kind="executed_again").count) == ended.executions - 1
    return int(ended.executions)


async def test_a_run_that_its_server_began_again_says_so(scripted: ScriptedServer) -> None:
    scripted.script("join", Fault(delay_s=1.0))
    async with working():
        run, remote = await launched(scripted)
        leaves_a_state(remote)
        await scripted.crash()
        begins_now(remote)

        await says_so(run)
        assert await executions_of(run, remote) == 2


async def test_a_run_that_was_begun_again_while_nobody_awaited_it_says_so(scripted: ScriptedServer) -> None:
    run, remote = await left_alone(scripted)
    leaves_a_state(remote)
    begins_anew(remote)
    for number in range(200):  # it has been busy since
        leaves_a_state(remote, after_s=3 + number)
    await lease_ends(run)
    async with working():
        await says_so(run)
        assert await executions_of(run, remote) == 2


async def test_a_server_that_does_not_say_so_at_once_is_asked_again(scripted: ScriptedServer) -> None:
    run, remote = await left_alone(scripted)
    leaves_a_state(remote)
    begins_anew(remote)
    scripted.script("run", Fault(status=500), Fault(cut_before_headers=True), Fault(status=503))
    scripted.script("history", Fault(status=502))
    await lease_ends(run)
    async with working():
        await says_so(run)
        assert await executions_of(run, remote) == 2


async def test_each_time_that_an_adopted_run_is_begun_again_is_said_once(
    scripted: ScriptedServer, looks: Looks
) -> None:
    run, remote = await left_alone(scripted)
    leaves_a_state(remote)
    await lease_ends(run)
    async with working():
        await looks(1)
        begins_anew(remote)
        await line_breaks(scripted, run)
        await says_so(run)
        for line in (3, 4):  # the line alone breaks
            await line_breaks(scripted, run)
            await looks(line)
        begins_anew(remote, after_s=9.0)
        await line_breaks(scripted, run)
        await says_so(run, 2)
        assert await executions_of(run, remote) == 3


async def test_a_run_that_waits_before_it_is_begun_again_is_executed_once_more_and_not_twice(
    scripted: ScriptedServer, looks: Looks
) -> None:
    run, remote = await left_alone(scripted)
    leaves_a_state(remote)
    begins_anew(remote, status="pending")
    await lease_ends(run)
    async with working():
        await says_so(run)
        begins_anew(remote, after_s=4.0)
        await line_breaks(scripted, run)
        await looks(2)
        assert await executions_of(run, remote) == 2


async def test_lines_that_break_again_while_the_server_does_not_answer_count_once(
    scripted: ScriptedServer, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.worker.execution.connection.BEGUN", Backoff(first_s=0.05, longest_s=30.0))
    async with working():
        run, remote = await launched(scripted)
        leaves_a_state(remote)
        scripted.script("run", Fault(status=503), times=None)
        for _ in range(3):
            await line_breaks(scripted, run)
        begins_now(remote)
        scripted.clear_script()
        await looks(3)
        assert await executions_of(run, remote) == 2


async def test_a_run_that_began_while_its_connection_was_lost_has_not_begun_again(
    scripted: ScriptedServer, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the server reports it so late that the run has been seen running by then."""
    monkeypatch.setattr("dashboard.worker.execution.connection.BEGUN", Backoff(first_s=0.05, longest_s=0.05))
    line: list[ConnectionTracker] = []
    init, anew = ConnectionTracker.__init__, RestartDetector.check

    def note(self: ConnectionTracker, *args: Any) -> None:
        init(self, *args)
        line.append(self)

    async def later(self: RestartDetector, **known: Any) -> Beginning | None:
        if not line[0].has_begun:
            raise ServerUnreachable("not just now")
        return await anew(self, **known)

    monkeypatch.setattr(ConnectionTracker, "__init__", note)
    monkeypatch.setattr(RestartDetector, "check", later)
    async with working():
        run, remote = await launched(scripted)
        remote.status = "pending"
        await scripted.requested("run", scripted.count("run") + 2)
        await scripted.crash()
        remote.status = "running"
        begins_now(remote)
        await looks(1)
        assert await executions_of(run, remote) == 1


async def test_a_run_that_was_found_late_is_looked_at_by_its_own_times(
    scripted: ScriptedServer, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to its launch was lost, and when it was found it had waited for its turn, long after its creation."""
    monkeypatch.setattr("dashboard.worker.execution.connection.BEGUN", Backoff(first_s=0.05, longest_s=30.0))
    scripted.script("wait", Fault(cut_before_headers=True, creates=True))
    scripted.script("runs", Fault(status=503), times=None)
    async with working():
        team = await in_db(make_team)
        run = await in_db(make_run, team=team, server=await in_db(make_server, team, url=scripted.url))
        remote = await scripted.run_created()
        remote.created_at = (datetime.now(UTC) - timedelta(seconds=3)).isoformat()
        begins_anew(remote, after_s=2.5)
        scripted.clear_script()
        await run_in(run, "running")
        await looks(1)
        await line_breaks(scripted, run)
        await looks(2)
        assert await executions_of(run, remote) == 1


@pytest.mark.parametrize(
    "left", ["no state", "a state of its own since", "another run's, by a server that heeds nothing"]
)
async def test_a_run_that_began_while_nobody_awaited_it_is_not_called_a_repetition(
    scripted: ScriptedServer, looks: Looks, left: str
) -> None:
    """It waited behind another run, so its status has changed since it was created."""
    run, remote = await left_alone(scripted)
    begins_anew(remote)
    if left.startswith("a state"):
        leaves_a_state(remote, after_s=2.01)
    elif left.startswith("another"):
        leaves_a_state(remote, run_id="another")
        scripted.script("history", Fault(body=json.dumps(remote.thread.states).encode()), times=None)
    await lease_ends(run)
    async with working():
        await looks(1)
        assert await executions_of(run, remote) == 1


async def test_what_its_former_worker_has_said_is_not_said_again(scripted: ScriptedServer, looks: Looks) -> None:
    run, remote = await left_alone(scripted)
    leaves_a_state(remote)
    begins_anew(remote)
    for worker in (1, 2):
        await lease_ends(run)
        async with working():
            await looks(worker)
            await says_so(run)
    begins_anew(remote, after_s=9.0)  # while nobody awaits it
    await lease_ends(run)
    async with working():
        await says_so(run, 2)
        assert await executions_of(run, remote) == 3


def test_it_is_counted_once_also_when_postgres_took_it_and_could_not_say_so() -> None:
    run = make_run()
    lease = claim(run)

    for _ in range(2):
        leases.run_executed_again(lease, executions=2, data={"since": "2026-01-01T00:00:00+00:00"})

    run.refresh_from_db()
    assert (run.executions, run.events.filter(kind="executed_again").count()) == (2, 1)


@pytest.mark.parametrize("attempt", [1, 2])
async def test_a_run_that_was_over_when_it_was_adopted_says_so_where_the_server_counts(
    scripted: ScriptedServer, attempt: int
) -> None:
    """Then it is noticed by that count alone, in the state that it left.

    `langgraph dev` counts from the beginning after each start: it saves the count and never reads it.
    """
    run, remote = await left_alone(scripted)
    remote.finish({"whole": 1})
    state = remote.thread.state_as_json()
    state["metadata"]["run_attempt"] = attempt
    scripted.script("state", Fault(body=json.dumps(state).encode()), times=None)
    run = await adopted(run)
    page = await in_db(page_of, run)

    assert (run.status, run.executions) == ("succeeded", attempt)
    assert ("The server executed this run 2 times." in page) is (attempt == 2)
    assert ("Steps from before may have run twice." in page) is (attempt == 2)
    assert ("The server executed the run again, as it does after a restart" in page) is (attempt == 2)


def page_of(run: Run) -> str:
    browser = Client()
    browser.force_login(run.launched_by)
    return browser.get(f"/runs/{run.pk}/").content.decode()
