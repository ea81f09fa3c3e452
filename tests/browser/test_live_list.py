"""The runs page: rows arrive and change by themselves, and nothing moves under the reader's hand."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now
from playwright.sync_api import Page, expect

from dashboard.runs.models import Run
from dashboard.runs.notifications import RUN_CHANNEL, notify
from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team, User
from tests.browser.conftest import Open, Web
from tests.browser.steps import finish, live, shows, start
from tests.browser.test_live_run import NO_SOCKET
from tests.factories import make_run


def names(page: Page) -> list[str]:
    return page.locator(".run-link").all_inner_texts()


def test_rows_arrive_and_change(page: Page, team: Team, user: User) -> None:
    page.goto("/runs/")
    live(page, "live")
    expect(page.get_by_text("No runs yet")).to_be_visible()

    first = make_run(team=team, by=user, server=team.servers.get(), name="first")
    expect(page.get_by_role("link", name="first")).to_be_visible()
    expect(page.get_by_text("No runs yet")).to_be_hidden()
    make_run(team=team, by=user, server=team.servers.get(), name="second")
    expect(page.locator(".run-link")).to_have_text(["second", "first"])
    lease = start(first)
    shows(page, first, "running")
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=b"{}"))

    shows(page, first, "succeeded")
    assert names(page) == ["second", "first"]


def test_new_rows_wait_while_the_pointer_is_in_the_table(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get(), name="first")
    page.goto("/runs/")
    live(page, "live")
    page.get_by_role("link", name="first").hover()
    before = page.get_by_role("link", name="first").bounding_box()

    for number in range(3):
        make_run(team=team, by=user, server=team.servers.get(), name=f"new {number}")
    start(run)

    shows(page, run, "running")
    expect(page.locator("#new-runs", has_text="3 new runs")).to_be_visible()
    assert names(page) == ["first"]
    assert page.get_by_role("link", name="first").bounding_box() == before
    page.locator("#new-runs", has_text="3 new runs").click()
    expect(page.locator(".run-link")).to_have_text(["new 2", "new 1", "new 0", "first"])
    expect(page.locator("#new-runs")).to_be_hidden()


def test_a_filtered_page_takes_only_what_matches(page: Page, team: Team, user: User) -> None:
    other = make_run(team=team, by=user, server=team.servers.get(), name="other", assistant_id="chat")
    page.goto("/runs/?assistant=report&status=active")
    live(page, "live")
    expect(page.get_by_text("No runs match these filters")).to_be_visible()

    run = make_run(team=team, by=user, server=team.servers.get(), name="mine", assistant_id="report")
    start(other)
    expect(page.locator(".run-link")).to_have_text(["mine"])
    finish(start(run), Outcome(RunStatus.SUCCEEDED, body=b"{}"))

    shows(page, run, "succeeded")
    expect(page.locator("tr[data-outside]")).to_have_count(1)


def test_what_ended_while_the_connection_was_down_leaves_the_filter(
    page: Page, team: Team, user: User, web: Web
) -> None:
    stays = make_run(team=team, by=user, server=team.servers.get(), name="stays")
    ends = make_run(team=team, by=user, server=team.servers.get(), name="ends")
    page.goto("/runs/?status=active")
    live(page, "live")

    web.stop()
    try:
        live(page, "paused")
        start(stays)
        finish(start(ends), Outcome(RunStatus.SUCCEEDED, body=b"{}"))
    finally:
        web.start()

    live(page, "live")
    shows(page, stays, "running")
    expect(page.locator(".run-link")).to_have_text(["stays"])


def test_the_list_polls_when_the_socket_cannot_open(open_browser: Open, team: Team, user: User) -> None:
    context = open_browser(user, bypass_csp=True)
    context.add_init_script(NO_SOCKET)
    page = context.new_page()
    page.clock.install()
    page.goto("/runs/")

    page.clock.fast_forward(5000)
    live(page, "polling")
    run = make_run(team=team, by=user, server=team.servers.get(), name="first")
    page.clock.fast_forward(4000)
    expect(page.locator(".run-link")).to_have_text(["first"])
    start(run)
    page.clock.fast_forward(4000)

    shows(page, run, "running")


def test_older_runs_load_below_and_keep_the_place(page: Page, team: Team, user: User) -> None:
    server = team.servers.get()
    for number in range(55):
        run = make_run(team=team, by=user, server=server, name=f"run {number}")
        Run.objects.filter(pk=run.pk).update(created_at=F("created_at") - timedelta(minutes=60 - number))
    page.goto("/runs/")
    expect(page.locator(".run-link")).to_have_count(50)

    page.get_by_role("link", name="Load older").click()

    expect(page.locator(".run-link")).to_have_count(55)
    expect(page.locator(".run-link").nth(50)).to_be_focused()
    expect(page.get_by_role("link", name="Load older")).to_have_count(0)
    assert names(page)[-1] == "run 0"
    oldest = Run.objects.get(name="run 0")
    live(page, "live")
    start(oldest)
    shows(page, oldest, "running")


@pytest.mark.parametrize("oldest_first", [False, True])
def test_a_run_below_the_first_page_that_ended_unnoticed_is_shown_as_it_is(
    page: Page, team: Team, user: User, oldest_first: bool
) -> None:
    server = team.servers.get()
    runs = [make_run(team=team, by=user, server=server, name=f"run {number}") for number in range(120)]
    for number, run in enumerate(runs):
        Run.objects.filter(pk=run.pk).update(created_at=F("created_at") - timedelta(minutes=130 - number))
    finish(start(runs[60]), Outcome(RunStatus.SUCCEEDED, body=b"{}"))
    start(runs[10])
    page.goto("/runs/")
    if oldest_first:
        page.get_by_role("link", name="Load older").click()
        expect(page.locator(".run-link")).to_have_count(100)
        page.goto(f"/runs/{page.get_by_role('link', name='Load older').get_attribute('href')}")
    else:
        for count in (100, 120):
            page.get_by_role("link", name="Load older").click()
            expect(page.locator(".run-link")).to_have_count(count)
    live(page, "live")
    shows(page, runs[10], "running")
    page.wait_for_load_state("networkidle")  # what a page looks at when it opens would hide what it misses later

    end_unheard(runs[10])
    notify(RUN_CHANNEL, "the line was lost; look again")

    shows(page, runs[10], "succeeded")


def test_a_list_that_could_not_ask_for_all_of_it_is_not_called_live(page: Page, team: Team, user: User) -> None:
    server = team.servers.get()
    runs = [make_run(team=team, by=user, server=server, name=f"run {number}") for number in range(55)]
    for number, run in enumerate(runs):
        Run.objects.filter(pk=run.pk).update(created_at=F("created_at") - timedelta(minutes=60 - number))
    start(runs[0])
    page.goto("/runs/")
    page.get_by_role("link", name="Load older").click()
    shows(page, runs[0], "running")
    live(page, "live")
    page.wait_for_load_state("networkidle")

    page.route(re.compile("before="), lambda route: route.abort())
    end_unheard(runs[0])
    notify(RUN_CHANNEL, "the line was lost; look again")
    expect(page.locator("#live")).to_contain_text("Live updates paused")
    make_run(team=team, by=user, server=server, name="newer")
    expect(page.locator(".new-runs")).to_be_visible()  # the line itself brings what is new
    expect(page.locator("#live")).not_to_have_attribute("data-state", "live")
    page.unroute(re.compile("before="))

    shows(page, runs[0], "succeeded")
    live(page, "live")


def end_unheard(run: Run) -> None:
    """As if it ended while the web process' connection to the database is down."""
    Run.objects.filter(pk=run.pk).update(
        status=RunStatus.SUCCEEDED, finished_at=Now(), lease_owner=None, lease_expires_at=None, version=F("version") + 1
    )


