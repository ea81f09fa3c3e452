"""The page of workers keeps itself up to date, and is found from every page."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now
from playwright.sync_api import Page, expect

from dashboard.teams.models import Team, User
from dashboard.worker.models import Worker
from tests.browser.conftest import Open
from tests.browser.steps import live
from tests.factories import make_run


def test_a_worker_comes_and_falls_silent_without_a_reload(page: Page, team: Team, user: User) -> None:
    make_run(team=team, by=user, server=team.servers.get())
    page.goto("/runs/")
    page.get_by_role("navigation").get_by_role("link", name="Workers").click()
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
    expect(row).to_contain_text("3 m 0")
    expect(page.locator("#workers-state")).to_contain_text("the last one has been silent for 3 min")


def test_on_a_phone_the_menu_leads_there(open_browser: Open, user: User) -> None:
    page = open_browser(user, viewport={"width": 320, "height": 740}).new_page()
    page.goto("/runs/")

    page.get_by_label("Your menu").click()
    page.get_by_role("link", name="Workers").click()

    expect(page.get_by_role("heading", name="Workers", level=1)).to_be_visible()
