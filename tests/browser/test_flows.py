"""Using the pages with the keyboard alone, without JavaScript, and with errors in forms."""

from __future__ import annotations

import re
from uuid import UUID

from playwright.sync_api import Page, expect

from dashboard.runs.models import Run
from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team, User
from tests.browser.conftest import Open
from tests.browser.steps import finish, live, shows, start, status_of, tab_to
from tests.factories import make_run

RUN_PAGE = re.compile(r"/runs/([0-9a-f-]{36})/$")


def launched(page: Page) -> Run:
    """The run whose page is shown."""
    expect(page).to_have_url(RUN_PAGE)
    found = RUN_PAGE.search(page.url)
    assert found
    return Run.objects.get(pk=UUID(found.group(1)))


def test_keyboard_alone_launches_reads_and_cancels(page: Page) -> None:
    page.goto("/runs/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    tab_to(page, page.get_by_role("link", name="Launch", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Launch a run")).to_be_visible()

    tab_to(page, page.get_by_label("Assistant"))
    page.keyboard.type("report")
    page.keyboard.press("Tab")
    tab_to(page, page.locator("#id_input"))
    page.keyboard.type('{"topic": "Tides"}')
    expect(page.locator("#id_input_json")).to_have_text("Valid JSON")
    page.keyboard.press("Shift+Tab")
    tab_to(page, page.locator("#advanced > summary"))
    page.keyboard.press("Enter")
    tab_to(page, page.locator("#id_metadata"))
    page.keyboard.type('{"ticket": "OPS-12"}')
    page.keyboard.press("Shift+Tab")
    page.get_by_role("button", name="Launch run").focus()
    page.keyboard.press("Enter")

    run = launched(page)
    assert run.request.params["input"] == {"topic": "Tides"}
    assert run.request.params["metadata"] == {"ticket": "OPS-12"}
    tab_to(page, page.get_by_role("tab", name="Result"))
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tabpanel", name="Steps")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tabpanel", name="Activity")).to_be_visible()
    page.keyboard.press("End")
    expect(page.get_by_role("tabpanel", name="Input")).to_contain_text("Tides")
    expect(page).to_have_url(re.compile("#input$"))
    page.keyboard.press("Home")
    page.get_by_role("button", name="Cancel", exact=True).focus()
    page.keyboard.press("Enter")
    shows(page, run, "cancelled")


