"""A run is forked from one of its steps, and a thread shows its branches."""

from __future__ import annotations

import json
import re
from typing import Any

from django.utils import timezone
from playwright.sync_api import Page, WebSocketRoute, expect

from dashboard.langgraph import Checkpoint, Task
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.steps import services
from dashboard.steps.reading import Reading
from dashboard.steps.timeline import StepFound
from dashboard.teams.models import Team, User
from tests.browser.steps import finish, live, shows, start, tab_to
from tests.factories import make_run

NAMES = ("measure", "draft", "check")
RUN_PAGE = re.compile(r"/runs/[0-9a-f-]{36}/$")


def record(run: Run) -> None:
    """What a worker does with the history of a run of three steps that has ended."""
    at = timezone.now()
    points = []
    for number, name in enumerate(NAMES):
        task = Task(name, name, "", False, False, None, 0, "")
        body = json.dumps({"done": NAMES[:number]}).encode()
        points.append(((), Checkpoint(f"c{number}", "", at, "loop", "", 1, (task,), body, len(body))))
    steps = [
        StepFound(name, started_at=at, finished_at=at, checkpoint_id=f"c{number}", writes=b"{}", writes_bytes=2)
        for number, name in enumerate(NAMES)
    ]
    assert [taken.pk for taken in services.recordings_claim(limit=5)] == [run.pk]
    services.steps_store(run=run, reading=Reading(steps, checkpoints=points))


def test_a_run_that_ended_under_ones_eyes_is_forked_by_keyboard(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get(), name="Tides")
    lease = start(run)
    page.goto(f"/runs/{run.pk}/")
    live(page, "live")
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=b'{"done": ["measure", "draft", "check"]}'))
    shows(page, run, "succeeded")
    record(run)

    menu = page.locator(f"#run-{run.pk}-again summary")
    item = page.locator(f"#run-{run.pk}-fork-item a")
    expect(item).to_be_attached()
    tab_to(page, menu)
    page.keyboard.press("Enter")
    tab_to(page, item)
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="Steps")).to_have_attribute("aria-selected", "true")
    tab_to(page, page.locator('[data-step-node="draft"] summary').first)
    page.keyboard.press("Enter")
    fork = page.get_by_role("link", name="Fork from here")
    expect(fork).to_be_visible()
    tab_to(page, fork)
    page.keyboard.press("Enter")

    expect(page.locator("#launch-differs")).to_contain_text("at step draft")
    expect(page.locator("#id_checkpoint_id")).to_have_value("c1")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(lambda url: bool(RUN_PAGE.search(url)) and str(run.pk) not in url)
    run.refresh_from_db()
    forked = run.children.get()
    assert forked.parent_kind == "fork"
    assert (forked.remote_thread_id, forked.request.params["checkpoint_id"]) == (run.remote_thread_id, "c1")


def test_one_whose_end_came_before_the_page_was_live_offers_to_fork(page: Page, team: Team, user: User) -> None:
    """The page is rendered while the run goes on; its socket opens after the end, when the steps have been read."""
    run = make_run(team=team, by=user, server=team.servers.get(), name="Tides")
    lease = start(run)

    lines: list[WebSocketRoute] = []
    page.route_web_socket(re.compile("/ws/runs/"), lambda line: lines.append(line))
    page.goto(f"/runs/{run.pk}/")
    shows(page, run, "running")
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=b"{}"))
    record(run)
    lines[0].connect_to_server()

    live(page, "final")
    expect(page.locator(f"#run-{run.pk}-fork-item a")).to_be_attached()


def test_a_thread_with_two_branches_says_where_each_begins_and_goes_on(page: Page, team: Team, user: User) -> None:
    server = team.servers.get()
    said = [{"type": "human", "content": "When is high tide?"}, {"type": "ai", "content": "At five."}]
    order: dict[str, Any] = {"team": team, "by": user, "server": server, "status": RunStatus.SUCCEEDED}

    def spoke(*turns: dict[str, str], **more: Any) -> Run:
        run = make_run(**order, body=json.dumps({"messages": turns}).encode(), **more)
        run.refresh_from_db()
        return run

    first = spoke(*said, name="Tides")
    record(first)
    here = {"thread": ThreadChoice.EXISTING, "thread_id": first.remote_thread_id}
    more = [{"type": "human", "content": "And low?"}, {"type": "ai", "content": "At eleven."}]
    spoke(*said, *more, name="Low water", **here)
    other = [{"type": "human", "content": "In Gdansk, I meant."}, {"type": "ai", "content": "Hardly any."}]
    fork = {"parent": first, "parent_kind": "fork", "params": {"checkpoint_id": "c2"}}
    branch = spoke(*said, *other, name="Gdansk", **fork, **here)
    spoke(*said, *other, {"type": "human", "content": "Thanks"}, name="Thanks", **here)
    page.goto(f"/runs/{first.pk}/")
    page.get_by_role("link", name=str(first.remote_thread_id)).click()

    runs = page.locator(".thread-run")
    expect(runs.locator(".thread-title")).to_have_text(["Tides", "Low water", "Gdansk", "Thanks"])
    expect(page.locator("[data-fork] .thread-head")).to_contain_text("branches off from Tides")
    # What goes on after a fork goes on where the fork ended.
    expect(page.locator("[data-branch] .thread-title")).to_have_text(["Gdansk", "Thanks"])
    expect(page.locator(".thread")).not_to_contain_text("earlier message")
    # Each run shows what it added, the second branch not what the first one said.
    expect(runs.nth(0)).to_contain_text("At five.")
    for number, (added, elsewhere) in {1: ("At eleven.", "Hardly any."), 2: ("Hardly any.", "At eleven.")}.items():
        expect(runs.nth(number)).to_contain_text(added)
        expect(runs.nth(number)).not_to_contain_text(elsewhere)
        expect(runs.nth(number)).not_to_contain_text("At five.")
    runs.nth(0).locator(".points summary").click()
    runs.nth(0).get_by_role("row", name="Before measure").get_by_role("link", name="From here").click()
    expect(page.locator("#id_checkpoint_id")).to_have_value("c0")
    page.go_back()
    page.get_by_role("link", name="Gdansk").click()
    page.wait_for_url(f"**/runs/{branch.pk}/")
