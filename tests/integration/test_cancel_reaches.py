"""A cancel reaches the run although its worker is dead or its server away; its page says what it waits for."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from dashboard.runs.models import Run
from tests.asynchronous import eventually, in_db, kinds, run_in
from tests.factories import make_run, make_server, make_team
from tests.integration.programs import Programs
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

START_S = 30.0
HANDOVER_S = 40.0
"""A lease of 20 s, 15 s of silence, and a busy machine."""


async def running(scripted: ScriptedServer) -> Run:
    """A run that the server has."""
    team = await in_db(make_team)
    server = await in_db(make_server, team, url=scripted.url)
    run = await in_db(lambda: make_run(team=team, server=server))
    return await run_in(run, "running", deadline_s=START_S)


def ask_to_cancel(run: Run) -> None:
    """As the button on the page does."""
    browser = Client()
    browser.force_login(run.launched_by)
    assert browser.post(f"/runs/{run.pk}/cancel/", {"action": "interrupt"}).status_code == 303


def words_of(run: Run) -> str:
    """The text of the run's page."""
    browser = Client()
    browser.force_login(run.launched_by)
    page = browser.get(f"/runs/{run.pk}/").content.decode()
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


async def page_says(run: Run, words: str, *, deadline_s: float = HANDOVER_S) -> None:
    async def look() -> bool:
        return words in await in_db(words_of, run)

    await eventually(look, f"the page says {words!r}", deadline_s=deadline_s)


async def test_cancel_asked_after_the_worker_was_killed_is_delivered_by_the_next(
    scripted: ScriptedServer, programs: Programs
) -> None:
    first = programs.worker()
    run = await running(scripted)
    first.kill()
    first.wait(10)
    await page_says(run, "No worker is running. The run may go on at the server")
    await in_db(ask_to_cancel, run)
    await page_says(
        run, "A worker delivers the cancel as soon as one runs; until then the run may go on at the server."
    )
    assert scripted.count("cancel") == 0

    programs.worker()
    ended = await run_in(run, "cancelled", deadline_s=HANDOVER_S)

    assert {"adopted", "cancel_delivered"} <= set(await in_db(kinds, ended))
    assert (len(scripted.created), scripted.count("cancel")) == (1, 1)
    await page_says(run, f"Cancelled by {run.launched_by}")
    assert "worker is running" not in await in_db(words_of, run)


async def test_cancel_asked_while_the_server_is_away_is_delivered_when_it_is_back(
    scripted: ScriptedServer, programs: Programs
) -> None:
    programs.worker()
    run = await running(scripted)
    await scripted.stop()
    await page_says(run, "The connection to the server was lost; reconnecting.")
    await in_db(ask_to_cancel, run)
    await page_says(run, "The server is away; it gets the cancel as soon as it answers.")
    await page_says(run, "Cancel could not be delivered yet")
    assert (await in_db(Run.objects.get, pk=run.pk)).status == "cancelling"

    await scripted.start()
    ended = await run_in(run, "cancelled", deadline_s=HANDOVER_S)

    assert {"cancel_failed", "cancel_delivered"} <= set(await in_db(kinds, ended))
    assert len(scripted.created) == 1


async def test_cancel_asked_while_both_are_away_is_delivered_when_both_are_back(
    scripted: ScriptedServer, programs: Programs
) -> None:
    first = programs.worker()
    run = await running(scripted)
    first.kill()
    first.wait(10)
    await scripted.stop()
    await in_db(ask_to_cancel, run)
    programs.worker()
    await page_says(run, "Cancel could not be delivered yet")
    await page_says(run, "The server is away; it gets the cancel as soon as it answers.")

    await scripted.start()
    ended = await run_in(run, "cancelled", deadline_s=HANDOVER_S)

    assert "adopted" in await in_db(kinds, ended)
    assert len(scripted.created) == 1
