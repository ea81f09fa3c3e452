"""Postgres goes away under an open browser and comes back: pages come, and are live, by themselves."""

from __future__ import annotations

import time

import pytest
from django.db import connections
from playwright.sync_api import Page, expect

from dashboard.local.postgres import EmbeddedPostgres
from dashboard.runs.models import Run
from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team, User
from tests.browser.conftest import Open
from tests.browser.steps import finish, live, start, status_of
from tests.factories import make_run

pytestmark = pytest.mark.usefixtures("postgres_comes_back")

AWAY_S = 20.0
"""Long enough for pages to try less and less often."""
BACK_MS = 10_000


def test_a_page_that_was_asked_for_meanwhile_comes_by_itself(
    page: Page, team: Team, postgres: EmbeddedPostgres
) -> None:
    connections.close_all()
    postgres.stop()
    page.goto("/runs/?q=tides")
    expect(page.get_by_role("heading", name="Not available right now")).to_be_visible()
    expect(page.get_by_role("link", name="Runboard")).to_have_attribute("href", "/runs/")
    expect(page.get_by_role("link", name="Try again")).to_have_attribute("href", "/runs/?q=tides")

    postgres.start()

    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible(timeout=20_000)


def test_a_launch_that_was_sent_meanwhile_can_be_sent_until_it_is_taken_and_is_one_run(
    page: Page, team: Team, postgres: EmbeddedPostgres
) -> None:
    page.goto("/launch/?assistant_id=chat")
    page.locator("#id_tags").fill('a "typed" <tag>')
    page.locator("#id_input").fill('{\n "topic": "tides"}')
    connections.close_all()
    postgres.stop()
    page.get_by_role("button", name="Launch").click()
    expect(page.locator("main")).to_contain_text("does not know whether it stored this launch")
    assert page.get_by_role("link", name="Try again").count() == 0

    postgres.start()
    again = page.get_by_role("button", name="Send it again")
    sent = again.evaluate("button => Object.fromEntries(new FormData(button.form))")
    again.click()
    expect(page.get_by_role("heading", level=1, name="tides")).to_be_visible(timeout=20_000)
    # As a browser does that asks whether to send a form once more.
    answer = page.request.post("/launch/", form=sent, headers={"Referer": page.url})

    assert answer.url == page.url
    assert "You sent this form before; here is the run it launched." in answer.text()
    run = Run.objects.get()
    assert (run.tags, run.request.params["input"]) == (["a", '"typed"', "<tag>"], {"topic": "tides"})


def test_a_page_never_waits_longer_than_4_s_to_reconnect(page: Page, team: Team) -> None:
    """Whatever else there is between the end of an outage and a live page must fit into the rest of ten seconds."""
    page.goto("/runs/")
    waits = page.evaluate(
        "import('/static/js/socket.js').then((socket) => [...Array(40).keys()].map(socket.reconnectDelayMs))"
    )
    assert all(250 * 2 ** min(tries, 3) <= wait <= 4000 for tries, wait in enumerate(waits)), waits
    assert waits[0] <= 500


def test_open_pages_are_current_and_live_within_ten_seconds_of_its_return(
    open_browser: Open, postgres: EmbeddedPostgres, team: Team, user: User
) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    lease = start(run)
    browser = open_browser(user)
    pages = [browser.new_page(), browser.new_page()]
    for page, address in zip(pages, (f"/runs/{run.pk}/", "/runs/"), strict=True):
        page.goto(address)
        page.evaluate("window.notReloaded = true")
        live(page, "live")
        expect(status_of(page, run)).to_have_attribute("data-run-status", "running")

    connections.close_all()
    postgres.stop()
    gone_at = time.monotonic()
    for page in pages:
        expect(page.locator("#live")).not_to_have_attribute("data-state", "live", timeout=AWAY_S * 1000)
    time.sleep(max(0.0, AWAY_S - (time.monotonic() - gone_at)))
    postgres.start()
    back_at = time.monotonic()
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=b'{"a": 1}'))

    for page, state in zip(pages, ("final", "live"), strict=True):
        expect(status_of(page, run)).to_have_attribute("data-run-status", "succeeded", timeout=BACK_MS)
        expect(page.locator("#live")).to_have_attribute("data-state", state, timeout=BACK_MS)
        assert page.evaluate("window.notReloaded")
    assert time.monotonic() - back_at < BACK_MS / 1000
