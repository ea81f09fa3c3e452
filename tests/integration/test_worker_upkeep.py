"""What a worker does besides its runs: leases, adoption, listening, stopping, what Postgres refuses."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DataError, OperationalError
from django.db.models import F

from dashboard.langgraph import Backoff
from dashboard.runs import leases, outcomes
from dashboard.runs.leases import Lease
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.notifications import WORK_CHANNEL, notify
from dashboard.runs.timeline import event_lines
from dashboard.worker import services as worker_services
from dashboard.worker.worker import Worker
from tests.asynchronous import eventually, in_db, kinds, launch, run_in, working
from tests.factories import claim, make_run, make_server, make_team
from tests.scripted_server import Fault, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = "2020-01-01T00:00:00Z"


def failing_once(service: Callable[..., Any]) -> Callable[..., Any]:
    """The service whose connection is killed the first time."""
    failures = [OperationalError("the connection was killed")]

    def call(*args: Any, **kwargs: Any) -> Any:
        if failures:
            raise failures.pop()
        return service(*args, **kwargs)

    return call


# Leases and adoption.


async def test_a_worker_whose_leases_ran_out_in_an_outage_does_not_take_its_runs_over_from_itself(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.worker.worker.RENEW_S", 60.0)
    async with working() as worker:
        run = await launch(scripted)
        remote = await scripted.run_created()
        held = await run_in(run, "running")
        await in_db(Run.objects.filter(pk=run.pk).update, lease_expires_at=LONG_AGO)
        worker._wake.set()

        async def renewed() -> bool:
            fresh = await in_db(Run.objects.get, pk=run.pk)
            return fresh.lease_expires_at.year > 2020

        await eventually(renewed, "the lease in force again")
        remote.finish({"kept": 1})
        ended = await run_in(run, "succeeded")

    assert ended.fence == held.fence
    assert "adopted" not in await in_db(kinds, ended)
    assert scripted.count("join") == 0


async def test_runs_adopted_just_before_the_database_fails_are_not_forgotten(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await launch(scripted)
    await in_db(leases.run_claim, owner=uuid.uuid4(), limit=1)
    await in_db(Run.objects.filter(pk=run.pk).update, lease_expires_at=LONG_AGO)
    monkeypatch.setattr(leases, "run_claim", failing_once(leases.run_claim))
    async with working():
        (await scripted.run_created(timeout_s=10)).finish({})
        await run_in(run, "succeeded", deadline_s=10)


async def test_losing_many_runs_at_once_does_not_hold_up_the_leases_of_the_others(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.worker.worker.RENEW_S", 0.1)
    team = await in_db(make_team)
    ours = await in_db(make_server, team, url=scripted.url)
    runs = [await in_db(make_run, team=team, server=ours) for _ in range(8)]
    async with working() as worker:
        for run in runs:
            await run_in(run, "running")
        lost, kept = runs[:7], runs[7]
        others = {"lease_owner": uuid.uuid4(), "fence": F("fence") + 1}
        await in_db(Run.objects.filter(pk__in=[run.pk for run in lost]).update, **others)
        began = time.monotonic()

        async def let_go() -> bool:
            return set(worker._tasks) == {kept.pk}

        await eventually(let_go, "the lost runs let go of", deadline_s=6)
        assert time.monotonic() - began < 4


async def test_a_run_that_was_not_sent_because_its_lease_was_in_doubt_is_sent_a_moment_later(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.worker.worker.LEASE_SURE_S", -1.0)
    async with working():
        run = await launch(scripted, thread=ThreadChoice.STATELESS)
        await eventually(lambda: in_db(run.events.filter(data__to="queued").exists), "queued again")
        monkeypatch.setattr("dashboard.worker.worker.LEASE_SURE_S", 15.0)
        (await scripted.run_created(timeout_s=10)).finish({})
        ended = await run_in(run, "succeeded", "lost")

    assert ended.status == "succeeded"
    assert len(scripted.created) == 1


# Stopping and starting.


async def test_a_worker_that_is_stopped_stores_the_ends_it_has_in_hand(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()
    loop = asyncio.get_running_loop()
    finish = outcomes.run_finish

    def slow_finish(*args: Any) -> None:
        loop.call_soon_threadsafe(reached.set)
        if slow:
            slow.pop()
            time.sleep(0.3)
            raise OperationalError("the connection was killed")
        finish(*args)

    slow = [True]
    monkeypatch.setattr(outcomes, "run_finish", slow_finish)
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
        remote.roll_back({})
        await asyncio.wait_for(reached.wait(), 5)

    ended = await in_db(Run.objects.get, pk=run.pk)
    assert ended.status == "cancelled"
    assert "handed_back" not in await in_db(kinds, ended)


async def test_a_worker_stopped_just_before_it_sends_leaves_no_run_in_doubt(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()
    loop = asyncio.get_running_loop()
    sending = leases.run_sending

    def slow_sending(*args: Any) -> bool:
        said = sending(*args)
        loop.call_soon_threadsafe(reached.set)
        time.sleep(0.3)
        return said

    monkeypatch.setattr(leases, "run_sending", slow_sending)
    async with working():
        run = await launch(scripted, thread=ThreadChoice.STATELESS)
        await asyncio.wait_for(reached.wait(), 5)
    async with working():
        (await scripted.run_created()).finish({})
        ended = await run_in(run, "succeeded", "lost")

    assert ended.status == "succeeded"
    assert len(scripted.created) == 1


async def test_a_worker_stopped_while_it_stores_the_servers_ids_still_stores_them(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()
    loop = asyncio.get_running_loop()
    created = leases.run_created_on_server

    def slowly_created(*args: Any, **kwargs: Any) -> Any:
        loop.call_soon_threadsafe(reached.set)
        time.sleep(0.5)
        return created(*args, **kwargs)

    monkeypatch.setattr(leases, "run_created_on_server", slowly_created)
    async with working():
        run = await launch(scripted, thread=ThreadChoice.STATELESS)
        await asyncio.wait_for(reached.wait(), 15)
    async with working():
        (await scripted.run_created()).finish({})
        ended = await run_in(run, "succeeded", "lost")

    assert ended.status == "succeeded"
    assert len(scripted.created) == 1


async def test_a_connection_that_dies_while_a_worker_stops_does_not_keep_its_runs_from_the_next(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "leases_hand_back", failing_once(leases.leases_hand_back))
    async with working():
        run = await launch(scripted)
        await scripted.run_created()
        await run_in(run, "running")

    handed = await in_db(Run.objects.get, pk=run.pk)
    assert (handed.status, handed.lease_owner) == ("running", None)


async def test_a_worker_that_never_reached_the_database_stops_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**kwargs: Any) -> None:
        raise OperationalError("nobody there")

    monkeypatch.setattr(worker_services, "worker_start", away)
    worker = Worker(concurrency=1)
    task = asyncio.create_task(worker.run())
    await asyncio.sleep(0)

    worker.stop()

    await asyncio.wait_for(task, 5)


# Listening.


async def test_a_notice_nobody_understands_does_not_end_the_worker(scripted: ScriptedServer) -> None:
    async with working() as worker:
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
        await in_db(notify, WORK_CHANNEL, "what is this?")
        remote.finish({})
        await run_in(run, "succeeded")
        other = await launch(scripted)
        (await scripted.run_created(2)).finish({})
        await run_in(other, "succeeded")

        assert not worker.failed


# What Postgres refuses.


async def test_a_page_does_not_go_on_saying_that_the_connection_is_lost(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = leases.connection_changed
    failures = [OperationalError("the connection was killed")]

    def note(*args: Any, **kwargs: Any) -> None:
        if kwargs["kind"] == "rejoined" and failures:
            raise failures.pop()
        noted(*args, **kwargs)

    monkeypatch.setattr(leases, "connection_changed", note)
    scripted.script("wait", Fault(cut_after_beats=1))
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await eventually(lambda: in_db(run.events.filter(kind="rejoined").exists), "rejoined noted")
        assert (await in_db(Run.objects.get, pk=run.pk)).reconnecting_since is None
        remote.finish({})
        await run_in(run, "succeeded")


async def test_an_end_whose_final_state_cannot_be_stored_is_stored_all_the_same(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise DataError("no such bytes, please")

    monkeypatch.setattr(outcomes, "packed_insert", refuse)
    async with working():
        run = await launch(scripted)
        (await scripted.run_created()).finish({"a": 1})
        ended = await run_in(run, "succeeded", "lost", "failed")

    assert ended.status == "succeeded"
    assert "no such bytes" in ended.error_message


def _hand_back_sent(run: Run) -> None:
    """A worker stopped while it sent the run, which did not arrive."""
    lease = claim(run)
    leases.run_sending(lease)
    leases.leases_hand_back(owner=lease.owner)


@pytest.mark.parametrize("lost", ["run_claim", "run_adopt"])
async def test_runs_that_were_taken_by_a_call_whose_answer_was_lost_are_soon_taken_again(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    take, taken = getattr(leases, lost), []

    def take_and_lose(**kwargs: Any) -> list[Run]:
        found: list[Run] = take(**kwargs)
        if found and not taken:
            taken.extend(found)
            raise OperationalError("the connection was killed after the commit")
        return found

    monkeypatch.setattr(leases, lost, take_and_lose)
    monkeypatch.setattr("dashboard.worker.execution.launch_lookup.LOOKUP", Backoff(first_s=0.02, longest_s=0.02))
    run = await launch(scripted)
    if lost == "run_adopt":
        await in_db(_hand_back_sent, run)
    async with working():
        (await scripted.run_created(timeout_s=10)).finish({"once": 1})
        ended = await run_in(run, "succeeded")

    assert [each.pk for each in taken] == [run.pk]
    assert len(scripted.created) == scripted.count("wait") == 1
    texts = [line.text for line in await in_db(lambda: event_lines(run.events.all()))]
    assert "The worker reclaimed the run after a lost database reply" in texts
    assert ended.fence > taken[0].fence


@pytest.mark.parametrize("levels", [90, 500, 980, 10_000])
async def test_a_question_of_any_depth_is_a_question(scripted: ScriptedServer, levels: int) -> None:
    deep = "[" * levels + "]" * levels
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        remote.interrupt("short")
        remote.document = f'{{"__interrupt__": [{{"id": "i", "value": {deep}}}]}}'.encode()
        ended = await run_in(run, "needs_input", "lost")

    assert ended.status == "needs_input"
    assert ended.result.body == remote.document
    assert ended.ending["interrupts"][0]["id"] == "i"


@pytest.mark.parametrize(
    "state",
    [
        {"values": {"a": 1}, "next": 5, "tasks": 7, "metadata": [1]},
        {"values": {"a": 1}, "next": [], "tasks": ["x", None], "metadata": "m"},
        {"values": {"a": 1}, "next": [], "tasks": [{"interrupts": 5}], "metadata": {"run_attempt": "x"}},
    ],
)
async def test_a_state_of_any_shape_does_not_lose_the_run(scripted: ScriptedServer, state: dict[str, Any]) -> None:
    scripted.script("state", Fault(body=json.dumps(state).encode()), times=None)
    async with working():
        run = await launch(scripted)
        (await scripted.run_created()).finish({"a": 1})
        ended = await run_in(run, "succeeded", "lost")

    assert ended.status == "succeeded"


async def test_deep_values_stand_in_for_an_answer_that_does_not_come(scripted: ScriptedServer) -> None:
    deep = b'{"values":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}"
    scripted.script("wait", Fault(cut_after_beats=1))
    scripted.script("join", Fault(status=404, detail="no such thing here"), times=None)
    scripted.script("state", Fault(body=deep[:-1] + b',"metadata":{"step":1}}'), times=None)
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await scripted.requested("join")
        remote.finish({})
        ended = await run_in(run, "succeeded", "lost")

    assert (ended.status, ended.error_message) == ("succeeded", "")


async def test_a_machine_that_slept_just_before_it_sent_sends_only_what_it_still_holds(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept_s = [0.0]
    awake, sending = time.clock_gettime, leases.run_sending

    def sleep_then_send(lease: Lease) -> bool:
        is_held = sending(lease)
        slept_s[0] = 3600.0  # the clock that counts sleep goes on, time.monotonic() does not
        return is_held

    monkeypatch.setattr(time, "clock_gettime", lambda clock: awake(clock) + slept_s[0])
    monkeypatch.setattr(leases, "run_sending", sleep_then_send)
    async with working():
        run = await launch(scripted)
        await eventually(lambda: in_db(run.events.filter(data__to="queued").exists), "not sent, and queued again")
        assert scripted.created == []
        (await scripted.run_created()).finish({})
        await run_in(run, "succeeded")

    assert len(scripted.created) == 1
