"""Ends that nobody saw as they came: dated by the server, called late, and shown with all that is known."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from dashboard.langgraph.join import Joiner
from dashboard.runs.banners import run_banner
from dashboard.runs.models import Run
from dashboard.runs.services import run_cancel
from dashboard.runs.statuses import ENDS
from dashboard.runs.timeline import event_lines
from dashboard.worker.lease_clock import lease_clock
from dashboard.worker.stall_detector import stalls
from tests.asynchronous import in_db, run_in, working
from tests.factories import make_run, make_server, make_team
from tests.integration.adopting import adopted, lease_ends, left_alone
from tests.scripted_server import ScriptedServer

pytestmark = [pytest.mark.django_db(transaction=True)]

LATE_S = 2.5


async def test_a_run_is_dated_by_when_it_ended_and_not_by_when_that_was_noticed(scripted: ScriptedServer) -> None:
    run, remote = await left_alone(scripted)
    remote.finish({"whole": 1})
    remote.updated_at = (datetime.fromisoformat(remote.created_at) + timedelta(seconds=0.25)).isoformat()
    await asyncio.sleep(LATE_S)  # nobody is there, for so long
    run = await adopted(run)

    assert run.status == "succeeded"
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.finished_at - run.started_at == timedelta(seconds=0.25)
    last = (await in_db(lambda: event_lines(run.events.all())))[-1]
    assert last.status == "succeeded"
    assert "earlier" in last.detail
    assert run.ending == {"from_thread": "thread"}


async def test_a_run_that_is_awaited_to_its_end_is_not_said_to_be_late(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    beaten, tell = asyncio.Event(), Joiner._report_joined

    async def note_and_tell(self: Joiner) -> None:
        beaten.set()
        await tell(self)

    monkeypatch.setattr(Joiner, "_report_joined", note_and_tell)
    run, remote = await left_alone(scripted)
    await lease_ends(run)
    async with working():
        await asyncio.wait_for(beaten.wait(), 15)  # the join has brought a heartbeat
        remote.finish({"whole": 1})
        run = await run_in(run, *ENDS)

    assert (run.status, run.ending) == ("succeeded", {})
    assert (await in_db(lambda: event_lines(run.events.all())))[-1].detail == ""


async def test_a_run_that_was_deleted_is_lost_and_not_rolled_back(scripted: ScriptedServer) -> None:
    """Somebody deletes it; then it is cancelled here with its work undone, which the server cannot do any more."""
    run, remote = await left_alone(scripted)
    scripted.forget(remote)
    await in_db(lambda: run_cancel(run=Run.objects.get(pk=run.pk), by=run.launched_by, action="rollback"))
    run = await adopted(run)

    assert run.status == "lost"
    assert "does not stop it" in run.error_message
    kinds = await in_db(lambda: [event.kind for event in run.events.all()])
    assert "rejoined" not in kinds
    assert "cancel_delivered" not in kinds
    banner = await in_db(lambda: run_banner(Run.objects.get(pk=run.pk)))
    assert banner
    assert "nobody knows whether the server got it" in banner.text


@pytest.mark.parametrize("still_s", [0.0, 23.0])
async def test_a_worker_that_stood_still_does_not_blame_the_server(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, still_s: float
) -> None:
    async with working():
        team = await in_db(make_team)
        ours = await in_db(make_server, team, url=scripted.url)
        run = await in_db(make_run, team=team, server=ours)
        remote = await scripted.run_created()
        await run_in(run, "running")
        monkeypatch.setattr(stalls, "_gap", (still_s, lease_clock()))
        await scripted.crash()
        remote.finish({})
        run = await run_in(run, *ENDS)

    lost = await in_db(run.events.get, kind="connection_lost")
    assert ("worker was frozen for 23 s" in lost.data["message"]) is (still_s > 0)
