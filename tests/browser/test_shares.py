"""Sharing with something hidden, and what a stranger sees of it."""

from __future__ import annotations

import json
import re
import uuid

import pytest
from playwright.sync_api import Page, expect

from dashboard.launch.models import Preset
from dashboard.runs.models import Run
from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.servers.services import AssistantFound, server_seen
from dashboard.steps.models import Step
from dashboard.teams.models import Team, User
from tests.browser.conftest import Open
from tests.browser.steps import finish, live, shows, start
from tests.browser.test_look import axe
from tests.factories import make_run

CANARY = "Canary Jones"
STATE = {
    "answer": f"Dear {CANARY}, the tide turns at noon.",
    "customer": {"name": CANARY, "mail": "jones@example.org"},
    "messages": [
        {"type": "human", "content": f"When does the tide turn? {CANARY}", "id": "1"},
        {"type": "ai", "content": "At noon. Call +49 30 1234567.", "id": "2"},
    ],
}


@pytest.fixture
def run(team: Team, user: User) -> Run:
    made = make_run(
        team=team,
        by=user,
        server=team.servers.get(),
        name=f"Tides for {CANARY}",
        status=RunStatus.SUCCEEDED,
        body=json.dumps(STATE).encode(),
        params={"input": {"customer": {"name": CANARY}}},
    )
    Step.objects.create(
        run=made, index=0, node="write", status="done", started_at=made.started_at, finished_at=made.finished_at,
        writes_json=json.dumps({"answer": STATE["answer"]}), writes_bytes=50,
    )  # fmt: skip
    return made


def test_share_with_something_hidden_after_a_look_at_it(page: Page, open_browser: Open, run: Run) -> None:
    page.goto(f"/runs/{run.pk}/")
    page.locator("summary", has_text="Share").click()
    panel = page.locator("#share-panel")
    panel.get_by_label("Steps").check()
    panel.locator("summary", has_text="More choices").click()
    panel.locator("summary", has_text="Preview").click()
    expect(panel.locator("#share-preview")).to_contain_text("Nothing is hidden")
    panel.get_by_label("Hide these places").fill("customer/name")
    expect(panel.locator("#share-preview .field-errors")).to_contain_text("A place begins with /")
    panel.get_by_label("Hide these places").fill("/customer/name")
    panel.get_by_label("Phone numbers").check()
    expect(panel.locator("#share-preview mark").first).to_have_text(CANARY)
    expect(panel.locator("#share-preview mark", has_text="+49 30 1234567")).to_be_visible()
    panel.get_by_label("messages", exact=True).check()
    expect(panel.locator("#share-preview mark", has_text="When does the tide turn?")).to_be_visible()
    panel.get_by_label("messages", exact=True).uncheck()
    expect(panel.locator("#share-preview mark", has_text="When does the tide turn?")).to_have_count(0)
    assert axe(page) == {}
    panel.get_by_role("button", name="Make a link").click()
    link = page.locator("#share-url").input_value()

    stranger = open_browser(viewport={"width": 360, "height": 740}).new_page()
    stranger.goto(link)

    expect(stranger.get_by_text("Dear [hidden], the tide turns at noon.").first).to_be_visible()
    expect(stranger.get_by_text("[phone hidden]").first).to_be_visible()
    expect(stranger).to_have_title(re.compile(r"Tides for \[hidden\]"))
    assert CANARY not in stranger.content()
    assert "1234567" not in stranger.content()
    stranger.get_by_label("Search in the state").fill("tide turns")
    expect(stranger.locator("#state-found mark").first).to_have_text("tide turns")
    stranger.get_by_label("Search in the state").fill("Canary")
    expect(stranger.locator("#state-found mark")).to_have_count(0)
    stranger.get_by_role("link", name="Raw").first.click()
    expect(stranger.get_by_text("[phone hidden]")).to_be_visible()
    assert CANARY not in stranger.content()
    assert axe(stranger) == {}
    stranger.go_back()
    assert stranger.evaluate("document.documentElement.scrollWidth") <= 360
    assert axe(stranger) == {}