def test_a_menu_closes_on_escape_and_gives_the_focus_back(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    page.goto(f"/runs/{run.pk}/")
    share = page.locator("summary", has_text="Share")

    share.focus()
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Link works for"))
    page.keyboard.press("Escape")

    expect(share).to_be_focused()
    expect(page.get_by_label("Link works for")).to_be_hidden()


def test_nothing_typed_is_lost_on_an_error(page: Page) -> None:
    page.goto("/launch/")
    page.get_by_label("Assistant").fill("report")
    page.locator("#id_input").fill('{"topic": "Tides",\n "seconds": }')
    page.locator("#advanced > summary").click()
    page.locator("#id_webhook").fill("ftp://example.org")
    page.locator("#id_interrupt_before").fill("write\nreview")
    page.locator("#id_durability").select_option("exit")
    page.locator("#id_tags").fill("a, b")

    page.get_by_role("button", name="Launch run").click()

    summary = page.locator("#error-summary")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("2 fields need a change")
    expect(page.locator("#id_input")).to_have_value('{"topic": "Tides",\n "seconds": }')
    expect(page.locator("#id_input")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#id_input")).to_have_accessible_description(re.compile("Line 2, column 13: expected a value"))
    expect(page.locator("#id_webhook")).to_have_value("ftp://example.org")
    expect(page.locator("#id_webhook")).to_be_visible()
    expect(page.locator("#id_interrupt_before")).to_have_value("write\nreview")
    expect(page.locator("#id_durability")).to_have_value("exit")
    expect(page.locator("#id_tags")).to_have_value("a, b")
    summary.get_by_role("link", name="Webhook").click()
    expect(page.locator("#id_webhook")).to_be_focused()
    assert Run.objects.count() == 0


def test_format_changes_the_lines_and_never_a_value(page: Page) -> None:
    page.goto("/launch/")
    page.locator("#id_input").fill('{"n":12345678901234567890,"t":"a: {c}\\"","l":[1,[],{}],"e":1.0E5}')

    page.locator("#field-input").get_by_role("button", name="Format").click()

    expect(page.locator("#id_input")).to_have_value(
        '{\n  "n": 12345678901234567890,\n  "t": "a: {c}\\"",\n  "l": [\n    1,\n    [],\n    {}\n  ],\n  "e": 1.0E5\n}'
    )


def test_a_double_click_launches_once(page: Page) -> None:
    page.goto("/launch/")
    page.get_by_label("Assistant").fill("report")

    page.get_by_role("button", name="Launch run").dblclick()

    launched(page)
    assert Run.objects.count() == 1


def test_thread_id_is_asked_for_only_where_it_counts(page: Page) -> None:
    page.goto("/launch/")
    expect(page.get_by_label("Thread id")).to_be_hidden()

    page.get_by_label("Existing thread").check()

    expect(page.get_by_label("Thread id")).to_be_visible()


def test_without_javascript_launch_view_cancel_and_share(open_browser: Open, team: Team, user: User) -> None:
    page = open_browser(user, java_script_enabled=False).new_page()
    page.goto("/launch/")
    page.locator("#id_assistant_id").fill("report")
    page.locator("#id_input").fill('{"topic": "Tides"}')
    page.get_by_role("button", name="Launch run").click()
    run = launched(page)
    expect(status_of(page, run)).to_have_attribute("data-run-status", "queued")
    for section in ("Result", "Activity", "Input"):
        expect(page.get_by_role("heading", name=section, exact=True).first).to_be_visible()
    expect(page.get_by_text("“Tides”").or_(page.get_by_text("Tides").first)).to_be_visible()

    page.locator("summary", has_text="Share").click()
    page.get_by_role("link", name="Share this run").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#share-url").input_value()
    page.get_by_role("link", name="Back to the run").click()
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page).to_have_url(RUN_PAGE)
    expect(status_of(page, run)).to_have_attribute("data-run-status", "cancelled")

    page.goto("/runs/?status=cancelled")
    page.get_by_role("button", name="Filter").click()
    page.locator(".run-link").click()
    expect(page).to_have_url(RUN_PAGE)
    page.goto(link)
    expect(status_of(page, run)).to_have_attribute("data-run-status", "cancelled")


def test_without_javascript_an_active_run_reloads_itself(open_browser: Open, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    lease = start(run)
    page = open_browser(user, java_script_enabled=False).new_page()
    page.goto(f"/runs/{run.pk}/")
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=b"{}"))

    shows(page, run, "succeeded")


def test_share_link_is_live_for_a_stranger_until_revoked(
    page: Page, open_browser: Open, team: Team, user: User
) -> None:
    params = {"input": {"topic": "Tides", "password": "not for strangers"}}
    run = make_run(team=team, by=user, server=team.servers.get(), name="Tides", params=params)
    page.goto(f"/runs/{run.pk}/")
    page.locator("summary", has_text="Share").click()
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator("#share-url")).to_be_focused()
    link = page.locator("#share-url").input_value()
    stranger = open_browser().new_page()

    stranger.goto(link)
    live(stranger, "live")
    shows(stranger, run, "queued")
    lease = start(run)
    shows(stranger, run, "running")
    expect(stranger).to_have_title("◐ Tides · Runboard")
    expect(stranger.get_by_text("Shared by ada")).to_be_visible()
    assert "not for strangers" not in stranger.content()
    page.get_by_role("button", name="Revoke").click()

    expect(page.get_by_text("Revoked just now")).to_be_visible()
    expect(stranger.get_by_role("heading", name="This link does not work")).to_be_visible()
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=b'{"secret": 1}'))
    shows(page, run, "succeeded")
    assert "secret" not in stranger.content()
