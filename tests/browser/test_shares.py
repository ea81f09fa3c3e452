"""Sharing with something hidden, and what a stranger sees of it."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect

from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.steps.models import Step
from dashboard.teams.models import Team, User
from tests.browser.conftest import Open
from tests.browser.test_look import axe
from tests.factories import make_run

CANARY = "Canary Jones"
STATE = {
    "answer": f"Dear {CANARY}, the tide turns at noon.",
    "customer": {"name": CANARY, "mail": "jones@example.org"},
    "messages": [
        {"type": "human", "content": f"When does the tide turn? {CANARY}", "id": "1"},
        {"type": "ai", "content": "At noon. Call +49 30 1234567.", "id": "2"},
    ],
}


@pytest.fixture
def run(team: Team, user: User) -> Run:
    made = make_run(
        team=team,
        by=user,
        server=team.servers.get(),
        name=f"Tides for {CANARY}",
        status=RunStatus.SUCCEEDED,
        body=json.dumps(STATE).encode(),
        params={"input": {"customer": {"name": CANARY}}},
    )
    Step.objects.create(
        run=made, index=0, node="write", status="done", started_at=made.started_at, finished_at=made.finished_at,
        writes_json=json.dumps({"answer": STATE["answer"]}), writes_bytes=50,
    )  # fmt: skip
    return made


def test_share_with_something_hidden_after_a_look_at_it(page: Page, open_browser: Open, run: Run) -> None:
    page.goto(f"/runs/{run.pk}/")
    page.locator("summary", has_text="Share").click()
    panel = page.locator("#share-panel")
    panel.get_by_label("Steps").check()
    panel.locator("summary", has_text="More choices").click()
    panel.locator("summary", has_text="Preview").click()
    expect(panel.locator("#share-preview")).to_contain_text("Nothing is hidden")
    panel.get_by_label("Hide these places").fill("customer/name")
    expect(panel.locator("#share-preview .field-errors")).to_contain_text("A place begins with /")
    panel.get_by_label("Hide these places").fill("/customer/name")
    panel.get_by_label("Phone numbers").check()
    expect(panel.locator("#share-preview mark").first).to_have_text(CANARY)
    expect(panel.locator("#share-preview mark", has_text="+49 30 1234567")).to_be_visible()
    assert axe(page) == {}
    panel.get_by_role("button", name="Make a link").click()
    link = page.locator("#share-url").input_value()

    stranger = open_browser(viewport={"width": 360, "height": 740}).new_page()
    stranger.goto(link)

    expect(stranger.get_by_text("Dear [hidden], the tide turns at noon.").first).to_be_visible()
    expect(stranger.get_by_text("[phone hidden]").first).to_be_visible()
    expect(stranger).to_have_title(re.compile(r"Tides for \[hidden\]"))
    assert CANARY not in stranger.content()
    assert "1234567" not in stranger.content()
    assert stranger.evaluate("document.documentElement.scrollWidth") <= 360
    assert axe(stranger) == {}


def test_revoking_all_of_a_run_closes_its_open_pages(page: Page, open_browser: Open, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get(), name="Tides")
    page.goto(f"/runs/{run.pk}/")
    page.locator("summary", has_text="Share").click()
    page.get_by_role("button", name="Make a link").click()
    stranger = open_browser().new_page()
    stranger.goto(page.locator("#share-url").input_value())
    expect(stranger.locator("#live[data-state=live]")).to_be_visible()

    page.goto(f"/shares/?run={run.pk}")
    expect(page.get_by_text("1 view")).to_be_visible()
    assert axe(page) == {}
    page.get_by_role("button", name="Revoke all of these").click()

    expect(stranger.get_by_role("heading", name="This link does not work")).to_be_visible(timeout=2_000)
    expect(page.get_by_text("1 link revoked.")).to_be_visible()


def test_a_password_opens_a_link_without_javascript(page: Page, open_browser: Open, run: Run) -> None:
    page.goto(f"/runs/{run.pk}/shares/")
    page.locator("summary", has_text="More choices").click()
    page.get_by_label("Password", exact=True).fill("noon")
    page.get_by_role("button", name="Make a link").click()
    stranger = open_browser(java_script_enabled=False, viewport={"width": 360, "height": 740}).new_page()
    stranger.goto(page.locator("#share-url").input_value())

    stranger.get_by_label("Password").fill("midnight")
    stranger.get_by_role("button", name="Show the run").click()
    expect(stranger.get_by_text("This is not the password")).to_be_visible()
    stranger.get_by_label("Password").fill("noon")
    stranger.get_by_role("button", name="Show the run").click()

    expect(stranger.get_by_text("At noon.").first).to_be_visible()