def test_the_panel_opens_by_its_address_and_comes_then(page: Page, run: Run) -> None:
    page.goto(f"/runs/{run.pk}/#share")

    expect(page.locator("#share-panel").get_by_role("button", name="Make a link")).to_be_visible()


@pytest.mark.parametrize(("status", "state"), [(RunStatus.QUEUED, "live"), (RunStatus.SUCCEEDED, "final")])
def test_revoking_all_of_a_run_closes_its_open_pages(
    page: Page, open_browser: Open, team: Team, user: User, status: RunStatus, state: str
) -> None:
    body = b"{}" if status == RunStatus.SUCCEEDED else None
    run = make_run(team=team, by=user, server=team.servers.get(), name="Tides", status=status, body=body)
    page.goto(f"/runs/{run.pk}/")
    page.locator("summary", has_text="Share").click()
    page.get_by_role("button", name="Make a link").click()
    stranger = open_browser().new_page()
    with stranger.expect_websocket() as socket:
        stranger.goto(page.locator("#share-url").input_value())
    socket.value.wait_for_event("framereceived")
    expect(stranger.locator("#live")).to_have_attribute("data-state", state)

    page.goto(f"/shares/?run={run.pk}")
    expect(page.get_by_text("1 view")).to_be_visible()
    assert axe(page) == {}
    page.get_by_role("button", name="Revoke all of these").click()

    expect(stranger.get_by_role("heading", name="This link does not work")).to_be_visible(timeout=2_000)
    expect(page.get_by_text("1 link revoked.")).to_be_visible()


def test_a_password_opens_a_link_without_javascript(page: Page, open_browser: Open, run: Run) -> None:
    page.goto(f"/runs/{run.pk}/shares/")
    page.locator("summary", has_text="More choices").click()
    page.get_by_label("Password", exact=True).fill("noon")
    page.get_by_role("button", name="Make a link").click()
    stranger = open_browser(java_script_enabled=False, viewport={"width": 360, "height": 740}).new_page()
    stranger.goto(page.locator("#share-url").input_value())

    stranger.get_by_label("Password").fill("midnight")
    stranger.get_by_role("button", name="Show the run").click()
    expect(stranger.get_by_text("This is not the password")).to_be_visible()
    stranger.get_by_label("Password").fill("noon")
    stranger.get_by_role("button", name="Show the run").click()

    expect(stranger.get_by_text("At noon.").first).to_be_visible()


def test_a_stranger_uses_a_form_link_on_a_phone(page: Page, open_browser: Open, team: Team, user: User) -> None:
    server = team.servers.get()
    properties = {
        "topic": {"type": "string", "title": "Topic", "description": "What the report is about."},
        "tone": {"type": "string", "title": "Tone"},
        "prompt": {"type": "string", "title": "Prompt"},
        "sections": {"type": "array", "title": "Sections", "items": {"type": "string"}},
    }
    schema = {"type": "object", "properties": properties, "required": ["topic"]}
    assistant = AssistantFound(uuid.uuid4(), "report", "report", "", {"input_schema": schema}, 1)
    server_seen(server=server, version="1", assistants=[assistant])
    values = {"params": {"input": {"tone": "plain", "prompt": CANARY}}, "thread": "new"}
    preset = Preset.objects.create(
        team=team, server=server, created_by=user, name="Tide report", scope="team", assistant_id="report",
        description="A page about the tide of your harbour.", locked=["input/tone"], hidden=["input/prompt"],
        values_text=json.dumps(values),
    )  # fmt: skip
    page.goto(f"/presets/{preset.pk}/")
    page.get_by_role("link", name="Share as a form").click()
    assert axe(page) == {}
    page.get_by_role("button", name="Make a form link").click()
    link = page.locator("#share-url").input_value()

    stranger = open_browser(viewport={"width": 360, "height": 740}).new_page()
    stranger.goto(link)
    expect(stranger.get_by_label("Tone")).to_be_disabled()
    assert CANARY not in stranger.content()
    assert stranger.evaluate("document.documentElement.scrollWidth") <= 360
    assert axe(stranger) == {}
    stranger.get_by_role("button", name="Launch").last.click()
    expect(stranger.get_by_role("heading", name="Not sent yet")).to_be_visible()
    stranger.get_by_role("button", name="Add").first.click()
    stranger.locator("[name='input/sections/0']").fill("Springs")
    stranger.get_by_role("textbox", name="Topic").fill("Ebb")
    stranger.get_by_role("button", name="Launch").last.click()

    run = Run.objects.get()
    assert run.request.params["input"] == {"topic": "Ebb", "tone": "plain", "prompt": CANARY, "sections": ["Springs"]}
    expect(stranger.get_by_role("heading", name="Tide report")).to_be_visible()
    live(stranger, "live")
    lease = start(run)
    shows(stranger, run, "running")
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=json.dumps({"answer": "It ebbs.", "api_key": CANARY}).encode()))
    shows(stranger, run, "succeeded")
    expect(stranger.get_by_text("It ebbs.")).to_be_visible()
    assert CANARY not in stranger.content()
    page.goto(f"/runs/{run.pk}/#activity")
    expect(page.get_by_text("Launched by form link").first).to_be_visible()


