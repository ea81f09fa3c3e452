"""One answer for several questions of the inbox: chosen, previewed, sent, and shown to everybody."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from dashboard.runs.models import Run
from dashboard.teams.models import Role, Team, User
from tests.browser.asking import ANSWER, asks, waiting_run
from tests.browser.conftest import Open
from tests.browser.steps import live
from tests.factories import make_user


def resumed(run: Run) -> object:
    """What was sent to the question of a run."""
    return next(iter(run.children.get().request.params["command"]["resume"].values()))


def test_several_questions_get_one_answer_and_others_see_it(
    page: Page, open_browser: Open, team: Team, user: User
) -> None:
    first, second, third = (waiting_run(team, user, asks(text, schema=ANSWER)) for text in ("One?", "Two?", "Three?"))
    waiting_run(team, user, asks("Other?"), assistant_id="other")
    colleague = open_browser(make_user(team, username="bob", role=Role.MEMBER)).new_page()
    colleague.goto("/runs/")
    live(colleague, "live")
    expect(colleague.locator("#inbox-count")).to_have_attribute("data-inbox-count", "4")
    page.goto("/inbox/")

    page.get_by_role("link", name="Answer others like this one with it").click()
    expect(page.locator(".several-one")).to_have_count(3)
    expect(page.get_by_label("One?")).to_be_checked()
    page.get_by_label("Two?").check()
    page.get_by_role("textbox", name="Comment").fill("Both are fine.")
    page.get_by_role("button", name="approve").click()
    expect(page.get_by_role("heading", name="Send this answer to 2 questions?")).to_be_visible()
    expect(page.locator(".several-preview")).to_contain_text("Two?")
    assert not first.children.exists()

    # Once more to the form, where everything is as it was.
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_label("Two?")).to_be_checked()
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("Both are fine.")
    page.get_by_role("button", name="approve").click()
    page.get_by_role("button", name="Send 2 answers").click()

    expect(page.get_by_role("heading", name="2 answers sent")).to_be_visible()
    for run in (first, second):
        assert resumed(run) == {"decision": "approve", "comment": "Both are fine."}
    assert not third.children.exists()
    expect(colleague.locator("#inbox-count")).to_have_attribute("data-inbox-count", "2")
    expect(colleague.locator(f"#run-{second.pk}-row .row-answered")).to_have_text("Answered by ada")
    page.get_by_role("link", name="Watch these runs").click()
    expect(page.locator(".run-row")).to_have_count(2)
