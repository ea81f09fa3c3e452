"""A run of 20 MB in a browser: the page stays small, and any place of the state opens from it."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team, User
from tests.documents import twenty_megabytes
from tests.factories import make_run

PAGE_BYTES = 150_000


def test_a_run_of_20_mb_is_a_small_page_from_which_everything_opens(page: Page, team: Team, user: User) -> None:
    state = twenty_megabytes()
    state["plan"] = {"parts": {f"part {number}": {"steps": list(range(150))} for number in range(400)}}
    run = make_run(team=team, by=user, status=RunStatus.SUCCEEDED, body=json.dumps(state).encode())

    answer = page.goto(f"/runs/{run.pk}/")

    assert answer is not None
    assert len(answer.body()) <= PAGE_BYTES
    expect(page.locator("#result")).to_contain_text("Show earlier messages (4,9")
    tree = page.get_by_role("tree", name="plan")
    parts = tree.get_by_role("treeitem").first
    if parts.get_attribute("aria-expanded") == "false":
        parts.locator(".node").first.click()
    part = parts.get_by_role("treeitem").first
    part.locator(".node").first.click()
    expect(part.get_by_role("treeitem").first).to_be_visible()
    parts.locator(":scope > ul > li > .node-more").click()
    expect(parts.locator(":scope > ul > [role=treeitem]").nth(150)).to_be_attached()

    page.locator(".state-search input").fill("item 119999")
    hit = page.locator("#state-found .hits a")
    expect(hit).to_have_count(1)
    hit.click()
    expect(page.locator("#state-part")).to_contain_text("item 119999")
