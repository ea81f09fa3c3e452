"""A question reaches a person, and the answer reaches the question: on the run's page, in the inbox, by keyboard."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect

from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team, User
from tests.browser.asking import ANSWER, asks, waiting_run
from tests.browser.axe import axe
from tests.browser.conftest import Open
from tests.browser.steps import finish, live, start
from tests.factories import make_run, make_user

LETTER = "We are sorry that your parcel arrived broken. " * 12


def test_a_question_reaches_a_person_and_the_answer_reaches_the_question(
    page: Page, open_browser: Open, team: Team, user: User
) -> None:
    run = make_run(team=team, by=user, server=team.servers.get(), name="A monitor", assistant_id="approval")
    page.goto(f"/runs/{run.pk}/")
    live(page, "live")
    page.evaluate("window.notReloaded = true")
    bob = open_browser(make_user(team, username="bob")).new_page()
    bob.goto("/inbox/")
    live(bob, "live")
    expect(bob.locator("#inbox-list")).to_contain_text("Nothing waits")

    question = {"question": "Approve 180 euros?", "choices": ["approve", "reject"]}
    finish(start(run), asks(question, schema=ANSWER))

    # The form comes to the open page, and the count and the question to the inbox, without a reload.
    panel = page.locator(f"#run-{run.pk}-answer")
    expect(panel.get_by_role("button", name="Approve")).to_be_visible()
    panel.get_by_role("textbox", name="Comment").fill("typed meanwhile")
    expect(bob.locator("#inbox-count")).to_have_attribute("data-inbox-count", "1")
    expect(bob).to_have_title(re.compile(r"^\(1\) Inbox"))

    expect(bob.locator("[data-inbox-item]")).to_have_count(1)
    bob.keyboard.press("j")
    expect(bob.get_by_role("button", name="Approve")).to_be_visible()
    bob.keyboard.press("a")
    bob.wait_for_url("**/inbox/")

    # What was typed is not lost, and the page says who was faster.
    expect(page.locator(f"#run-{run.pk}-banner")).to_contain_text("Answered by bob", timeout=2_000)
    expect(page.get_by_role("heading", name="bob answered meanwhile. You had typed:")).to_be_visible()
    expect(page.locator(".typed")).to_contain_text("typed meanwhile")
    expect(panel).to_have_attribute("data-question-state", "answered")
    expect(panel.get_by_role("button", name="Approve")).to_have_count(0)
    expect(bob.locator("#inbox-count")).to_have_attribute("data-inbox-count", "0")
    assert page.evaluate("window.notReloaded")
    assert run.children.get().request.params["command"] == {"resume": {"q0": {"decision": "approve"}}}


def test_the_inbox_says_who_answered_and_keeps_what_was_typed(
    page: Page, open_browser: Open, team: Team, user: User
) -> None:
    run = waiting_run(team, user, asks("Why?"))
    bob = open_browser(make_user(team, username="bob")).new_page()
    bob.goto(f"/inbox/?run={run.pk}")
    live(bob, "live")
    bob.get_by_label("Your answer").fill("My own long answer")

    page.goto(f"/inbox/?run={run.pk}")
    page.get_by_label("Your answer").fill("Because of the tide")
    page.get_by_label("Your answer").press("Control+Enter")

    expect(bob.locator(".inbox-main")).to_contain_text("Answered by ada: the run that went on.")
    expect(bob.locator(".typed")).to_contain_text("ada answered meanwhile. You had typed:")
    expect(bob.locator(".typed")).to_contain_text("My own long answer")
    expect(bob.locator(".typed")).to_be_focused()
    assert axe(bob) == {}


def test_the_same_as_last_time_keeps_what_is_typed_and_marks_the_button(page: Page, team: Team, user: User) -> None:
    schema = {**ANSWER, "properties": {**ANSWER["properties"], "amount": {"type": "integer", "title": "Amount"}}}
    earlier, run = (waiting_run(team, user, asks("Go?", schema=schema)) for _ in range(2))
    page.goto(f"/runs/{earlier.pk}/")
    page.get_by_role("textbox", name="Comment").fill("as always")
    page.get_by_label("Amount", exact=True).fill("7")
    page.get_by_role("button", name="Reject").click()
    page.wait_for_url(lambda url: str(earlier.pk) not in url)

    page.goto(f"/runs/{run.pk}/")
    page.get_by_role("textbox", name="Comment").fill("not this time")
    page.get_by_role("link", name="Fill in the same as last time").click()

    expect(page.get_by_role("button", name="Reject last time")).to_be_visible()
    expect(page.get_by_label("Amount", exact=True)).to_have_value("7")
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("not this time")
    expect(page.locator('[name="key/answer/q0/decision"], [name="answer/q0/decision"]:not(button)')).to_have_count(0)


def test_what_was_done_until_then_is_next_to_the_question(page: Page, team: Team, user: User) -> None:
    interrupts = [{"id": "q0", "value": "Go?"}]
    body = json.dumps({"topic": "tides of the Baltic", "__interrupt__": interrupts}).encode()
    run = waiting_run(team, user, Outcome(RunStatus.NEEDS_INPUT, body=body, ending={"interrupts": interrupts}))
    page.goto(f"/inbox/?run={run.pk}")

    page.get_by_text("What it did until then").click()

    beside = page.locator(".until-then")
    expect(beside).to_contain_text("tides of the Baltic")
    expect(beside.locator(f"#run-{run.pk}-steps")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_stale_form_is_refused_and_keeps_what_was_typed(open_browser: Open, team: Team, user: User) -> None:
    run = waiting_run(team, user, asks("Why?"))
    stale = open_browser(user, java_script_enabled=False).new_page()
    stale.goto(f"/runs/{run.pk}/")
    bob = open_browser(make_user(team, username="bob")).new_page()
    bob.goto(f"/runs/{run.pk}/")
    bob.get_by_label("Your answer").fill("Because of the tide")
    bob.get_by_role("button", name="Send as text").click()
    bob.wait_for_url(lambda url: str(run.pk) not in url)

    stale.get_by_label("Your answer").fill("My own long answer")
    stale.get_by_role("button", name="Send as text").click()

    expect(stale.get_by_role("heading", name="Not sent")).to_be_visible()
    expect(stale.locator("main")).to_contain_text("answered by bob")
    expect(stale.locator("main")).to_contain_text("My own long answer")
    assert run.children.count() == 1


def test_without_javascript_decisions_are_made_and_arguments_edited(open_browser: Open, team: Team, user: User) -> None:
    value = {
        "action_requests": [{"name": "send_letter", "args": {"to": "bob@example.org", "text": LETTER}}],
        "review_configs": [{"action_name": "send_letter", "allowed_decisions": ["approve", "edit", "reject"]}],
    }
    run = waiting_run(team, user, asks(value))
    page = open_browser(user, java_script_enabled=False).new_page()
    page.goto(f"/runs/{run.pk}/")

    page.locator("summary", has_text="Edit").click()
    page.locator('[name="answer/q0/decisions/0/edited_action/args/to"]').fill("eve@example.org")
    page.get_by_role("button", name="Send edited").click()

    args = {"to": "eve@example.org", "text": LETTER}
    decision = {"type": "edit", "edited_action": {"name": "send_letter", "args": args}}
    assert run.children.get().request.params["command"] == {"resume": {"q0": {"decisions": [decision]}}}


def test_a_stranger_answers_by_link_on_a_phone(page: Page, open_browser: Open, team: Team, user: User) -> None:
    run = waiting_run(team, user, asks({"question": "Approve 180 euros?", "choices": ["approve"]}, schema=ANSWER))
    page.goto(f"/runs/{run.pk}/")
    live(page, "live")
    page.get_by_text("ask somebody without an account").click()
    page.get_by_label("For whom").fill("Bob")
    page.get_by_role("button", name="Make a link").click()
    address = page.get_by_label("New link").input_value()
    phone = open_browser(viewport={"width": 360, "height": 640}).new_page()
    phone.goto(address)

    assert axe(phone) == {}
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(phone.locator("main")).to_contain_text("Approve 180 euros?")
    phone.get_by_role("textbox", name="Comment").fill("fine with me")
    phone.get_by_role("button", name="Approve").click()

    expect(phone.locator("[data-receipt]")).to_contain_text("on its way")
    expect(page.locator(f"#run-{run.pk}-banner")).to_contain_text("Answered by link that ada made for Bob")
    child = run.children.get()
    assert child.request.params["command"] == {"resume": {"q0": {"decision": "approve", "comment": "fine with me"}}}
    # The page looks again by itself.
    finish(start(child), Outcome(RunStatus.SUCCEEDED, body=b"{}"))
    expect(phone.locator("[data-receipt]")).to_contain_text("has finished")
    stranger = open_browser().new_page()
    stranger.goto(address)
    expect(stranger.get_by_role("heading", name="This link does not work")).to_be_visible()


def test_who_takes_a_question_is_seen_by_everybody_at_once(
    page: Page, open_browser: Open, team: Team, user: User
) -> None:
    run = waiting_run(team, user, asks("Which harbour?"))
    bob = open_browser(make_user(team, username="bob")).new_page()
    bob.goto(f"/inbox/?run={run.pk}")
    page.goto(f"/runs/{run.pk}/")
    for each in (bob, page):
        live(each, "live")
    bob.get_by_label("Your answer").fill("typed meanwhile")

    page.get_by_role("button", name="Assign to me").click()

    expect(page.locator(f"#run-{run.pk}-attention")).to_contain_text("Assigned to ada")
    expect(bob.locator(f"#run-{run.pk}-attention")).to_contain_text("Assigned to ada")
    expect(bob.locator("#inbox-list")).to_contain_text("ada")
    expect(page.get_by_role("button", name="Assign to me")).to_have_count(0)
    expect(bob.get_by_role("button", name="Assign to me")).to_be_visible()
    # Put aside by bob, it leaves the inboxes, and the page says until when; what was typed stays.
    bob.get_by_text("Assign, snooze…").click()
    bob.get_by_label("Snooze", exact=True).select_option("4h")
    bob.get_by_role("button", name="Snooze").click()
    expect(page.locator(f"#run-{run.pk}-attention")).to_contain_text("snoozed until")
    expect(page.get_by_role("button", name="Assign to me")).to_have_count(0)
    expect(bob.locator("#inbox-list")).to_contain_text("1 snoozed")
    expect(bob.locator("#inbox-count")).to_have_attribute("data-inbox-count", "0")
    expect(bob.get_by_label("Your answer")).to_have_value("typed meanwhile")


@pytest.mark.parametrize("width", [360, 1280])
def test_questions_of_every_kind_are_accessible(page: Page, team: Team, user: User, width: int) -> None:
    action = {"action": "send_email_with_a_name_that_is_rather_long", "args": {"to": "bob@example.org", "text": LETTER}}
    config = {"allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": True}
    old = [{"action_request": action, "config": config, "description": "**Shall** I?\n\n1. Yes\n2. No"}]
    batch = {
        "action_requests": [{"name": "refund", "args": {"amount": 1.5}}, {"name": "letter", "args": {"text": "x"}}],
        "review_configs": [
            {"action_name": "refund", "allowed_decisions": ["approve", "edit", "reject"]},
            {"action_name": "letter", "allowed_decisions": ["approve", "respond"]},
        ],
    }
    page.set_viewport_size({"width": width, "height": 800})
    runs = [
        waiting_run(team, user, asks(old)),
        waiting_run(team, user, asks(batch)),
        waiting_run(team, user, asks({"question": "Which?", "choices": ["Bergen", "Ostend"]}, None, True, LETTER)),
        waiting_run(team, user, asks("Go?", schema=ANSWER)),
    ]
    addresses = ["/inbox/", f"/inbox/?run={runs[1].pk}", f"/inbox/several/?run={runs[3].pk}"]
    for address in [f"/runs/{run.pk}/" for run in runs] + addresses:
        page.goto(address)
        assert axe(page) == {}, address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} is wider than the page"
    if width < 640:  # the questions begin on the first half of the screen, and the filters open over them
        page.goto("/inbox/")
        assert (page.locator("#inbox-list").bounding_box() or {})["y"] < 200
        page.get_by_role("button", name="Filters").click()
        page.get_by_label("Assigned to").select_option("nobody")
        page.wait_for_url("**/inbox/?assigned=nobody")
        expect(page.get_by_role("button", name="Filters 1")).to_have_attribute("aria-expanded", "false")
