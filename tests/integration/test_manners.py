"""Other implementations of the protocol: whatever a server leaves out, each run is created once and ends as it did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import Any

import pytest

from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.services import run_cancel
from dashboard.runs.statuses import ENDS
from tests.asynchronous import eventually, in_db, kinds, run_in, working
from tests.asynchronous import launch as launch_for
from tests.factories import make_run
from tests.scripted_server import AEGRA_06, AEGRA_11, MANNERS, Fault, Manner, ScriptedRun, ScriptedServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_worker")]

launch = partial(launch_for, retry_for_s=20)

LONGER_THAN_SILENCE_S = 2.0
"""Longer than the worker of these tests takes a line for alive that says nothing."""

ENDINGS: dict[str, tuple[Callable[[ScriptedRun], object], str]] = {
    "well": (lambda run: run.finish({"whole": 1}), "succeeded"),
    "with nothing": (lambda run: run.finish({}), "succeeded"),
    "failed": (lambda run: run.fail("ValueError", "no tides"), "failed"),
    "a question": (lambda run: run.interrupt("go on?"), "needs_input"),
    "a question without words": (lambda run: run.interrupt(None), "needs_input"),
    "at a node": (lambda run: run.pause({"half": 1}, next=["review"]), "paused"),
    "timed out": (lambda run: run.time_out({"half": 1}), "timed_out"),
    "cancelled there": (lambda run: run.cancel({"half": 1}), "cancelled"),
}


@pytest.fixture(params=list(MANNERS))
async def server(request: pytest.FixtureRequest) -> AsyncIterator[ScriptedServer]:
    """A server of each manner. Its runs end when the test says so."""
    async with ScriptedServer(heartbeat_s=0.05, run_s=None, manner=MANNERS[request.param]) as found:
        yield found


def lost_lines(run: Run) -> list[str]:
    return [kind for kind in kinds(run) if kind == "connection_lost"]


async def launch_each(server: ScriptedServer, endings: Iterable[str]) -> dict[str, tuple[Run, ScriptedRun]]:
    """A run to end in each of these ways, and what the server has of it."""
    runs = {ending: await launch(server) for ending in endings}
    await server.run_created(len(runs))
    created = {remote.payload["metadata"]["runboard_run_id"]: remote for remote in server.created}
    return {ending: (run, created[str(run.pk)]) for ending, run in runs.items()}


async def statuses_of(server: ScriptedServer, launched: dict[str, tuple[Run, ScriptedRun]]) -> dict[str, str]:
    """How each run ended that its server has just ended in its way; each was created once."""
    for ending, (_, remote) in launched.items():
        ENDINGS[ending][0](remote)
    ended = {ending: await run_in(run, *ENDS) for ending, (run, _) in launched.items()}
    assert len(server.created) == len(launched)
    assert {ending: run.remote_run_id for ending, run in ended.items()} == {
        ending: remote.run_id for ending, (_, remote) in launched.items()
    }
    assert {ending: await in_db(lost_lines, run) for ending, run in ended.items()} == {ending: [] for ending in ended}
    return {ending: run.status for ending, run in ended.items()}


SAID = {ending: status for ending, (_, status) in ENDINGS.items()}
SOME = {ending: SAID[ending] for ending in ("well", "failed", "a question")}


async def test_each_ending_is_stored_as_it_was(server: ScriptedServer) -> None:
    async with working():
        assert await statuses_of(server, await launch_each(server, SAID)) == SAID


async def test_a_run_that_takes_longer_than_a_connection_may_be_silent_is_launched_once(server: ScriptedServer) -> None:
    async with working():
        launched = await launch_each(server, SOME)
        await asyncio.sleep(LONGER_THAN_SILENCE_S)
        look = Run.objects.filter(reconnecting_since__isnull=False)
        assert not await in_db(look.exists), "a silent server without heartbeats is no lost line"
        assert await statuses_of(server, launched) == SOME


async def test_a_connection_cut_before_the_headers_never_launches_a_second_time(server: ScriptedServer) -> None:
    endpoint = "wait" if server.manner.has_wait else "create"
    server.script(endpoint, *[Fault(cut_before_headers=True, creates=True)] * len(SOME))
    async with working():
        launched = await launch_each(server, SOME)
        await asyncio.sleep(0.5)
        for ending, (_, remote) in launched.items():
            ENDINGS[ending][0](remote)
        ended = {ending: await run_in(run, *ENDS) for ending, (run, _) in launched.items()}

    assert {ending: run.status for ending, run in ended.items()} == SOME
    assert len(server.created) == len(SOME)


async def test_a_launch_that_never_arrived_is_sent_again(server: ScriptedServer) -> None:
    endpoint = "wait" if server.manner.has_wait else "create"
    server.script(endpoint, Fault(cut_before_headers=True, creates=False))
    async with working():
        run = await launch(server)
        (await server.run_created()).finish({"whole": 1})
        ended = await run_in(run, *ENDS)

    assert (ended.status, len(server.created)) == ("succeeded", 1), ended.error_message


async def test_a_server_that_crashes_while_it_works_is_asked_how_the_run_ended(server: ScriptedServer) -> None:
    async with working():
        run = await launch(server)
        remote = await server.run_created()
        await server.stop()
        await server.start()
        remote.finish({"whole": 1})
        ended = await run_in(run, *ENDS)

    assert (ended.status, len(server.created)) == ("succeeded", 1), ended.error_message


async def test_a_stateless_run_ends_as_it_did(server: ScriptedServer) -> None:
    async with working():
        run = await launch(server, thread=ThreadChoice.STATELESS)
        remote = await server.run_created()
        remote.finish({"whole": 1})
        ended = await run_in(run, *ENDS)

    is_id_known = server.manner.tells_ids or not server.manner.has_stateless_wait
    assert (ended.status, len(server.created)) == ("succeeded" if is_id_known else "lost", 1), ended.error_message
    assert ended.result.body == b'{"whole": 1}'


@pytest.mark.parametrize("action", ["interrupt", "rollback"])
async def test_a_cancel_reaches_the_run(server: ScriptedServer, action: Any) -> None:
    async with working():
        run = await launch(server)
        remote = await server.run_created()
        await run_in(run, "starting", "running")
        await in_db(lambda: run_cancel(run=run, by=run.launched_by, action=action))
        if server.manner.lists == "over" and not (server.manner.tells_ids and server.manner.heads_first):
            await asyncio.sleep(0.5)
            remote.cancel()  # nobody can name the run
        ended = await run_in(run, *ENDS)

    assert (ended.status, len(server.created), remote.over.is_set()) == ("cancelled", 1, True), ended.error_message


@pytest.mark.parametrize("manner", [AEGRA_11, AEGRA_06, MANNERS["nothing works"]], ids=["0.11", "0.6", "nothing"])
@pytest.mark.parametrize("is_cut", [False, True])
async def test_overlapping_runs_of_one_thread_are_not_mixed_up(manner: Manner, is_cut: bool) -> None:
    async with ScriptedServer(run_s=None, manner=manner) as server, working():
        first = await launch(server, params={"input": {"number": 1}})
        one = await server.run_created()
        first = await run_in(first, "running")
        if is_cut:
            endpoint = "wait" if manner.has_wait else "create"
            server.script(endpoint, Fault(cut_before_headers=True, creates=True))
        place = {"thread": ThreadChoice.EXISTING, "thread_id": first.remote_thread_id}
        second = await in_db(
            lambda: make_run(team=first.team, server=first.server, params={"input": {"number": 2}}, **place)
        )
        two = await server.run_created(2)
        two.finish({"number": 2})
        one.finish({"number": 1})
        ended = [await run_in(run, *ENDS) for run in (first, second)]

    assert len(server.created) == 2
    if manner.tells_output:
        assert [run.status for run in ended] == ["succeeded", "succeeded"], [run.error_message for run in ended]
        assert [run.remote_run_id for run in ended] == [one.run_id, two.run_id]
        assert [run.result.body for run in ended] == [b'{"number": 1}', b'{"number": 2}']
    else:
        assert {run.status for run in ended} <= {"succeeded", "lost"}


@pytest.mark.parametrize("manner", [AEGRA_11, AEGRA_06], ids=["0.11", "0.6"])
async def test_a_run_whose_join_brought_nothing_keeps_every_digit_of_its_output(manner: Manner) -> None:
    async with ScriptedServer(run_s=None, manner=manner) as server, working():
        server.script("wait" if manner.has_wait else "create", Fault(cut_before_headers=True, creates=True))
        server.script("join", Fault(body=b"{}"))  # as Aegra 0.6 answers for a run that takes long
        run = await launch(server)
        (await server.run_created()).finish({"many": 123456789012345678901234, "half": 0.1})
        run = await run_in(run, *ENDS)

    assert (run.status, run.result.body) == ("succeeded", b'{"many": 123456789012345678901234, "half": 0.1}')


@pytest.mark.parametrize("manner", [AEGRA_11, AEGRA_06], ids=["0.11", "0.6"])
async def test_a_twin_on_an_existing_thread_is_not_taken_for_ours(manner: Manner) -> None:
    """Somebody else launches the same at the same time: nobody can tell which is whose."""
    async with ScriptedServer(run_s=0.0, manner=manner) as server, working():
        first = await launch(server)
        first = await run_in(first, "succeeded")
        server.script("wait", Fault(cut_before_headers=True, creates=True))
        place = {"thread": ThreadChoice.EXISTING, "thread_id": first.remote_thread_id}
        server.script("runs", Fault(status=503), times=3)
        second = await in_db(lambda: make_run(team=first.team, server=first.server, **place))
        await server.run_created(2)
        twin = ScriptedRun("another", server.threads[first.remote_thread_id], "chat", server.created[1].payload, False)
        server.created.append(twin)
        twin.finish({"of": "another"})
        ended = await run_in(second, *ENDS)

    assert (ended.status, ended.remote_run_id) == ("lost", None)
    assert "may or may not have run" in ended.error_message


@pytest.mark.parametrize("manner", [AEGRA_06, MANNERS["headers at the end, without ids"]], ids=["0.6", "late"])
async def test_a_run_is_named_while_its_server_has_not_answered_yet(
    manner: Manner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ScriptedServer(run_s=None, manner=manner) as server, working():
        run = await launch(server)
        remote = await server.run_created()
        named = Run.objects.filter(pk=run.pk, remote_run_id=remote.run_id, status="running")
        await eventually(lambda: in_db(named.exists), "the run is named", deadline_s=8)
        remote.finish({"whole": 1})
        await run_in(run, "succeeded")
