"""The LISTEN connection is cut without a FIN: health says so soon, and the worker goes on by looking for itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboard.runs.services import run_cancel
from tests.asynchronous import eventually, in_db, run_in
from tests.factories import make_run, make_server, make_team
from tests.integration.programs import Programs, health
from tests.relay import Relay
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

NOTICED_S = 20.0
"""The silence should be noticed within ten seconds; the rest is for a busy machine."""
START_S = 30.0


@pytest.fixture
def relay(database_url: str) -> Iterator[Relay]:
    found = Relay(database_url)
    yield found
    found.close()


async def listener_is(url: str, up: bool, *, deadline_s: float) -> None:
    async def look() -> bool:
        return (await health(url)).get("listener") is up

    await eventually(look, f"listener: {up}", deadline_s=deadline_s)


async def test_health_says_that_the_web_process_gets_no_changes_until_it_does_again(
    relay: Relay, programs: Programs
) -> None:
    url = programs.web(database_url=relay.url)
    await listener_is(url, True, deadline_s=START_S)

    relay.stay_silent()
    await listener_is(url, False, deadline_s=NOTICED_S)
    said = await health(url)
    relay.forward()

    assert (said["http"], said["database"]) == (503, True)
    assert any("This web process does not hear changes" in problem for problem in said["problems"])
    await listener_is(url, True, deadline_s=NOTICED_S)


async def test_a_worker_without_notices_still_takes_runs_and_delivers_cancels(
    relay: Relay, programs: Programs, scripted: ScriptedServer
) -> None:
    team = await in_db(make_team)
    server = await in_db(make_server, team, url=scripted.url)
    programs.worker(database_url=relay.url)
    heard = await in_db(lambda: make_run(team=team, server=server))
    await run_in(heard, "running", deadline_s=START_S)

    async def listens() -> bool:
        return relay.cut_silently() == 1

    await eventually(listens, "the worker's line was there to be cut")
    relay.stay_silent()
    unheard = await in_db(lambda: make_run(team=team, server=server))
    await run_in(unheard, "running")
    await in_db(lambda: run_cancel(run=unheard, by=unheard.launched_by))
    await scripted.requested("cancel", timeout_s=NOTICED_S)

    await run_in(unheard, "cancelled")
    assert len(scripted.created) == 2
