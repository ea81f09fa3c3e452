"""Every page on a phone and at desk size, in light and dark: no sideways scrolling; at desk size nothing axe finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from playwright.sync_api import Page

from dashboard.costs.services import price_set
from dashboard.history.models import SavedView
from dashboard.langgraph import Checkpoint, Task
from dashboard.launch.models import Preset
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.outcomes import RunError
from dashboard.runs.statuses import RunStatus
from dashboard.sharing.models import SetKind
from dashboard.sharing.services import ShareOrder, share_create
from dashboard.sharing.sets.services import SetOrder, set_share
from dashboard.steps.models import StepLog
from dashboard.steps.reading import Reading
from dashboard.steps.services import steps_store
from dashboard.steps.timeline import StepFound
from dashboard.teams.models import Role, Team, User
from dashboard.worker.models import Worker
from tests.browser.axe import axe, axe_in_both_themes
from tests.browser.conftest import Open
from tests.factories import make_run, make_user

CONVERSATION = {
    "messages": [
        {"type": "human", "content": "Hello **there**"},
        {"type": "ai", "content": "", "tool_calls": [{"name": "look", "args": {"day": "Tuesday", "n": [1, 2]}}]},
        {"type": "tool", "name": "look", "content": "found"},
        {"type": "ai", "content": "# Title\n\n```\n" + "long_line " * 40 + "\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |"},
        {"type": "human", "content": "مرحبا بالعالم <script>alert(1)</script>"},
    ],
    "score": 0.5,
    "word": "unbroken" * 60,
    "rows": [{f"column {column}": "some words" for column in range(12)}] * 3,
    "nested": {"a": {"b": {"c": [1, None, True, {}]}}},
}
USAGE = {"input_tokens": 900, "output_tokens": 90}
ANSWER = json.dumps(
    {"messages": [{"id": "a", "usage_metadata": USAGE, "response_metadata": {"model_name": "large-2"}}]}
).encode()
LONG_NAME = "Pressure sweep, second attempt with the new calibration table and-an-unbroken-tail" * 2


@pytest.fixture
def addresses(team: Team, user: User) -> dict[str, str]:
    """Every page there is, and every status a run's page can show."""
    server = team.servers.get()
    body = json.dumps(CONVERSATION).encode()
    error = RunError("ValueError", "A pressure of -3 bar is not possible " * 20, "explode")
    endings = {
        RunStatus.NEEDS_INPUT: {"interrupts": [{"id": "a", "value": {"question": "Approve?", "amount": 180}}]},
        RunStatus.PAUSED: {"next": ["write"]},
        RunStatus.CANCELLED: {"rolled_back": True},
    }
    found = {
        "list": "/runs/",
        "inbox": "/inbox/",
        "filtered": "/runs/?status=failed&status=lost&q=tides&assistant=chat",
        "nothing matches": "/runs/?q=nothing-like-this",
        "workers": "/workers/",
        "prices": "/prices/?model=large-2",
        "launch": "/launch/?assistant_id=report&durability=exit",
        "not found": "/nowhere/",
        "no such link": "/s/none/",
        "used link": "/accounts/sign-in/none/",
    }
    Worker.objects.create(host="a-machine-with-quite-a-long-name.somewhere.example.org", pid=12, concurrency=500)
    Worker.objects.create(host="box", pid=3, concurrency=5, heartbeat_at=Now() - timedelta(minutes=3))
    Worker.objects.create(host="box", pid=4, concurrency=5, stopped_at=Now() - timedelta(minutes=3))
    old = Now() - timedelta(minutes=4)
    Worker.objects.create(host="box", pid=5, concurrency=5, heartbeat_at=old, stopped_at=Now() - timedelta(minutes=3))
    for status in RunStatus:
        run = make_run(
            team=team,
            by=user,
            server=server,
            status=status,
            name=LONG_NAME if status == RunStatus.FAILED else "",
            tags=["nightly", "eu-west"],
            body=body if status in (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.NEEDS_INPUT) else None,
            error=error if status in (RunStatus.FAILED, RunStatus.TIMED_OUT) else None,
            ending=endings.get(status),
            thread=ThreadChoice.STATELESS if status == RunStatus.LOST else ThreadChoice.NEW,
            headers={"Authorization": "secret"},
            params={"input": CONVERSATION, "config": {"recursion_limit": 50}, "durability": "exit"},
        )
        found[status] = f"/runs/{run.pk}/"
        if status in (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.RUNNING):
            _, token = share_create(run=run, by=user, lifetime=timedelta(days=7))
            found[f"shared {status}"] = f"/s/{token}/"
    ended = Run.objects.get(team=team, status=RunStatus.SUCCEEDED)
    price_set(team=team, model="large-*", input=Decimal(3), output=Decimal(15), cached=None, currency="USD")
    StepLog.objects.create(run=ended, state="reading", tries=1)
    at = timezone.now()
    task = Task("t", "explode", "", False, False, None, 0, "")
    point = Checkpoint("c0", "", at, "loop", "", 1, (task,), body, len(body))
    step = StepFound("explode", started_at=at, finished_at=at, checkpoint_id="c0", writes=ANSWER, writes_bytes=9)
    steps_store(run=ended, reading=Reading([step], checkpoints=[((), point)]))
    found["checkpoint"] = found[RunStatus.SUCCEEDED] + "states/c0/"
    found["table"] = found[RunStatus.SUCCEEDED] + "state/?path=/rows&columns=1"
    found["thread"] = f"/threads/{server.pk}/{ended.remote_thread_id}/"
    found["steps"] = found[RunStatus.SUCCEEDED] + "#steps"
    found["activity"] = found[RunStatus.SUCCEEDED] + "#activity"
    found["input"] = found[RunStatus.SUCCEEDED] + "#input"
    found["share panel"] = found[RunStatus.SUCCEEDED] + "#share"
    found["share form"] = found[RunStatus.SUCCEEDED] + "shares/"
    found["links"] = "/shares/"
    found["columns"] = "/views/columns/"
    found |= {name: f"/{name}/" for name in ("people", "audit", "profile")}
    leaver = make_user(team, username="somebody-with-quite-a-long-user-name@example.org")
    Preset.objects.create(team=team, server=server, created_by=leaver, name="p", assistant_id="chat", values_text="{}")
    found["hand over"] = f"/people/{leaver.pk}/hand-over/"
    SavedView.objects.create(team=team, owner=user, name=LONG_NAME[:60], scope="team", query="status=failed")
    found["views"] = "/views/"
    found["share a list"] = "/shares/new/?query=status%3Dfailed"
    both = [ended.pk, Run.objects.get(team=team, status=RunStatus.FAILED).pk]
    runs = {
        "comparison": SetOrder(SetKind.COMPARISON, LONG_NAME[:100], run_ids=both),
        "thread": SetOrder(SetKind.THREAD, "A thread", server=server, thread_id=ended.remote_thread_id or ""),
        "view": SetOrder(SetKind.VIEW, "Runs"),
    }
    for kind, order in runs.items():
        shows = ShareOrder(show=["result", "messages", "input", "steps"], redact_kinds=["email"])
        _, token = set_share(team=team, by=user, lifetime=timedelta(days=7), runs=order, order=shows)
        found[f"shared {kind}"] = f"/s/{token}/"
    return found