def test_filters_stand_in_the_address_and_come_off(page: Page, team: Team, user: User) -> None:
    make_run(team=team, by=user, server=team.servers.get(), name="tides", assistant_id="report")
    make_run(team=team, by=user, server=team.servers.get(), name="other", assistant_id="chat")
    page.goto("/runs/")

    page.locator("summary", has_text="Status").click()
    page.get_by_label("Queued").check()
    page.get_by_label("Failed").check()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/runs/\?status=queued&status=failed$"))
    page.get_by_label("Assistant").select_option("report")
    expect(page.locator(".run-link")).to_have_text(["tides"])
    page.get_by_role("link", name="Remove filter Status: Failed").click()
    expect(page).to_have_url(re.compile(r"/runs/\?status=queued&assistant=report$"))
    page.get_by_role("link", name="Clear all").click()

    expect(page.locator(".run-link")).to_have_count(2)
    expect(page).to_have_url(re.compile(r"/runs/$"))


def test_after_going_back_the_filters_shown_are_those_in_force(page: Page, team: Team, user: User) -> None:
    make_run(team=team, by=user, server=team.servers.get(), name="one", assistant_id="chat")
    make_run(team=team, by=user, server=team.servers.get(), name="two", assistant_id="report")
    page.goto("/runs/")
    page.locator("select[name=assistant]").select_option("chat")
    expect(page.locator(".run-link")).to_have_text(["one"])
    page.locator("select[name=person]").select_option(user.username)
    expect(page.locator(".chip")).to_have_count(2)

    page.go_back()
    expect(page.locator(".chip")).to_have_count(1)
    expect(page.locator("select[name=person]")).to_have_value("")
    expect(page.locator("select[name=assistant]")).to_have_value("chat")
    page.go_back()
    expect(page.locator(".run-link")).to_have_text(["two", "one"])
    expect(page.locator("select[name=assistant]")).to_have_value("")
    page.go_forward()
    expect(page.locator(".run-link")).to_have_text(["one"])
    expect(page.locator("select[name=assistant]")).to_have_value("chat")
