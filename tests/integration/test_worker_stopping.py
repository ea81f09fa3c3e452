"""A stopped worker hands its runs to the next at once, except those that the server ends with their connection."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from dashboard.monitoring.banners import run_notice
from dashboard.monitoring.diagnosis import diagnose
from dashboard.monitoring.fragments import workers_html
from dashboard.monitoring.selectors import live_workers, work_state
from dashboard.runs.models import Run
from dashboard.runs.timeline import event_lines
from tests.asynchronous import eventually, in_db, kinds, launch, run_in, working
from tests.scripted_server import Fault, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

Grace = Callable[[int], None]
CANCEL = {"input": 1, "on_disconnect": "cancel"}


@pytest.fixture
def grace(settings: Any) -> Grace:
    """Sets how many seconds a stopped worker keeps such connections."""

    def set_to(seconds: int) -> None:
        settings.ENV = dataclasses.replace(settings.ENV, stop_grace_s=seconds)

    return set_to


async def handed_back(run: Run) -> Run:
    async def look() -> Run | None:
        fresh = await in_db(Run.objects.get, pk=run.pk)
        return fresh if fresh.lease_owner is None else None

    return await eventually(look, "the run is in nobody's hands")


async def test_a_run_that_ends_with_its_connection_is_waited_for_and_the_others_are_not(
    scripted: ScriptedServer, grace: Grace
) -> None:
    grace(60)
    async with working() as worker:
        fragile = await launch(scripted, params=CANCEL)
        kept = await scripted.run_created(1)
        await run_in(fragile, "running")
        ordinary = await launch(scripted)
        given = await scripted.run_created(2)
        await run_in(ordinary, "running")

        worker.stop()

        await handed_back(ordinary)
        async with working():
            await scripted.requested("join")
            given.finish({"given": 1})
            await run_in(ordinary, "succeeded")
            assert (await in_db(Run.objects.get, pk=fragile.pk)).lease_owner == worker.id
            kept.finish({"kept": 1})
            ended = await run_in(fragile, "succeeded")

    texts = [line.text for line in await in_db(lambda: event_lines(ended.events.all()))]
    assert any("keeps the connection for up to 60 s" in text for text in texts), texts
    assert not {"adopted", "handed_back"} & set(await in_db(kinds, ended))
    assert (len(scripted.created), scripted.count("join")) == (2, 1)


async def test_when_the_grace_is_over_the_connection_is_closed_and_the_run_says_why_it_ended(
    scripted: ScriptedServer, grace: Grace
) -> None:
    grace(1)
    async with working() as worker:
        run = await launch(scripted, params=CANCEL)
        remote = await scripted.run_created()
        await run_in(run, "running")
        worker.stop()
        await handed_back(run)
        await asyncio.wait_for(remote.over.wait(), 5)
        async with working():
            ended = await run_in(run, "cancelled")

    assert "on_disconnect=cancel" in ended.ending["note"]
    assert len(scripted.created) == 1


async def test_asked_twice_it_stops_at_once(scripted: ScriptedServer, grace: Grace) -> None:
    grace(60)
    async with working() as worker:
        run = await launch(scripted, params=CANCEL)
        await scripted.run_created()
        await run_in(run, "running")
        worker.stop()
        await eventually(lambda: in_db(lambda: "worker_stops" in kinds(run)), "the run says that its worker stops")
        await in_db(says_that_it_stops, run)

        worker.stop()

        await handed_back(run)


def says_that_it_stops(run: Run) -> None:
    """A worker that only waits takes nothing new, and what it holds is looked after."""
    state = work_state()
    assert [worker.state for worker in state.workers] == ["stopping"]
    assert (state.orphaned, state.living) == (0, ())
    assert diagnose(state, hears_changes=True)[0].title == "No worker takes runs: the last one is stopping."
    notice = run_notice(Run.objects.get(pk=run.pk), live_workers())
    assert notice is not None
    assert notice.title == "This run's worker is stopping."
    assert "Stopping" in workers_html(hears_changes=True)


async def test_the_lease_of_a_run_that_is_waited_for_stays_in_force(
    scripted: ScriptedServer, grace: Grace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.worker.worker.RENEW_S", 0.1)
    grace(60)
    async with working() as worker:
        run = await launch(scripted, params=CANCEL)
        remote = await scripted.run_created()
        before = await run_in(run, "running")
        worker.stop()
        await eventually(lambda: in_db(lambda: "worker_stops" in kinds(run)), "the run says that its worker stops")
        asked = await in_db(Run.objects.get, pk=run.pk)

        def renewed() -> bool:
            return bool(Run.objects.filter(pk=run.pk, lease_expires_at__gt=asked.lease_expires_at).exists())

        await eventually(lambda: in_db(renewed), "the lease is renewed")
        remote.finish({})
        await run_in(before, "succeeded")


async def test_a_run_whose_own_connection_broke_before_is_handed_over_at_once(
    scripted: ScriptedServer, grace: Grace
) -> None:
    grace(60)
    scripted.script("wait", Fault(cut_after_beats=1))
    async with working() as worker:
        run = await launch(scripted, params=CANCEL)
        remote = await scripted.run_created()
        await scripted.requested("join")
        worker.stop()
        await handed_back(run)
        async with working():
            await scripted.requested("join", 2)
            remote.finish({"kept": 1})
            ended = await run_in(run, "succeeded")

    assert "worker_stops" not in await in_db(kinds, ended)