def shown(page: Page, addresses: dict[str, str]) -> Iterator[str]:
    """Opens one page after the other."""
    for name, address in addresses.items():
        page.goto("about:blank")  # else an address that differs in its fragment alone would not load
        page.goto(address)
        if name == "launch":
            page.locator("#id_input").fill("{")
            page.get_by_role("button", name="Launch run").click()
            page.locator("#error-summary").wait_for()
        page.wait_for_load_state("load")
        yield name


def test_phones_and_tablets(open_browser: Open, user: User, addresses: dict[str, str]) -> None:
    page = open_browser(user, viewport={"width": 360, "height": 740}).new_page()

    found = {}
    for name in shown(page, addresses):
        for width in (320, 360, 768):
            page.set_viewport_size({"width": width, "height": 740})
            needed = page.locator("html").evaluate("html => html.scrollWidth")
            if needed > width:
                found[f"{name} at {width}"] = [f"needs {needed}"]
        page.set_viewport_size({"width": 360, "height": 740})
    page.goto(addresses["links"])
    for width in range(320, 820, 20):
        page.set_viewport_size({"width": width, "height": 740})
        if page.evaluate("(nav => nav.scrollWidth > nav.clientWidth)(document.querySelector('.topnav'))"):
            found[f"navigation at {width}"] = ["is cut"]

    assert found == {}


def test_desks_light_and_dark(open_browser: Open, user: User, addresses: dict[str, str]) -> None:
    page = open_browser(user, viewport={"width": 1280, "height": 800}, reduced_motion="reduce").new_page()

    found = {}
    for name in shown(page, addresses):
        found |= {f"{name}: {rule}": where for rule, where in axe_in_both_themes(page).items()}

    assert found == {}


def test_signed_out_or_not_allowed(open_browser: Open, team: Team) -> None:
    stranger = open_browser(color_scheme="dark").new_page()
    stranger.goto("/accounts/login/")
    found = axe(stranger)
    stranger.get_by_label("User name").fill("nobody")
    stranger.get_by_label("Password").fill("nothing")
    stranger.get_by_role("button", name="Sign in").click()
    stranger.locator("#error-summary").wait_for()
    found |= axe(stranger)

    viewer = open_browser(make_user(team, role=Role.VIEWER)).new_page()
    viewer.goto("/runs/")
    found |= axe(viewer)
    assert viewer.get_by_role("link", name="Launch").count() == 0
    viewer.goto("/launch/")
    found |= axe(viewer)

    assert found == {}
