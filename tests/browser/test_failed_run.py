"""A run that fails in the third of its steps, under a reader's hands; and what is chosen in lists, tables and trees."""

from __future__ import annotations

import json
import re
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from dashboard.langgraph import Checkpoint, Task
from dashboard.runs.models import Run
from dashboard.runs.outcomes import Outcome, RunError
from dashboard.runs.statuses import RunStatus
from dashboard.steps import services
from dashboard.steps.reading import Reading
from dashboard.steps.timeline import StepFound
from dashboard.teams.models import Team, User
from tests.browser.steps import finish, live, shows, start
from tests.factories import make_run

NAMES = ["first", "second", "third"]


def reading() -> Reading:
    """The server's answers about a run whose third step failed."""
    at = timezone.now()
    points, steps = [], []
    for number, name in enumerate(NAMES):
        body = json.dumps({"topic": "tides", "seen": NAMES[:number]}).encode()
        task = Task(name, name, "", False, False, None, 0, "")
        points.append(((), Checkpoint(f"c{number}", "", at, "loop", "", 1, (task,), body, len(body))))
        writes = json.dumps({"seen": NAMES[: number + 1]}).encode()
        ends = at + timedelta(seconds=number + 1)
        done = StepFound(name, (), "done", ends, ends, writes=writes, writes_bytes=len(writes))
        ids = {"checkpoint_id": f"c{number}", "next_checkpoint_id": f"c{number + 1}" if number < 2 else ""}
        steps.append(StepFound(**{**vars(done), **ids}))
    failed = {"status": "failed", "writes": None, "writes_bytes": 0, "error": "ValueError('the third is broken')"}
    steps[-1] = StepFound(**{**vars(steps[-1]), **failed})
    return Reading(steps, checkpoints=points)


def record(run: Run) -> None:
    assert [taken.pk for taken in services.recordings_claim(limit=5)] == [run.pk]
    services.steps_store(run=run, reading=reading())


def test_one_that_fails_in_the_third_step_leads_to_a_fork_before_it(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get(), name="Tides")
    lease = start(run)
    page.goto(f"/runs/{run.pk}/")
    live(page, "live")

    finish(lease, Outcome(RunStatus.FAILED, error=RunError("ValueError", "the third is broken", "third")))
    shows(page, run, "failed")
    expect(page.locator(".banner")).to_contain_text("ValueError in node third")
    record(run)

    # All of it comes to the open page by itself.
    fork = page.get_by_role("link", name="Fork before third")
    expect(fork).to_be_visible()
    expect(page.locator(".so-far")).to_contain_text("Values so far")
    expect(page.locator(".so-far")).to_contain_text("What third was given; it failed.")
    assert page.locator("main").inner_text().count("the third is broken") == 1
    expect(page.locator(".so-far")).to_contain_text("second")
    page.get_by_role("link", name="See the steps").click()
    page.locator('[data-step-node="second"] summary').first.click()
    expect(page.locator('[data-step-node="second"] .changes')).to_contain_text("second")
    page.locator('[data-step-node="third"] summary').first.click()
    expect(page.locator('[data-step-node="third"]')).to_contain_text("the third is broken")

    fork.click()
    expect(page.locator("#id_checkpoint_id")).to_have_value("c2")
    expect(page.locator("#id_input")).to_have_value("")
    page.get_by_role("button", name="Launch run").first.click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    forked = Run.objects.get(parent=run)
    assert forked.parent_kind == "fork"
    assert "input" not in forked.request.params


def test_runs_chosen_in_the_list_are_compared(page: Page, team: Team, user: User) -> None:
    server = team.servers.get()
    for topic in ("tides", "gales", "moons"):
        make_run(team=team, by=user, server=server, name=topic, params={"input": {"topic": topic}})
    page.goto("/runs/")
    compare = page.get_by_role("button", name="Compare")

    page.get_by_label("Select gales").check()
    expect(compare).to_be_disabled()
    page.get_by_label("Select tides").check()
    compare.click()

    page.wait_for_url("**/runs/compare/?a=*&b=*")
    expect(page.locator("thead a")).to_have_text(["tides", "gales"])
    expect(page.locator("#differs-parameters")).to_contain_text("gales")


def test_columns_and_depths_are_chosen_in_place(page: Page, team: Team, user: User) -> None:
    state = {
        "rows": [{f"c{column}": f"{row}.{column}" for column in range(10)} for row in range(30)],
        "plan": {f"part {number}": {"deep": {"deeper": [number]}} for number in range(30)},
    }
    run = make_run(team=team, by=user, status=RunStatus.SUCCEEDED, body=json.dumps(state).encode())
    page.goto(f"/runs/{run.pk}/")
    table = page.locator(".table-box")

    table.get_by_role("link", name="Choose columns").click()
    table.get_by_label("c9").check()
    table.get_by_label("c0", exact=True).uncheck()
    table.get_by_role("button", name="Show these").click()
    expect(table.locator("thead th").last).to_have_text("c9")
    expect(table.get_by_role("link", name="c0", exact=True)).to_have_count(0)
    table.get_by_role("link", name="c9").click()
    expect(table.locator("th[aria-sort='ascending']")).to_have_text("c9")
    expect(table.get_by_role("link", name="c0", exact=True)).to_have_count(0)

    page.goto(f"/runs/{run.pk}/state/?path=/plan")
    page.get_by_role("link", name="3", exact=True).click()
    expect(page.locator('[aria-expanded="true"]')).to_have_count(60)
    page.get_by_role("link", name="1", exact=True).click()
    expect(page.locator('[aria-expanded="true"]')).to_have_count(0)
