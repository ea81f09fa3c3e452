"""The page of workers keeps itself up to date, is found from every page, and pages of runs say when none works."""

from __future__ import annotations

import re
from datetime import timedelta

from django.db.models.functions import Now
from playwright.sync_api import Page, expect

from dashboard.runs.models import Run
from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team, User
from dashboard.worker.models import Worker
from tests.browser.conftest import Open
from tests.browser.steps import finish, live, shows, start
from tests.browser.test_live_run import NO_SOCKET
from tests.factories import make_run


def test_a_worker_comes_and_falls_silent_without_a_reload(page: Page, team: Team, user: User) -> None:
    make_run(team=team, by=user, server=team.servers.get())
    page.goto("/runs/")
    page.get_by_label("Your menu").click()
    page.get_by_role("banner").get_by_role("link", name="Workers").click()
    live(page, "live")
    expect(page.locator("#workers-state")).to_contain_text("No worker is running.")
    expect(page.locator("#workers-state")).to_contain_text("1 run has waited for")
    expect(page.locator("#workers-state")).to_contain_text("No worker has run lately")

    worker = Worker.objects.create(host="box-7", pid=4711, concurrency=500)
    row = page.get_by_role("row", name="box-7")
    expect(row).to_contain_text("Working")
    expect(row).to_contain_text("0 of 500")
    expect(page.locator("#workers-state")).not_to_contain_text("No worker is running")

    Worker.objects.filter(pk=worker.pk).update(heartbeat_at=Now() - timedelta(minutes=3))
    expect(row).to_contain_text("Silent")
    expect(row.locator("td").nth(5)).to_have_text(re.compile("3 m 0. s ago"))
    expect(row.locator("td").nth(3)).to_have_text(re.compile("[0-9]+ s ago"))
    expect(page.locator("#workers-state")).to_contain_text("the last one has been silent for 3 min")


def test_a_page_without_updates_does_not_say_that_all_is_well(page: Page, team: Team) -> None:
    Worker.objects.create(host="box-7", pid=4711, concurrency=500)
    page.goto("/workers/")
    live(page, "live")
    well, old = page.get_by_text("All is well."), page.get_by_text("Unknown right now.")
    expect(well).to_be_visible()
    expect(old).to_be_hidden()

    page.context.set_offline(True)
    expect(old).to_be_visible()
    expect(well).to_be_hidden()
    page.context.set_offline(False)
    expect(well).to_be_visible(timeout=20_000)


def test_on_a_phone_the_menu_leads_there(open_browser: Open, user: User) -> None:
    page = open_browser(user, viewport={"width": 320, "height": 740}).new_page()
    page.goto("/runs/")

    page.get_by_label("Your menu").click()
    page.get_by_role("banner").get_by_role("link", name="Workers").click()

    expect(page.get_by_role("heading", name="Workers", level=1)).to_be_visible()


def test_pages_of_runs_say_that_no_worker_runs_until_one_does(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    lists = page.context.new_page()
    lists.goto("/runs/")
    page.goto(f"/runs/{run.pk}/")
    live(page, "live")
    live(lists, "live")
    expect(page.locator("#work-notice")).to_contain_text("No worker is running. This run waits for a worker.")
    expect(lists.locator("#work-notice")).to_contain_text("No worker is running.")

    worker = Worker.objects.create(host="box-7", pid=4711, concurrency=5)
    expect(page.locator("#work-notice")).to_be_empty()
    expect(lists.locator("#work-notice")).to_be_empty()
    expect(lists.locator(f"#run-{run.pk}-row")).to_be_visible()

    Worker.objects.filter(pk=worker.pk).update(held=5)
    expect(page.locator("#work-notice")).to_contain_text("Every worker is full.")
    expect(lists.locator("#work-notice")).to_contain_text("Every worker is full.")
    Worker.objects.filter(pk=worker.pk).update(held=0)

    lease = start(run)  # by a worker that is not there
    shows(page, run, "running")
    expect(page.locator("#work-notice")).to_contain_text("This run's worker is gone.")
    Worker.objects.filter(pk=worker.pk).update(heartbeat_at=Now() - timedelta(minutes=3))
    expect(page.locator("#work-notice")).to_contain_text("No worker is running. The run may go on at the server")
    page.get_by_role("button", name="Cancel", exact=True).click()
    shows(page, run, "cancelling")
    expect(page.locator("#work-notice")).to_contain_text("A worker delivers the cancel as soon as one runs")

    finish(lease, Outcome(RunStatus.CANCELLED))
    shows(page, run, "cancelled")
    expect(page.locator("#work-notice")).to_be_empty()


def test_a_run_that_is_passed_over_says_so_by_itself(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    long_ago = Now() - timedelta(minutes=5)
    Worker.objects.create(host="box-7", pid=4711, concurrency=5, started_at=long_ago)
    page.goto(f"/runs/{run.pk}/")
    live(page, "live")
    expect(page.locator("#work-notice")).to_be_empty()

    Run.objects.update(status_at=long_ago)

    notice = page.locator("#work-notice")
    expect(notice).to_contain_text("This run has been due for 5 min although a worker has room.")
    start(run)
    expect(notice).not_to_contain_text("has been due")


def test_a_list_that_polls_says_so_too(open_browser: Open, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    context = open_browser(user, bypass_csp=True)
    context.add_init_script(NO_SOCKET)
    page = context.new_page()
    page.goto("/runs/")
    expect(page.locator("#work-notice")).to_contain_text("No worker is running.")
    live(page, "polling")

    Worker.objects.create(host="box-7", pid=4711, concurrency=5)

    expect(page.locator("#work-notice")).to_be_empty()
    expect(page.locator(f"#run-{run.pk}-row")).to_be_visible()
