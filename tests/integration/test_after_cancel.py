"""A server that restarts soon after a cancel may execute the run again: the page says so, and it can be cancelled."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from dashboard.runs.banners import run_banner
from dashboard.runs.models import Run
from dashboard.runs.services import run_cancel
from tests.asynchronous import eventually, in_db, kinds, run_in, working
from tests.factories import make_run, make_server, make_team, make_user
from tests.scripted_server import Fault, ScriptedRun, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.runs.outcomes.CHECKS_S", (0.2,))
    monkeypatch.setattr("dashboard.runs.after_cancel.CHECKS_S", (0.2, 1.0, 2.0))
    monkeypatch.setattr("dashboard.runs.after_cancel.GOES_ON_S", 0.2)
    monkeypatch.setattr("dashboard.runs.after_cancel.AWAY_S", 0.2)
    monkeypatch.setattr("dashboard.worker.after_cancel.LOOK_EVERY_S", 0.1)


async def cancelled(server: ScriptedServer) -> tuple[Run, ScriptedRun]:
    """A run that was cancelled, and its server forgot that."""
    team = await in_db(make_team)
    run = await in_db(make_run, team=team, server=await in_db(make_server, team, url=server.url))
    remote = await server.run_created()
    await run_in(run, "running")
    await in_db(lambda: run_cancel(run=run, by=run.launched_by))
    await run_in(run, "cancelled")
    return run, remote


def executes_again(remote: ScriptedRun) -> None:
    remote.status = "running"
    remote.over.clear()


async def shows(run: Run, *, going_on: bool) -> Run:
    look = Run.objects.filter(pk=run.pk, going_on_since__isnull=not going_on)
    return await eventually(lambda: in_db(look.select_related("launched_by").first), f"going on: {going_on}")


async def test_a_cancelled_run_that_is_executed_again_is_shown_and_can_be_cancelled(scripted: ScriptedServer) -> None:
    async with working():
        run, remote = await cancelled(scripted)
        executes_again(remote)
        again = await shows(run, going_on=True)
        banner = await in_db(run_banner, again)
        assert banner is not None
        assert (banner.title, again.is_cancellable) == ("Cancelled, but its server executes it again.", True)

        assert await in_db(lambda: run_cancel(run=again, by=run.launched_by))
        assert not await in_db(lambda: run_cancel(run=again, by=run.launched_by)), "asked once is enough"
        await shows(run, going_on=False)
        event_kinds = await in_db(kinds, run)

    assert remote.status == "interrupted"
    assert event_kinds[-4:] == ["executed_again", "cancel_asked", "cancel_delivered", "stopped_again"]
    assert (await in_db(Run.objects.get, pk=run.pk)).status == "cancelled"


async def test_a_server_that_is_away_after_a_cancel_is_asked_until_it_is_back(scripted: ScriptedServer) -> None:
    async with working():
        run, remote = await cancelled(scripted)
        scripted.script("run", Fault(status=503), times=None)
        await scripted.requested("run", scripted.count("run") + 3)
        executes_again(remote)
        scripted.clear_script()
        again = await shows(run, going_on=True)

    assert again.executions == 2


async def test_a_run_that_stays_cancelled_is_looked_at_a_few_times(scripted: ScriptedServer) -> None:
    async with working():
        run, _ = await cancelled(scripted)
        done = Run.objects.filter(pk=run.pk, look_again_at__isnull=True)
        await eventually(lambda: in_db(done.exists), "looked at for the last time")
        event_kinds = await in_db(kinds, run)

    assert "executed_again" not in event_kinds
    assert not (await in_db(Run.objects.get, pk=run.pk)).is_cancellable


async def test_the_page_cancels_it_again_and_not_for_a_stranger(scripted: ScriptedServer) -> None:
    async with working():
        run, remote = await cancelled(scripted)
        executes_again(remote)
        run = await shows(run, going_on=True)
        address = reverse("run-cancel", args=[run.pk])
        stranger = await in_db(make_user, await in_db(make_team))

        def post(user: object) -> int:
            browser = Client()
            browser.force_login(user)  # type: ignore[arg-type]
            return browser.post(address, {"action": "interrupt"}, headers={"accept": "application/json"}).status_code

        assert await in_db(post, stranger) == 404
        assert await in_db(lambda: post(run.launched_by)) in (200, 202)
        await shows(run, going_on=False)

    assert remote.status == "interrupted"
