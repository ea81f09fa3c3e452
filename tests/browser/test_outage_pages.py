"""Postgres goes away under an open browser and comes back: pages come by themselves, a form launches one run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections
from playwright.sync_api import Page, expect

from dashboard.local.postgres import EmbeddedPostgres
from dashboard.runs.models import Run
from dashboard.teams.models import Team


@pytest.fixture(autouse=True)
def _postgres_is_back(postgres: EmbeddedPostgres) -> Iterator[None]:
    yield
    postgres.start()
    connections.close_all()


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
    expect(page.locator("main")).to_contain_text("whether this launch was still taken is not known")
    assert page.get_by_role("link", name="Try again").count() == 0

    postgres.start()
    again = page.get_by_role("button", name="Send it again")
    again.click()
    expect(page.get_by_role("heading", level=1, name="chat")).to_be_visible(timeout=20_000)
    page.go_back()
    again.click()

    expect(page.get_by_text("This form was sent before; here is the run it launched.")).to_be_visible(timeout=20_000)
    run = Run.objects.get()
    assert (run.tags, run.request.params["input"]) == (["a", '"typed"', "<tag>"], {"topic": "tides"})
