"""The web process' LISTEN connection is cut without a FIN: an open page soon gets the change and says if it is live."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team, User
from tests.browser.conftest import Open, Web
from tests.browser.steps import finish, live, start, status_of
from tests.factories import make_run
from tests.relay import Relay

NOTICED_MS = 20_000


@pytest.fixture
def relay(database_url: str) -> Iterator[Relay]:
    found = Relay(database_url)
    yield found
    found.close()


@pytest.fixture
def relayed(relay: Relay, static_files: None) -> Iterator[Web]:
    """A web process of its own, whose connections to the database go through the relay."""
    process = Web(relay.url)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def far_page(open_browser: Open, user: User, relayed: Web) -> Page:
    return open_browser(user, base_url=relayed.url).new_page()


def test_an_open_page_has_the_change_once_the_cut_is_noticed(
    far_page: Page, relay: Relay, team: Team, user: User
) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    far_page.goto(f"/runs/{run.pk}/")
    far_page.evaluate("window.notReloaded = true")
    live(far_page, "live")

    assert relay.cut_silently() == 1
    lease = start(run)
    expect(status_of(far_page, run)).to_have_attribute("data-run-status", "running", timeout=NOTICED_MS)
    live(far_page, "live")
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=b"{}"))
    expect(status_of(far_page, run)).to_have_attribute("data-run-status", "succeeded")
    assert far_page.evaluate("window.notReloaded")


def test_a_page_never_says_live_while_its_process_gets_no_changes(
    far_page: Page, relay: Relay, team: Team, user: User
) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    far_page.goto(f"/runs/{run.pk}/")
    live(far_page, "live")

    relay.stay_silent()
    expect(far_page.locator("#live")).to_have_text("Polling every 4 s", timeout=2 * NOTICED_MS)
    start(run)
    expect(status_of(far_page, run)).to_have_attribute("data-run-status", "running")
    expect(far_page.locator("#live")).to_have_text("Polling every 4 s")
    far_page.goto("/workers/")
    expect(far_page.locator("#workers-state")).to_contain_text("This web process does not hear changes")
    far_page.goto(f"/runs/{run.pk}/")
    relay.forward()

    expect(far_page.locator("#live")).to_have_attribute("data-state", "live", timeout=2 * NOTICED_MS)
