"""Servers, assistants, presets and what saves typing, in a browser; the pages look right on a phone and in the dark."""

from __future__ import annotations

import json
import re
import uuid
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Route, expect

from dashboard.launch.models import Preset
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.statuses import RunStatus
from dashboard.servers import services
from dashboard.servers.models import Server
from dashboard.servers.services import AssistantFound
from dashboard.teams.models import Team, User
from tests.browser.axe import axe_in_both_themes
from tests.browser.conftest import Open
from tests.browser.steps import tab_to
from tests.factories import make_run

SCHEMA = {
    "type": "object",
    "properties": {"topic": {"type": "string", "title": "Topic", "description": "What it is about. " * 12}},
    "required": ["topic"],
}
FINDINGS = [
    {"key": "reach", "tone": "success", "title": "It answers", "text": "In 12 ms.", "do": "", "items": []},
    {"key": "schemas", "tone": "attention", "title": "1 of them give no schemas", "text": "", "do": "Do it.",
     "items": ["weekly: " + "unbroken" * 30]},
]  # fmt: skip


BRANCHES = [f"look at source number {number}" for number in range(4)]
WIDE_GRAPH = {
    "nodes": [{"id": name} for name in ("__start__", *BRANCHES, "__end__")],
    "edges": [{"source": "__start__", "target": name} for name in BRANCHES]
    + [{"source": name, "target": "__end__"} for name in BRANCHES],
}


@pytest.fixture
def server(team: Team) -> Server:
    server = team.servers.get()
    found = [
        AssistantFound(
            uuid.UUID(int=1), "report", "report", "Plans a report. " * 20, {"input_schema": SCHEMA}, 2, graph=WIDE_GRAPH
        ),
        AssistantFound(
            uuid.UUID(int=2), "report", "Weekly-" + "unbroken" * 12, settings={"context": {"tone": "plain"}}
        ),
    ]
    services.server_seen(server=server, version="0.16.7", assistants=found)
    return server


def finish_check() -> None:
    """Does the requested check, as a worker does."""
    check = services.server_check_claim()
    assert check is not None
    services.server_check_finish(check=check, findings=FINDINGS)


def launched(server: Server, user: User, **order: object) -> Run:
    params = {"input": {"topic": "Tides for the harbour office"}}
    return make_run(server=server, by=user, assistant_id="report", params=params, **order)  # type: ignore[arg-type]


def test_a_server_is_added_by_keyboard_and_its_check_arrives_by_itself(page: Page, team: Team) -> None:
    page.goto("/servers/new/")
    tab_to(page, page.get_by_label("Name"))
    page.keyboard.type("Production")
    tab_to(page, page.get_by_label("Address", exact=True))
    page.keyboard.type("http://127.0.0.1:2024")
    page.keyboard.press("Enter")
    expect(page.locator("#error-summary")).to_contain_text("127.0.0.1 is a loopback address")

    tab_to(page, page.get_by_label("Allow private addresses"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Add and check"))
    page.keyboard.press("Enter")
    expect(page.locator("#server-check")).to_contain_text("Checking")
    finish_check()

    expect(page.locator("#server-check")).to_contain_text("It answers")
    expect(page.locator("#server-check")).to_have_attribute("data-check", "done")
    assert team.servers.filter(name="Production", allow_private=True).exists()


def test_a_preset_is_kept_locked_and_launched_without_a_line_of_json(page: Page, server: Server) -> None:
    page.goto(f"/launch/?server={server.pk}&assistant_id=report&input={quote(json.dumps({'topic': 'tides'}))}")
    page.get_by_role("button", name="Save as preset").click()
    page.get_by_label("Name").fill("Weekly tides")
    page.get_by_label("My team").check()
    page.get_by_label("Lock topic").check()
    page.get_by_role("button", name="Save preset").click()
    expect(page.get_by_role("heading", name="Weekly tides")).to_be_visible()

    page.get_by_role("main").get_by_role("link", name="Launch").click()
    expect(page.locator("#launch-presets [aria-current]")).to_contain_text("Weekly tides")
    page.get_by_role("button", name="Launch run").last.click()
    page.wait_for_url("**/runs/*/")

    run = Run.objects.get()
    assert (run.preset_id, run.request.params["input"]) == (Preset.objects.get().pk, {"topic": "tides"})


def test_the_band_follows_what_is_typed(page: Page, server: Server, user: User) -> None:
    run = launched(server, user)
    page.goto(f"/launch/?from={run.pk}")
    expect(page.locator("#launch-differs")).to_contain_text("Nothing differs from")

    page.locator("[name='name']").fill("Another name")

    expect(page.locator("#launch-differs")).to_contain_text("Differs from")
    expect(page.locator("#launch-differs .differs-field")).to_have_text(["name"])


def test_a_thread_is_picked_by_what_was_asked_there(page: Page, server: Server, user: User) -> None:
    thread = str(uuid.uuid4())
    launched(server, user, thread=ThreadChoice.EXISTING, thread_id=thread, status=RunStatus.SUCCEEDED, body=b"{}")
    held: list[Route] = []
    page.route(re.compile("thread_q=harbour"), lambda route: held.append(route))
    page.goto(f"/launch/?server={server.pk}&assistant_id=report&thread=existing")
    item = page.locator("[data-thread]")
    expect(item).to_be_visible()

    # Chosen while the answer to a search is on its way: the list that comes then shows what is chosen, too.
    with page.expect_request(re.compile("thread_q=harbour")):
        page.get_by_label("Find a thread").fill("harbour")
    item.click()
    with page.expect_response(re.compile("thread_q=harbour")):
        held[0].continue_()

    expect(page.locator("[name='thread_id']")).to_have_value(thread)
    expect(page.locator("#thread-list:not(.htmx-swapping) [data-thread]")).to_have_attribute("aria-current", "true")


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (360, 740)])
def test_nothing_covers_the_threads_and_the_fields_below(
    open_browser: Open, server: Server, user: User, width: int, height: int
) -> None:
    for number in range(6):
        ended = RunStatus.NEEDS_INPUT if number == 5 else RunStatus.SUCCEEDED
        launched(server, user, status=ended, body=b'{"__interrupt__": [{"value": "ok?"}]}', name=f"Tide {number}")
    page = open_browser(user, viewport={"width": width, "height": height}).new_page()
    page.goto("/launch/?assistant_id=report")
    page.get_by_label("Existing thread").check()

    page.locator("[data-thread]").first.click()

    expect(page.get_by_text("A question is open there")).to_be_visible()
    for covered in (page.locator("[data-thread]").last, page.get_by_label("thread id"), page.locator("#id_tags")):
        covered.focus()
        is_seen = covered.evaluate(
            """element => {
              const { left, top, width, height } = element.getBoundingClientRect();
              return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
            }"""
        )
        assert is_seen
        expect(page.get_by_role("button", name="Launch run")).to_be_in_viewport(ratio=1)


