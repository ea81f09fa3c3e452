"""What teams do in a browser: invite somebody, keep a view, act on many runs, plan a run for later."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from dashboard.history.bulk import bulk_work
from dashboard.runs.models import Run
from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Membership, Team, User
from tests.browser.conftest import Open
from tests.browser.steps import live, shows
from tests.browser.test_look import axe
from tests.factories import claim, make_run


def test_somebody_who_is_invited_joins_and_launches(page: Page, open_browser: Open, team: Team) -> None:
    page.goto("/people/")
    page.get_by_label("Role", exact=True).select_option("member")
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Link for one new Member").input_value()

    bob = open_browser(viewport={"width": 360, "height": 780}, timezone_id="Asia/Tokyo").new_page()
    bob.goto(link)
    bob.get_by_label("User name").fill("bob")
    bob.get_by_label("Password").fill("short")
    bob.get_by_role("button", name="Join").click()
    expect(bob.locator("#error-summary")).to_be_visible()
    expect(bob.get_by_label("User name")).to_have_value("bob")
    bob.get_by_label("Password").fill("long enough for the sea")
    bob.get_by_role("button", name="Join").click()

    expect(bob.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    bob.goto("/launch/?assistant_id=chat")
    bob.get_by_role("button", name="Launch run").click()
    expect(bob.locator("main")).to_contain_text("by bob")
    assert Run.objects.get().launched_by.username == "bob"
    assert Membership.objects.get(user__username="bob").role == "member"

    assert User.objects.get(username="bob").time_zone == "Asia/Tokyo"

    again = open_browser().new_page()
    again.goto(link)
    expect(again.locator("main")).to_contain_text("It was used or revoked, has expired")
    again.get_by_role("link", name="Sign in").click()
    expect(again.get_by_label("User name")).to_be_visible()


def test_filters_become_a_view_that_everybody_has_as_a_tab(
    page: Page, open_browser: Open, team: Team, user: User
) -> None:
    server = team.servers.get()
    make_run(server=server, by=user, name="storm surge", status=RunStatus.FAILED)
    make_run(server=server, by=user, name="neap tide", status=RunStatus.SUCCEEDED)
    page.goto("/runs/")
    page.locator("summary", has_text="Status").click()
    page.get_by_label("Failed").check()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Remove filter Status: Failed")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("neap tide")
    page.get_by_text("Save view", exact=True).first.click()
    page.get_by_label("Name", exact=True).fill("Broken")
    page.get_by_label("Who sees it").select_option("team")
    page.get_by_role("button", name="Save view").click()

    other = open_browser(user).new_page()
    other.goto("/runs/")
    expect(other.locator("main")).to_contain_text("neap tide")
    other.get_by_role("link", name="Broken").click()
    expect(other.locator("main")).to_contain_text("storm surge")
    expect(other.locator("main")).not_to_contain_text("neap tide")
    expect(other.get_by_role("link", name="Broken")).to_have_attribute("aria-current", "page")

    page.goto("/views/")
    page.get_by_role("button", name="Begin with it").click()
    page.get_by_role("link", name="Runs", exact=True).first.click()
    expect(page.locator("main")).to_contain_text("storm surge")
    expect(page.locator("main")).not_to_contain_text("neap tide")
    page.get_by_role("link", name="All", exact=False).first.click()
    expect(page.locator("main")).to_contain_text("neap tide")


def test_the_list_shows_its_keys(page: Page) -> None:
    page.goto("/runs/")
    live(page, "live")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert axe(page) == {}
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).not_to_be_visible()


def test_columns_of_ones_own_are_on_the_page_and_in_rows_that_come(page: Page, team: Team, user: User) -> None:
    server = team.servers.get()
    make_run(server=server, by=user, name="storm surge", params={"input": {"harbour": "Hamburg"}})
    page.goto("/runs/")
    page.get_by_text("Options", exact=True).click()
    page.get_by_role("link", name="Columns…").click()
    page.get_by_label("input.harbour").check()
    page.get_by_label("Launched by", exact=True).uncheck()
    page.get_by_role("button", name="Move Duration up").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Move Duration up")).to_be_focused()
    assert axe(page) == {}
    page.get_by_role("button", name="Show these columns").click()

    expect(page.get_by_role("columnheader", name="input.harbour")).to_be_visible()
    expect(page.get_by_role("cell", name="Hamburg", exact=True)).to_be_visible()
    expect(page.get_by_role("columnheader")).to_contain_text(["Assistant", "Duration", "Launched", "input.harbour"])
    expect(page.get_by_role("columnheader", name="Launched by")).to_have_count(0)
    live(page, "live")
    page.mouse.move(0, 0)
    make_run(server=server, by=user, name="neap tide", params={"input": {"harbour": "Bremen"}})
    expect(page.get_by_role("cell", name="Bremen", exact=True)).to_be_visible()
    assert axe(page) == {}
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.locator(".cell-own", has_text="Bremen")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 900, "height": 740})
    heads, cells = page.locator("#run-table th"), page.locator(".run-row").first.locator("td")
    assert [box(heads.nth(place))["x"] for place in range(6)] == [box(cells.nth(place))["x"] for place in range(6)]


def test_columns_fill_the_list_and_menus_stay_on_the_page(page: Page, team: Team, user: User) -> None:
    for number in range(51):  # one more than a page, for the row that loads older ones
        make_run(server=team.servers.get(), by=user, name=f"tide {number}")
    page.set_viewport_size({"width": 900, "height": 740})
    page.goto("/runs/?since=2020-01-01")
    table, last = box(page.locator("#run-table")), box(page.locator(".run-row").first.locator("td").last)
    assert last["x"] + last["width"] == pytest.approx(table["x"] + table["width"], abs=1)
    for width in (900, 1060, 1280):
        page.set_viewport_size({"width": width, "height": 740})
        page.get_by_text("More", exact=True).click()
        panel = box(page.locator(".more-filters .menu-panel"))
        button = box(page.locator(".more-filters summary"))
        assert panel["x"] >= 0
        assert 0 < panel["y"] - button["y"] - button["height"] < 60  # a line of filters may be between
        assert panel["x"] + panel["width"] <= width
        page.keyboard.press("Escape")


def test_chosen_runs_are_tagged_in_the_background(page: Page, team: Team, user: User) -> None:
    runs = [make_run(server=team.servers.get(), by=user, name=f"tide {number}") for number in range(3)]
    page.goto("/runs/?q=tide")
    for run in runs[:2]:
        page.get_by_label(f"Select {run.name}").check()
    expect(page.locator("[data-bulk-count]")).to_contain_text("2")
    bar = page.get_by_role("form", name="Chosen runs")
    bar.get_by_text("Tag", exact=True).click()
    bar.get_by_label("Add tags").fill("checked")
    page.keyboard.press("Enter")  # the button of this menu, not Compare, the first one of the bar
    expect(page.get_by_role("status").first).to_contain_text("0 of 2")

    while bulk_work() and Run.objects.filter(tags__contains=["checked"]).count() < 2:
        pass
    bulk_work()

    expect(page.locator("#bulk-progress")).to_contain_text("Done: all 2 are processed.")
    page.get_by_role("link", name="Back to the list").click()
    expect(page).to_have_url(re.compile(r"/runs/\?q=tide$"))
    page.goto("/runs/?tag=checked")
    expect(page.locator("main")).to_contain_text("tide 0")
    expect(page.locator("main")).not_to_contain_text("tide 2")


def test_a_run_is_planned_for_later_and_cancelled_before(page: Page, team: Team) -> None:
    from dashboard.runs import leases, outcomes

    page.goto("/launch/?assistant_id=chat")
    page.get_by_text("Advanced", exact=True).click()
    page.get_by_label("Start", exact=True).select_option("in")
    page.get_by_label("How long until the start").fill("2")
    page.get_by_label("Unit").select_option("hours")
    page.get_by_role("button", name="Launch run").click()
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    run = Run.objects.get()
    assert run.request.params["after_seconds"] == 7200

    lease = claim(run)
    leases.run_sending(lease)
    leases.run_created_on_server(lease, remote_run_id="r", remote_thread_id="t", starts_later=True)
    live(page, "live")
    shows(page, run, "scheduled")
    expect(page.locator("main")).to_contain_text("It starts in 1 h 59 m")
    page.get_by_role("button", name="Cancel", exact=True).click()
    shows(page, run, "cancelling")
    outcomes.run_finish(lease, Outcome(RunStatus.CANCELLED, began=False))
    shows(page, run, "cancelled")
    expect(page.locator("main")).not_to_contain_text("It starts in")


def test_menus_stay_on_the_page_on_phones_and_tablets(page: Page, team: Team, user: User) -> None:
    run = make_run(server=team.servers.get(), by=user, name="High water at the old harbour", status=RunStatus.SUCCEEDED)
    for width in (360, 600, 768, 900, 1280):
        page.set_viewport_size({"width": width, "height": 740})
        for path in ("/runs/", f"/runs/{run.pk}/"):
            page.goto(path)
            for summary in page.locator("details[data-menu] > summary:visible").all():
                summary.click()
                panel = box(page.locator("details[data-menu][open] > :not(summary):visible"))
                assert panel["x"] >= 0, (width, path)
                assert panel["x"] + panel["width"] <= width, (width, path)
                page.keyboard.press("Escape")


def box(part: Locator) -> FloatRect:
    found = part.bounding_box()
    assert found is not None
    return found
