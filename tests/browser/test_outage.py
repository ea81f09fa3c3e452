"""Postgres is away for a while: open pages say so, and are current again soon after it is back, by themselves."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.db import connections
from playwright.sync_api import expect

from dashboard.local.postgres import EmbeddedPostgres
from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team, User
from tests.browser.conftest import Open
from tests.browser.steps import finish, live, start, status_of
from tests.factories import make_run

AWAY_S = 20.0
"""Long enough for pages to try less and less often."""
BACK_MS = 10_000


@pytest.fixture(autouse=True)
def _postgres_is_back(postgres: EmbeddedPostgres) -> Iterator[None]:
    """Whatever the test does to it, the next one finds the database as always."""
    yield
    postgres.start()
    connections.close_all()


def test_open_pages_are_current_and_live_within_ten_seconds_of_its_return(
    open_browser: Open, postgres: EmbeddedPostgres, team: Team, user: User
) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    hold = start(run)
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
    finish(hold, Outcome(RunStatus.SUCCEEDED, body=b'{"a": 1}'))

    for page, state in zip(pages, ("final", "live"), strict=True):
        expect(status_of(page, run)).to_have_attribute("data-run-status", "succeeded", timeout=BACK_MS)
        expect(page.locator("#live")).to_have_attribute("data-state", state, timeout=BACK_MS)
        assert page.evaluate("window.notReloaded")
    assert time.monotonic() - back_at < BACK_MS / 1000