def test_the_same_again_launches_from_the_runs_menu(page: Page, server: Server, user: User) -> None:
    run = launched(server, user)
    page.goto(f"/runs/{run.pk}/")

    page.locator(f"#run-{run.pk}-again summary").click()
    page.get_by_role("button", name="The same, at once").click()
    page.wait_for_url(lambda url: "/runs/" in url and str(run.pk) not in url)

    assert Run.objects.filter(parent=run, parent_kind="again").count() == 1


def test_assistants_are_found_while_typing(page: Page, server: Server) -> None:
    page.goto("/assistants/")
    expect(page.locator(".assistant-card")).to_have_count(2)

    page.get_by_placeholder("Name, graph").fill("weekly")

    expect(page.locator(".assistant-card")).to_have_count(1)


@pytest.fixture
def addresses(server: Server, user: User) -> dict[str, str]:
    """The pages, with long names and everything there is to show."""
    run = launched(server, user, status=RunStatus.SUCCEEDED, body=b"{}", name="A long name " * 10)
    services.server_check_request(server=server, by=user)
    finish_check()
    preset = Preset.objects.create(
        team=server.team,
        created_by=user,
        name="Weekly-" + "unbroken" * 8,
        description="When to use it. " * 20,
        server=server,
        assistant_id="report",
        values_text=json.dumps({"params": {"input": {"topic": "tides " * 200, "n": {"a": [1]}}}, "thread": "new"}),
        locked=["input/topic"],
    )
    return {
        "servers": "/servers/",
        "server": f"/servers/{server.pk}/",
        "new server": "/servers/new/",
        "assistants": "/assistants/",
        "assistant": f"/assistants/{server.pk}/report/",
        "presets": "/presets/",
        "preset": f"/presets/{preset.pk}/",
        "launch with a preset": f"/launch/?preset={preset.pk}",
        "launch with edits": f"/launch/?from={run.pk}",
        "code": f"/runs/{run.pk}/code/",
        "threads": "/launch/threads/",
    }


def test_every_page_fits_and_axe_finds_nothing(open_browser: Open, user: User, addresses: dict[str, str]) -> None:
    page = open_browser(user, color_scheme="light").new_page()
    wrong: dict[str, object] = {}

    for name, address in addresses.items():
        page.set_viewport_size({"width": 1280, "height": 800})
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, name
        page.wait_for_load_state("load")
        wrong |= {f"{name}: {rule}": where for rule, where in axe_in_both_themes(page).items()}
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            if page.locator("html").evaluate("html => html.scrollWidth") > width:
                wrong[f"{name}: sideways at {width}"] = True

    assert wrong == {}