def test_a_list_is_shared_live_and_its_revocation_closes_every_page(
    page: Page, open_browser: Open, team: Team, user: User, run: Run
) -> None:
    server = team.servers.get()
    other = make_run(server=server, by=user, name="Neap tide")
    page.goto("/runs/")
    page.get_by_text("Options", exact=True).click()
    page.get_by_role("link", name="Share this list…").click()
    page.get_by_label("Heading").fill("Tides of this week")
    page.locator("summary", has_text="More choices").click()
    page.get_by_label("Hide these places").fill("/customer/name")
    page.locator("summary", has_text="Preview").click()
    expect(page.locator("#share-preview mark").first).to_have_text(CANARY)
    assert axe(page) == {}
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#share-url").input_value()

    stranger = open_browser(viewport={"width": 360, "height": 740}).new_page()
    stranger.goto(link)
    expect(stranger.get_by_role("heading", name="Tides of this week")).to_be_visible()
    live(stranger, "live")
    start(other)
    expect(stranger.locator(f"#run-{other.pk} [data-run-status=running]")).to_be_visible()
    make_run(server=server, by=user, name="Storm surge")
    expect(stranger.get_by_text("Storm surge")).to_be_visible()
    assert CANARY not in stranger.content()
    assert axe(stranger) == {}
    assert stranger.evaluate("document.documentElement.scrollWidth") <= 360
    stranger.get_by_role("link", name="Tides for [hidden]").click()
    expect(stranger.get_by_text("Dear [hidden], the tide turns at noon.").first).to_be_visible()
    assert CANARY not in stranger.content()
    stranger.get_by_role("link", name="Tides of this week").click()
    live(stranger, "live")

    page.goto("/shares/")
    page.get_by_role("button", name="Revoke the link to Tides of this week").click()

    expect(stranger.get_by_role("heading", name="This link does not work")).to_be_visible(timeout=2_000)


def test_a_comparison_and_a_thread_are_shared(page: Page, open_browser: Open, team: Team, user: User, run: Run) -> None:
    other = make_run(
        server=team.servers.get(), by=user, name="Neap", status=RunStatus.SUCCEEDED, body=b'{"answer": "At dusk."}'
    )
    stranger = open_browser(viewport={"width": 360, "height": 740}).new_page()
    shared = {
        f"/runs/compare/?a={run.pk}&b={other.pk}": "At dusk.",
        f"/threads/{run.server_id}/{run.remote_thread_id}/": "At noon.",
    }
    for address, text in shared.items():
        page.goto(address)
        page.get_by_role("link", name="Share", exact=True).click()
        page.get_by_role("button", name="Make a link").click()

        stranger.goto(page.locator("#share-url").input_value())

        expect(stranger.get_by_text(text).first).to_be_visible()
        live(stranger, "live")
        assert axe(stranger) == {}
        assert stranger.evaluate("document.documentElement.scrollWidth") <= 360
