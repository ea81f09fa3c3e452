"""Cancelling: delivered, confirmed by the server, and dated by whichever end came first."""

from __future__ import annotations

import json

import pytest

from dashboard.runs import services
from dashboard.runs.models import Run
from dashboard.runs.statuses import ENDS
from tests.asynchronous import eventually, in_db, kinds, launch, run_in, working
from tests.factories import make_user
from tests.scripted_server import Fault, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

# Bytes that come out otherwise when they are read and written again.
VALUES = b'{"b": 1.0,  "a": "\\u0000 \\ud800", "b": 2}'


async def test_cancel_is_delivered_and_confirmed_by_the_server(scripted: ScriptedServer) -> None:
    scripted.script("wait", Fault(body=VALUES))
    async with working():
        run = await launch(scripted)
        await scripted.run_created()
        await run_in(run, "running")
        by = await in_db(make_user)

        assert await in_db(services.run_cancel, run=run, by=by)
        ended = await run_in(run, "cancelled")

    assert ended.cancel_requested_by_id == by.pk
    assert ended.result.body == VALUES
    found = await in_db(kinds, ended)
    assert found.index("cancel_asked") < found.index("cancelling") < found.index("cancelled")


async def test_rollback_is_cancelled_with_its_values_kept_here(scripted: ScriptedServer) -> None:
    scripted.script("wait", Fault(body=VALUES))
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
        await in_db(services.run_cancel, run=run, by=await in_db(make_user), action="rollback")
        ended = await run_in(run, "cancelled")

    assert ended.ending["rolled_back"] is True
    assert ended.result.body == VALUES
    assert remote.is_forgotten
    assert remote.thread.values is None


async def test_a_run_that_was_cancelled_before_it_began_does_not_keep_what_another_left_on_its_thread(
    scripted: ScriptedServer,
) -> None:
    """The server answers with the thread's values where it has none of the run's own."""
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
        remote.cancel({"of": "another run"})
        remote.thread.states.clear()
        remote.thread.last_run_id = "another run"
        ended = await run_in(run, *ENDS)

    assert (ended.status, ended.ending["no_state"]) == ("cancelled", True)
    assert not hasattr(ended, "result")


async def test_a_run_that_was_cancelled_inside_a_subgraph_keeps_its_own_values(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent for the events of subgraphs, a run is then answered with the values of the one it was in."""
    monkeypatch.setattr("dashboard.worker.execution.launcher.has_own_output", lambda *of: False)
    scripted.script("wait", Fault(body=b'{"samples": [3.0]}'))
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
        remote.cancel({"samples": [], "route": ["pier"]})
        ended = await run_in(run, "cancelled")

    assert json.loads(ended.result.body) == {"samples": [], "route": ["pier"]}
    assert ended.ending["from_thread"] == "part"


async def test_cancel_waits_for_a_server_that_is_away(scripted: ScriptedServer) -> None:
    async with working():
        run = await launch(scripted)
        await scripted.run_created()
        await run_in(run, "running")
        await scripted.stop()
        await in_db(services.run_cancel, run=run, by=await in_db(make_user))
        await eventually(lambda: in_db(run.events.filter(kind="cancel_failed").exists), "failure noted")
        await scripted.start()
        ended = await run_in(run, "cancelled")

    assert "cancel_delivered" in await in_db(kinds, ended)


async def test_a_queued_run_is_cancelled_at_once_and_never_sent(scripted: ScriptedServer) -> None:
    run = await launch(scripted)
    assert await in_db(services.run_cancel, run=run, by=await in_db(make_user))
    assert not await in_db(services.run_cancel, run=run, by=await in_db(make_user))
    async with working():
        other = await launch(scripted)
        (await scripted.run_created()).finish({})
        await run_in(other, "succeeded")

    assert (await in_db(Run.objects.get, pk=run.pk)).status == "cancelled"
    assert len(scripted.created) == 1


async def test_the_end_that_came_first_wins_over_a_cancel(scripted: ScriptedServer) -> None:
    scripted.script("cancel", Fault(delay_s=0.3, status=404, detail="over"))
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
        await in_db(services.run_cancel, run=run, by=await in_db(make_user))
        remote.finish({"done": 1})
        ended = await run_in(run, "succeeded", "cancelled")

    assert ended.status == "succeeded"
