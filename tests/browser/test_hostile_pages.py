"""Hostile names, errors and states in a real browser: nothing is executed, and no text turns the text beside it."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard.runs.holding import RunError
from dashboard.runs.statuses import RunStatus
from dashboard.sharing.services import share_create
from dashboard.teams.models import Team, User
from tests.factories import make_run
from tests.integration.test_hostile_answers import CONVERSATION, RTL, SCRIPT

READS = """element => {
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const lefts = [];
    for (let text = texts.nextNode(); text; text = texts.nextNode())
        for (let at = 0; at < text.length; at++) {
            if (!text.data[at].trim()) continue;
            const place = document.createRange();
            place.setStart(text, at);
            place.setEnd(text, at + 1);
            lefts.push(place.getBoundingClientRect().left);
        }
    return lefts.every((left, index) => index === 0 || left > lefts[index - 1]);
}"""


def reads_from_left_to_right(text: Locator) -> bool:
    """Whether every character of a short text stands to the right of the one before it."""
    return bool(text.evaluate(READS))


@pytest.fixture
def dialogs(page: Page) -> list[str]:
    """What a script of ours would never do: open a dialog."""
    found: list[str] = []
    page.on("dialog", lambda dialog: (found.append(dialog.message), dialog.dismiss()))
    return found


def test_nothing_of_a_hostile_run_is_executed(page: Page, team: Team, user: User, dialogs: list[str]) -> None:
    run = make_run(
        team=team,
        by=user,
        name=SCRIPT,
        tags=[SCRIPT[:60]],
        assistant_id=SCRIPT,
        params={"input": {SCRIPT: SCRIPT}},
        status=RunStatus.FAILED,
        error=RunError(SCRIPT, SCRIPT, SCRIPT),
        body=json.dumps(CONVERSATION).encode(),
    )
    token = share_create(run=run, by=user, lifetime=None)[1]
    for address in (f"/runs/{run.pk}/", f"/s/{token}/", f"/launch/?from={run.pk}", "/runs/"):
        page.goto(address)
        expect(page.locator("main")).to_contain_text("<script>alert(1)</script>")
        assert page.locator("main img, main script").count() == 0

    assert dialogs == []


def test_a_name_that_turns_the_line_turns_nothing_else(page: Page, team: Team, user: User) -> None:
    error = RunError("ValueError", f"{RTL} and on", "write")
    make_run(team=team, by=user, name="beside it", assistant_id="chat")
    run = make_run(
        team=team, by=user, name=RTL, tags=["plain"], assistant_id="chat", status=RunStatus.FAILED, error=error
    )

    page.goto("/runs/")
    row = page.locator(f"#run-{run.pk}-row")
    expect(row.locator(".row-error")).to_have_text("ValueError")
    beside = [row.locator(place) for place in (".row-error", ".tag", ".cell-assistant", ".cell-person")]
    assert all(reads_from_left_to_right(text) for text in beside)
    assert not reads_from_left_to_right(row.locator(".run-link"))
    assert reads_from_left_to_right(page.get_by_role("link", name="beside it"))

    page.goto(f"/runs/{run.pk}/")
    assert reads_from_left_to_right(page.locator(".banner-title strong"))
    assert reads_from_left_to_right(page.locator(".meta").get_by_text("chat"))
