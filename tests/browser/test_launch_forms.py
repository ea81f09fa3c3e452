"""The launch page with forms made from schemas: by mouse, by keyboard alone, on a phone and without JavaScript."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page, expect

from dashboard.runs.models import Run
from dashboard.servers.services import AssistantFound, server_seen
from dashboard.teams.models import Team, User
from tests.browser.conftest import Open
from tests.browser.steps import tab_to
from tests.contract.schema_forms.schemas import SCHEMAS

RUN_PAGE = re.compile(r"/runs/([0-9a-f-]{36})/")
TONE = {"type": "object", "properties": {"tone": {"title": "Tone", "enum": ["plain", "shout"], "default": "plain"}}}

# From the request of the other view to the next frame after it was put in, in milliseconds.
SWITCH_TIMES = """() => {
  window.switchTimes = [];
  let start = 0;
  document.body.addEventListener("htmx:beforeRequest", () => { start = performance.now(); });
  document.body.addEventListener("htmx:afterSettle", () => requestAnimationFrame(() => setTimeout(() => {
    window.switchTimes.push(Math.round(performance.now() - start));
  })));
}"""


@pytest.fixture(autouse=True)
def assistants(team: Team) -> None:
    schemas = {
        name: {"input_schema": SCHEMAS[name]} for name in ("person", "chat", "pets", "formats", "text at the top")
    }
    schemas["chat"]["context_schema"] = TONE
    found = [
        AssistantFound(
            uuid4(),
            name.replace(" ", "-"),
            name.replace(" ", "-"),
            f"About {name}.",
            schema,
            graph={"nodes": [{"id": "plan"}]},
        )
        for name, schema in schemas.items()
    ]
    server_seen(server=team.servers.get(), version="1", assistants=found)


@pytest.fixture
def page(open_browser: Open, user: User) -> Page:
    return open_browser(user).new_page()


def launched(page: Page) -> dict[str, Any]:
    expect(page).to_have_url(RUN_PAGE)
    found = RUN_PAGE.search(page.url)
    assert found
    return Run.objects.get(pk=UUID(found.group(1))).request.params


def launch(page: Page) -> None:
    page.get_by_role("button", name="Launch run").click()


def test_a_nested_form_says_what_is_wrong_next_to_each_field(page: Page) -> None:
    page.goto("/launch/?assistant_id=person")
    page.get_by_label("Number", exact=True).first.fill("twelve")
    launch(page)

    summary = page.locator("#error-summary")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("whole number such as 3")
    page.get_by_label("Number", exact=True).first.fill("12")
    launch(page)
    expect(summary).to_contain_text("home / Street: This is required.")
    summary.get_by_role("link", name="home / Street").click()
    expect(page.locator('[name="input/home/street"]')).to_be_focused()

    page.keyboard.type("Long Street")
    page.get_by_label("Name", exact=True).first.fill("Ada")
    page.locator("#document-input").get_by_label("Name", exact=True).fill("Ada")
    launch(page)
    assert launched(page)["input"] == {"name": "Ada", "home": {"street": "Long Street", "number": 12}}


def test_lists_grow_move_and_take_many_lines(page: Page) -> None:
    page.goto("/launch/?assistant_id=pets")
    page.get_by_label("Pet", exact=True).select_option("Dog")
    page.get_by_label("Name", exact=True).last.wait_for()
    page.locator('[name="input/pet/name"]').fill("Rex")
    tricks = page.get_by_role("group", name="Tricks")
    tricks.get_by_text("Paste many lines").click()
    tricks.get_by_label("One item a line").fill("sit\n\nroll over\n")
    tricks.get_by_role("button", name="Add the lines").click()
    expect(page.locator('[name="input/pet/tricks/1"]')).to_have_value("roll over")
    tricks.get_by_role("button", name="Add an item").click()
    expect(page.locator('[name="input/pet/tricks/2"]')).to_be_focused()
    page.keyboard.type("jump")
    tricks.get_by_role("button", name="Move Tricks 3 up").click()
    expect(page.locator('[name="input/pet/tricks/1"]')).to_have_value("jump")
    tricks.get_by_role("button", name="Remove Tricks 1").click()
    expect(page.locator('[name="input/pet/tricks/1"]')).to_have_value("roll over")
    launch(page)

    assert launched(page)["input"] == {"pet": {"kind": "dog", "name": "Rex", "tricks": ["jump", "roll over"]}}


def test_a_chat_is_written_message_by_message(page: Page, tmp_path: Path) -> None:
    picture = tmp_path / "dot.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    page.goto("/launch/?assistant_id=chat")
    page.locator('[name="input/messages/0/content"]').fill("Look at this,\nplease")
    page.get_by_role("button", name="+ Image").click()
    expect(page.locator('[name="input/messages/0/content/0/text"]')).to_have_value("Look at this,\nplease")
    page.get_by_label("Upload a file for Image").set_input_files(picture)
    expect(page.locator('[name="input/messages/0/content/1/image_url/url"]')).to_have_value(
        re.compile("^data:image/png")
    )
    page.get_by_role("button", name="Add a message").click()
    page.locator('[name="input/messages/1/role"]').select_option("tool")
    page.locator('[name="input/messages/1/content"]').fill("42")
    page.get_by_label("Tool call id").last.fill("call_1")
    page.get_by_label("shout").check()
    launch(page)

    params = launched(page)
    assert params["context"] == {"tone": "shout"}
    assert params["input"]["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look at this,\nplease"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            ],
        },
        {"role": "tool", "content": "42", "tool_call_id": "call_1"},
    ]


def test_form_and_json_are_two_views_of_one_document(page: Page) -> None:
    page.goto("/launch/?assistant_id=person")
    page.locator("#document-input").get_by_label("Name", exact=True).fill("Ada")
    page.locator("#document-input .view-switch").get_by_text("JSON").click()
    area = page.locator("#id_input")
    expect(area).to_have_value(re.compile('"name": "Ada"'))
    text = '{\n  "scores": {\n    "a": 1.50\n  },\n  "zzz": [\n    1e3\n  ],\n  "name": "Bob"\n}'
    area.fill(text)

    page.locator("#document-input .view-switch").get_by_text("Form").click()
    expect(page.locator('[name="input/scores/a"]')).to_have_value("1.50")
    page.locator("#document-input .view-switch").get_by_text("JSON").click()

    expect(area).to_have_value(text)
    area.fill("{")
    page.locator("#document-input .view-switch").get_by_text("Form").click()
    expect(page.locator("#field-input")).to_contain_text("This is not JSON yet")
    expect(area).to_have_value("{")
    expect(page.locator("#document-input .view-switch").get_by_label("JSON")).to_be_checked()


def test_the_arrow_keys_switch_there_and_back(page: Page) -> None:
    page.goto("/launch/?assistant_id=person")
    page.locator('[name="input/name"]').fill("Ada")
    switch = page.locator("#document-input .view-switch")

    switch.get_by_label("Form").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#id_input")).to_have_value(re.compile('"name": "Ada"'))
    expect(switch.get_by_label("JSON")).to_be_focused()
    page.keyboard.press("ArrowLeft")

    expect(page.locator('[name="input/name"]')).to_have_value("Ada")
    expect(switch.get_by_label("Form")).to_be_focused()


def test_the_lines_in_sight_of_a_long_json_text_are_numbered(page: Page) -> None:
    page.goto("/launch/?assistant_id=person&input_view=json")
    area, numbers = page.locator("#id_input"), page.locator("#view-input .json-lines")
    text = "\n".join(["[", *["1,"] * 5_000, "1]"])  # not filled in: Chromium takes a minute to type so many lines
    area.evaluate("(area, text) => { area.value = text; area.dispatchEvent(new Event('input')); }", text)
    expect(numbers).to_have_text(re.compile(r"^1\s+2\s+3\b"))

    area.evaluate("area => { area.scrollTop = 1234; }")
    expect(numbers).to_have_text(re.compile(r"^62\s+63\b"))
    assert numbers.evaluate("numbers => numbers.scrollTop") == 1234 - 61 * 20
    bottom = area.evaluate("area => { area.scrollTop = area.scrollHeight; return area.scrollTop; }")
    expect(numbers).to_have_text(re.compile(r"\b5001\s+5002\s*$"))
    assert numbers.evaluate("numbers => numbers.scrollTop") == bottom % 20
    area.evaluate("area => { area.scrollTop = 0; }")
    expect(numbers).to_have_text(re.compile(r"^1\s+2\s+3\b"))


def test_switching_a_large_document_is_quick(page: Page) -> None:
    page.goto("/launch/?assistant_id=person")
    friend = json.dumps({"name": "n" * 20, "home": {"street": "s" * 60}})
    page.locator("#document-input .view-switch").get_by_text("JSON").click()
    page.locator("#id_input").fill(f'{{"name": "Ada", "friends": [{", ".join([friend] * 1_800)}]}}')
    page.evaluate(SWITCH_TIMES)
    for view, found in (("Form", '[name="input/name"]'), ("JSON", "#id_input")) * 3 + (
        ("Form", '[name="input/name"]'),
    ):
        page.locator("#document-input .view-switch").get_by_text(view).click()
        expect(page.locator(found)).to_be_visible()

    expect(page.locator("#document-input")).to_contain_text("A list of 1,800 items: you edit it as JSON.")
    page.wait_for_function("window.switchTimes.length === 7")
    times = page.evaluate("window.switchTimes")
    # A machine with nothing else to do needs a tenth of this.
    assert min(times) < 5_000


def test_a_launch_link_fills_the_form_says_what_it_left_out_and_launches_nothing(page: Page) -> None:
    link = "input/name=Ada&input/home/street=Long+Street&tags=weekly&recursion_limit=9&headers=%7B%22X%22%3A%22s%22%7D"
    page.goto(f"/launch/?assistant_id=person&colour=red&{link}")

    notes = page.locator("main > .note")
    expect(notes.first).to_contain_text("so they are left out: colour, recursion_limit.")
    expect(notes.last).to_contain_text("Headers are secrets, so a link never sets them")
    expect(page.locator("#id_headers")).to_have_value("")
    expect(page.locator("#id_tags")).to_have_value("weekly")
    street = page.locator('[name="input/home/street"]')
    expect(street).to_have_value("Long Street")
    page.reload()
    assert not Run.objects.exists()

    street.focus()
    page.keyboard.press("Control+Enter")
    assert launched(page)["input"] == {"name": "Ada", "home": {"street": "Long Street"}}


def test_what_the_schema_refuses_in_json_can_be_launched_anyway(page: Page) -> None:
    page.goto("/launch/?assistant_id=pets")
    page.locator("#document-input .view-switch").get_by_text("JSON").click()
    page.locator("#id_input").fill('{\n  "pet": {"kind": "cow"}\n}')
    launch(page)

    warning = page.locator("#warning-summary")
    expect(warning).to_be_focused()
    expect(warning).to_contain_text("Line 2")
    warning.get_by_role("button", name="Launch anyway").click()

    assert launched(page)["input"] == {"pet": {"kind": "cow"}}
    expect(page.get_by_text("Line 2", exact=False).first).to_be_attached()


def test_another_assistant_is_picked_by_search_and_keeps_what_fits(page: Page) -> None:
    page.goto("/launch/?assistant_id=person")
    page.locator("#id_name").fill("my own words")

    page.locator("#id_assistant_id").fill("about chat")
    page.keyboard.press("Enter")

    expect(page.locator('[name="input/messages/0/content"]')).to_be_visible()
    expect(page.locator("#id_assistant_id")).to_have_value("chat")
    expect(page.locator("#id_name")).to_have_value("my own words")


def test_coming_back_to_an_assistant_brings_back_what_was_typed(page: Page) -> None:
    page.goto("/launch/?assistant_id=person&input/name=Grace")
    page.locator('[name="input/home/street"]').fill("Long Street")
    for name, control in (("chat", "input/messages/0/content"), ("person", "input/home/street")):
        page.locator("#id_assistant_id").fill(name)
        page.keyboard.press("Enter")
        expect(page.locator(f'[name="{control}"]')).to_be_visible()
        expect(page).to_have_url(re.compile(rf"/launch/\?assistant_id={name}$"))

    expect(page.locator('[name="input/home/street"]')).to_have_value("Long Street")
    expect(page.locator('[name="input/name"]')).to_have_value("Grace")


def test_swapping_parts_of_the_form_breaks_no_policy(page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto("/launch/?assistant_id=person")

    # As a browser does when somebody drags the corner of a text area.
    page.locator('textarea[name="input/name"]').evaluate("area => { area.style.height = '80px'; }")
    page.get_by_role("group", name="Tags").get_by_role("button", name="Add an item").click()
    expect(page.locator('[name="input/tags/0"]')).to_be_visible()
    page.locator("#document-input").get_by_text("JSON", exact=True).click()
    expect(page.locator("#id_input")).to_be_visible()
    page.locator("#id_assistant_id").fill("chat")
    page.keyboard.press("Enter")
    expect(page.locator('[name="input/messages/0/content"]')).to_be_visible()
    page.get_by_label("Existing thread").check()
    expect(page.get_by_text("No thread has been used yet")).to_be_visible()
    page.locator("#document-input").get_by_text("JSON", exact=True).click()
    expect(page.locator("#id_input")).to_be_visible()

    assert [text for text in said if "Content Security Policy" in text] == []


def test_ctrl_enter_launches_from_anywhere_on_the_page(page: Page) -> None:
    page.goto("/launch/?assistant_id=person&input/name=Ada&input/home/street=Long")
    page.locator("h1").click()

    page.keyboard.press("Control+Enter")

    assert launched(page)["input"] == {"name": "Ada", "home": {"street": "Long"}}


def test_the_picker_ranks_names_before_descriptions(page: Page, team: Team) -> None:
    about = {"writer": "Drafts text.", "refunds": "Reads claims and writes letters.", "copywriter": "Sells."}
    found = [AssistantFound(uuid4(), name, name, text, {}) for name, text in about.items()]
    server_seen(server=team.servers.get(), version="1", assistants=found)
    page.goto("/launch/")

    page.locator("#id_assistant_id").fill("wri")

    expect(page.locator(".picker-option:visible .card-title")).to_have_text(["writer", "copywriter", "refunds"])
    page.keyboard.press("Enter")
    expect(page.locator("#id_assistant_id")).to_have_value("writer")


def test_the_keyboard_alone_fills_and_launches(page: Page) -> None:
    page.goto("/launch/?assistant_id=person")
    page.locator("#id_assistant_id").focus()
    tab_to(page, page.locator('[name="input/name"]'))
    page.keyboard.type("Ada")
    tab_to(page, page.locator('[name="input/home/street"]'))
    page.keyboard.type("Long Street")
    tab_to(page, page.get_by_role("group", name="Tags").get_by_role("button", name="Add an item"))
    page.keyboard.press("Enter")
    expect(page.locator('[name="input/tags/0"]')).to_be_focused()
    page.keyboard.type("poet")
    page.keyboard.press("Control+Enter")

    assert launched(page)["input"] == {"name": "Ada", "home": {"street": "Long Street"}, "tags": ["poet"]}


def test_without_javascript_rows_kinds_and_views_work_too(open_browser: Open, user: User) -> None:
    page = open_browser(user, java_script_enabled=False, viewport={"width": 360, "height": 800}).new_page()
    page.goto("/launch/")
    expect(page.get_by_role("button", name="Launch run")).to_be_in_viewport(ratio=1)
    page.locator("#id_assistant_id").fill("pets")
    page.get_by_role("button", name="Show its form").click()
    page.get_by_label("Pet", exact=True).select_option("Dog")
    page.get_by_role("button", name="Show its fields").first.click()
    page.locator('[name="input/pet/name"]').fill("Rex")
    page.get_by_role("group", name="Tricks").get_by_role("button", name="Add an item").click()
    page.locator('[name="input/pet/tricks/0"]').fill("sit")
    page.get_by_label("JSON").first.check()
    page.locator("#document-input").get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#id_input")).to_have_value(re.compile('"tricks": \\[\n *"sit"'))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    launch(page)

    assert launched(page)["input"] == {"pet": {"kind": "dog", "name": "Rex", "tricks": ["sit"]}}


def test_a_text_at_the_top_and_a_file(page: Page, tmp_path: Path) -> None:
    page.goto("/launch/?assistant_id=text-at-the-top")
    page.locator('[name="input"]').fill("Tides")
    launch(page)
    assert launched(page)["input"] == "Tides"

    page.goto("/launch/?assistant_id=formats")
    (tmp_path / "a.bin").write_bytes(b"\x00\x01")
    page.get_by_label("Upload a file for file").set_input_files(tmp_path / "a.bin")
    expect(page.locator('[name="input/file"]')).to_have_value("AAE=")
    launch(page)
    assert launched(page)["input"] == {"file": "AAE="}


def test_a_draft_survives_a_closed_tab_without_its_secrets(open_browser: Open, user: User) -> None:
    context = open_browser(user)
    page = context.new_page()
    page.goto("/launch/?assistant_id=person")
    page.locator('[name="input/home/street"]').fill("Long Street")
    page.locator("#advanced > summary").click()
    page.locator("#id_headers").fill('{"X-Key": "s3cret"}')
    kept, deadline = "", time.monotonic() + 10
    while "Long Street" not in kept:  # wait_for_function would evaluate a text, which the page's policy forbids
        assert time.monotonic() < deadline, "the draft is not kept"
        page.wait_for_timeout(50)
        kept = page.evaluate("Object.values(localStorage).join()")
    assert "s3cret" not in kept
    page.close()

    page = context.new_page()
    page.goto("/launch/?assistant_id=chat")
    page.get_by_role("button", name="Continue it").click()

    expect(page.locator('[name="input/home/street"]')).to_have_value("Long Street")
    page.locator('[name="input/name"]').fill("Ada")
    launch(page)
    assert launched(page)["input"] == {"name": "Ada", "home": {"street": "Long Street"}}
    page.goto("/launch/")
    expect(page.get_by_role("button", name="Continue it")).to_be_hidden()
