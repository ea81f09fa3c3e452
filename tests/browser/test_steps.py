"""Steps and words appear on an open page while the run goes on, and nothing the reader has opened closes."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.steps import services
from dashboard.steps.models import Watch
from dashboard.steps.reading import Reading
from dashboard.steps.timeline import StepFound
from dashboard.teams.models import Team, User
from tests.browser.axe import axe
from tests.browser.steps import confirm, finish, live
from tests.factories import claim, make_run

pytestmark = pytest.mark.usefixtures("page")

BAR = """node => {
  const bar = document.querySelector(`[data-step-node="${node}"] rect`);
  return { x: parseFloat(bar.getAttribute("x")), width: parseFloat(bar.getAttribute("width")) };
}"""
WITHIN_MS = 10_000
"""Usually a tenth of a second; a machine that runs many tests at once takes longer."""


def test_steps_and_words_appear_while_the_run_goes_on(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get(), name="Tides")
    lease = claim(run)
    confirm(lease)
    frames: list[str] = []
    page.on("websocket", lambda line: line.on("framereceived", lambda frame: frames.append(str(frame))))
    page.goto(f"/runs/{run.pk}/#steps")
    live(page, "live")
    began = timezone.now()
    frames.clear()
    steps = [StepFound("plan", status="running", started_at=began)]

    services.steps_observe(run_id=run.pk, first=0, steps=steps)
    row = page.locator('[data-step-node="plan"]')
    expect(row).to_have_attribute("data-step-status", "running", timeout=WITHIN_MS)
    done = StepFound("plan", started_at=began, finished_at=began + timedelta(seconds=1), writes=b'{"route": ["a"]}')
    services.steps_observe(run_id=run.pk, first=0, steps=[done])
    expect(row).to_have_attribute("data-step-status", "done", timeout=WITHIN_MS)
    expect(page.locator(".steps-head")).to_contain_text("1 step so far; the next one appears when it ends")
    # Each change is the next thing the line brings: nothing waits for a poll, a beat or another change.
    assert [re.findall(r'data-step-status="(\w+)"', one) for one in frames if "data-step-node" in one] == [
        ["running"],
        ["done"],
    ]
    row.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(row).to_contain_text("route")
    services.steps_observe(run_id=run.pk, first=1, steps=[StepFound("draft", status="running", started_at=began)])
    expect(page.locator('[data-step-node="draft"]')).to_be_visible(timeout=WITHIN_MS)
    expect(row).to_contain_text("route")
    expect(row.locator("summary").first).to_be_focused()
    # The axis ends now: what has ended takes ever less of it, without a push, and what runs reaches to its end.
    was = page.evaluate(BAR, "plan")
    page.wait_for_function(f"was => {{ const now = ({BAR})('plan'); return now.width < was.width; }}", arg=was)
    growing = page.evaluate(BAR, "draft")
    assert growing["x"] + growing["width"] == pytest.approx(100, abs=0.1)

    page.get_by_role("tab", name="Result").click()
    for words in ("Few things", "Few things look as **simple**"):
        services.words_observe(run_id=run.pk, entries=[{"id": "m", "node": "draft", "text": words, "cut": 0}])
        expect(page.locator(f"#run-{run.pk}-live")).to_contain_text(words.replace("**", ""), timeout=WITHIN_MS)
    expect(page.locator(f"#run-{run.pk}-live strong")).to_have_text("simple")

    finish(lease, Outcome(RunStatus.SUCCEEDED, body=b'{"text": "Few things look as simple"}'))
    live(page, "final")
    expect(page.locator(f"#run-{run.pk}-live")).to_be_hidden()
    # No step of a run that succeeded goes on, also before its history has been read.
    expect(page.locator('[data-step-node="draft"]')).to_have_attribute("data-step-status", "done")
    (taken,) = services.recordings_claim(limit=5)
    services.steps_store(run=taken, reading=Reading([done, StepFound("draft", started_at=began, finished_at=began)]))
    page.get_by_role("tab", name="Steps").click()
    expect(page.locator('[data-step-node="draft"]')).to_have_attribute("data-step-status", "done")
    # What was open stays open, to the end, when the steps come from the server's history.
    expect(page.locator("#steps [data-axis-since], #steps [hx-get$='/steps/']")).to_have_count(0)
    expect(row.locator("details").first).to_have_attribute("open", "")


def test_a_run_is_watched_only_while_its_page_is_open(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    confirm(claim(run))
    assert not Watch.objects.exists()

    page.goto(f"/runs/{run.pk}/")
    live(page, "live")
    deadline = time.monotonic() + 5
    while not Watch.objects.filter(run=run).exists():
        assert time.monotonic() < deadline
    page.goto("/runs/")
    live(page, "live")
    last = Watch.objects.get(run=run).seen_at
    page.wait_for_timeout(5_000)

    assert Watch.objects.get(run=run).seen_at == last


NOTIFICATIONS = """
window.notified = [];
window.Notification = class extends EventTarget {
  constructor(text) { super(); window.notified.push(text); }
  static get permission() { return localStorage.permission ?? "default"; }
  static async requestPermission() { return localStorage.permission = "granted"; }
};
"""


def test_notifications_chosen_on_the_profile_come_without_asking_again(page: Page, team: Team, user: User) -> None:
    page.add_init_script(NOTIFICATIONS)
    run = make_run(team=team, by=user, server=team.servers.get(), name="Tides")
    lease = claim(run)
    confirm(lease)
    page.goto("/profile/")
    expect(page.get_by_label("A run ends whose page is open")).not_to_be_checked()
    page.get_by_label("A run ends whose page is open").check()
    page.reload()
    expect(page.get_by_label("A run ends whose page is open")).to_be_checked()
    expect(page.get_by_label("A question arrives")).not_to_be_checked()
    assert axe(page) == {}

    page.goto(f"/runs/{run.pk}/")
    live(page, "live")
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=b"{}"))
    live(page, "final")

    assert page.evaluate("window.notified") == ["Tides: Succeeded."]


def test_a_notification_comes_at_the_end_when_asked_for(page: Page, team: Team, user: User) -> None:
    page.add_init_script(NOTIFICATIONS)
    run = make_run(team=team, by=user, server=team.servers.get(), name="Tides")
    lease = claim(run)
    confirm(lease)
    page.goto(f"/runs/{run.pk}/")
    live(page, "live")

    page.get_by_role("button", name="Notify me when it ends").click()
    expect(page.get_by_role("button", name="You will be notified when it ends")).to_be_visible()
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=b"{}"))
    live(page, "final")

    assert page.evaluate("window.notified") == ["Tides: Succeeded."]
