"""The inbox by keyboard: keys act on the open question, and only when the person is at its row.

And its count, which every page shows.
"""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from dashboard.teams.models import Team, User
from tests.browser.asking import ANSWER, asks, waiting_run


def test_moving_shows_the_question_and_a_answers_that_one(page: Page, team: Team, user: User) -> None:
    first, second, third = (waiting_run(team, user, asks(text, schema=ANSWER)) for text in ("One?", "Two?", "Three?"))
    page.goto("/inbox/")
    title = page.locator(".inbox-main .asked-text")

    page.keyboard.press("j")
    expect(title).to_have_text("Two?")
    expect(page.locator(f"#inbox-{second.pk}")).to_be_focused()
    page.keyboard.press("j")
    expect(title).to_have_text("Three?")
    page.keyboard.press("k")
    expect(title).to_have_text("Two?")
    expect(page.locator(f"#inbox-{second.pk}")).to_be_focused()
    page.keyboard.press("a")

    # The next one is on show, and the keys go on there.
    expect(page.get_by_text("Your answer to “tides” was sent.")).to_be_visible()
    expect(title).to_have_text("Three?")
    expect(page.locator(f"#inbox-{third.pk}")).to_be_focused()
    assert [run.children.count() for run in (first, second, third)] == [0, 1, 0]
    page.keyboard.press("a")
    page.wait_for_url("**/inbox/")
    expect(title).to_have_text("One?")
    assert [run.children.count() for run in (first, second, third)] == [0, 1, 1]


def test_a_never_answers_another_question_than_the_one_gone_to(page: Page, team: Team, user: User) -> None:
    first, second = (waiting_run(team, user, asks(text, schema=ANSWER)) for text in ("One?", "Two?"))
    page.goto("/inbox/")
    page.get_by_role("textbox", name="Comment").fill("not lost by moving on")
    page.keyboard.press("Escape")
    expect(page.locator(f"#inbox-{first.pk}")).to_be_focused()

    page.keyboard.press("j")
    page.keyboard.press("a")

    # What was typed keeps its question on show; the other is opened by Enter, and nothing was answered.
    expect(page.locator(f"#inbox-{second.pk}")).to_be_focused()
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("not lost by moving on")
    page.keyboard.press("Enter")
    expect(page.locator(".inbox-main .asked-text")).to_have_text("Two?")
    expect(page.get_by_role("textbox", name="Comment")).to_be_focused()
    # On a phone, the list stands alone: the question that it does not show is opened, not answered.
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto("/inbox/")
    page.keyboard.press("a")
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.wait_for_url(re.compile(f"run={second.pk}"))
    assert not first.children.exists()
    assert not second.children.exists()


def test_fields_have_the_focus_and_ctrl_enter_sends(page: Page, team: Team, user: User) -> None:
    value = {
        "action_requests": [{"name": "send_letter", "args": {"to": "bob@example.org"}}],
        "review_configs": [{"action_name": "send_letter", "allowed_decisions": ["approve", "edit"]}],
    }
    run = waiting_run(team, user, asks(value))
    page.goto(f"/inbox/?run={run.pk}")
    expect(page.get_by_role("heading", name="The assistant asks")).to_be_focused()

    page.keyboard.press("e")
    field = page.locator('[name="answer/q0/decisions/0/edited_action/args/to"]')
    expect(field).to_be_focused()
    field.fill("eve@example.org")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/inbox/")

    decision = run.children.get().request.params["command"]["resume"]["q0"]["decisions"][0]
    assert decision["edited_action"]["args"] == {"to": "eve@example.org"}


def test_while_arguments_are_edited_sending_them_is_the_main_thing(page: Page, team: Team, user: User) -> None:
    config = {"allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": False}
    action = {"action": "send_letter", "args": {"to": "bob@example.org"}}
    run = waiting_run(team, user, asks({"action_request": action, "config": config}))
    page.goto(f"/inbox/?run={run.pk}")
    accept = page.get_by_role("button", name="Accept")
    tone = "element => getComputedStyle(element).backgroundColor"
    main = accept.evaluate(tone)

    page.locator("summary", has_text="Respond").click()
    page.locator("summary", has_text="Edit").click()
    page.locator('[name="answer/q0/args/args/to"]').fill("eve@example.org")

    expect(page.get_by_role("button", name="Send edited")).to_have_css("background-color", main)
    expect(accept).not_to_have_css("background-color", main)
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.wait_for_url("**/inbox/")
    assert run.children.get().request.params["command"]["resume"]["q0"]["args"]["args"] == {"to": "eve@example.org"}


def test_the_list_of_keys_is_in_the_middle(page: Page, user: User) -> None:
    page.goto("/inbox/")

    page.keyboard.press("?")

    box = page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert abs(box["x"] + box["width"] / 2 - 640) < 2
    assert abs(box["y"] + box["height"] / 2 - 400) < 2


def test_a_page_without_updates_counts_again_every_minute(page: Page, team: Team, user: User) -> None:
    page.clock.install()
    page.goto("/assistants/")
    expect(page.locator("#inbox-count")).to_have_attribute("data-inbox-count", "0")
    waiting_run(team, user, asks("One?", schema=ANSWER))

    page.clock.fast_forward("01:01")

    expect(page.locator("#inbox-count .count-badge")).to_have_text("1")
