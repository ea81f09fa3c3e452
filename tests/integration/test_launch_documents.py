"""The documents of a launch as programs and pages post them: form controls, JSON text, what blocks and what warns."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.launch.forms import LaunchForm
from dashboard.runs.models import Run
from dashboard.servers.services import AssistantFound, server_seen, server_unreachable
from dashboard.teams.models import Role, Team
from tests.contract.schema_forms.schemas import SCHEMAS
from tests.factories import make_server, make_team, make_user
from tests.page_forms import controls

pytestmark = pytest.mark.django_db
JSON = {"headers": {"Accept": "application/json"}}
REPORT = {
    "type": "object",
    "required": ["topic"],
    "properties": {
        "topic": {"type": "string", "title": "Topic", "maxLength": 200},
        "sections": {"type": "array", "items": {"type": "object", "properties": {"heading": {"type": "string"}}}},
        "seconds": {"type": "number", "minimum": 0, "default": 3},
        "audience": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
    },
    "additionalProperties": False,
}


@pytest.fixture
def team() -> Team:
    team = make_team()
    schemas = {
        "report": {"input_schema": REPORT, "context_schema": SCHEMAS["defaults"]},
        "text": {"input_schema": {"type": "string"}},
        "chat": {"input_schema": SCHEMAS["chat"], "config_schema": {"properties": {"user": {"type": "string"}}}},
    }
    found = [
        AssistantFound(uuid.uuid4(), name, name, schemas=given, graph={"nodes": [{"id": "plan"}, {"id": "write"}]})
        for name, given in schemas.items()
    ]
    server_seen(server=make_server(team), version="1", assistants=found)
    return team


@pytest.fixture
def browser(client: Client, team: Team) -> Client:
    client.force_login(make_user(team, role=Role.ADMIN))
    return client


def launched(browser: Client, **fields: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters of the run that was launched, and the answer."""
    response = browser.post("/launch/", {"assistant_id": "report", **fields}, **JSON)
    assert response.status_code == 201, response.content
    return Run.objects.get(pk=response.json()["id"]).request.params, response.json()


def refused(browser: Client, **fields: str) -> dict[str, list[str]]:
    response = browser.post("/launch/", {"assistant_id": "report", **fields}, **JSON)
    assert response.status_code == 422, response.content
    assert not Run.objects.exists()
    return response.json()["errors"]


def test_controls_of_a_form_are_a_document(browser: Client) -> None:
    sent = {
        "input_view": "form",
        "input/topic": "  Tides\r\nand gales ",
        "input/sections/1/heading": "second",
        "input/sections/0/heading": "first",
        "input/seconds": "2.50",
        "given/input/audience": "null",
        "context_view": "form",
        "context/c": "false",
        "config_view": "form",
        "config/recursion_limit": "7",
    }

    params, answer = launched(browser, **sent)

    assert params["input"] == {
        "topic": "  Tides\nand gales ",
        "sections": [{"heading": "first"}, {"heading": "second"}],
        "seconds": 2.5,
        "audience": None,
    }
    assert params["context"] == {"c": False}
    assert params["config"] == {"recursion_limit": 7}
    assert "warnings" not in answer


def test_what_is_untouched_is_not_sent(browser: Client) -> None:
    page = browser.get("/launch/?assistant_id=report").content.decode()
    sent = {**controls(page), "input/topic": "Tides"}

    params, _ = launched(browser, **sent)

    assert params == {"input": {"topic": "Tides"}, "if_not_exists": "create"}


def test_the_form_view_refuses_types_bounds_and_what_is_missing(browser: Client) -> None:
    assert refused(browser, input_view="form") == {"input/topic": ["This is required."]}
    found = refused(browser, **{"input_view": "form", "input/topic": "x", "input/seconds": "-1"})
    assert found == {"input/seconds": ["Give 0 or more."]}
    found = refused(browser, **{"input_view": "form", "input/topic": "x", "input/seconds": "soon"})
    assert found == {"input/seconds": ["Write a number such as 3 or 1.5."]}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("18446744073709551616", "64 bits"),
        ("1E-400", "would become 0"),
        ("0.12345678901234567890123", "more digits"),
    ],
)
def test_numbers_that_would_change_are_refused_with_their_place(browser: Client, value: str, says: str) -> None:
    in_json = refused(browser, input=f'{{\n "topic": "x",\n "seconds": {value}}}')["input"]
    in_form = refused(browser, **{"input_view": "form", "input/topic": "x", "input/seconds": value})["input/seconds"]

    assert "Line 3, column 13 (seconds): " in in_json[0]
    assert says in in_json[0]
    assert says in in_form[0]


def test_half_a_surrogate_pair_is_refused(browser: Client) -> None:
    assert "Line 1" in refused(browser, input='{"topic": "\\ud83d"}')["input"][0]
    assert launched(browser, input='{"topic": "\\ud83d\\ude00"}')[0]["input"] == {"topic": "😀"}


def test_json_that_the_schema_refuses_is_launched_with_warnings(browser: Client) -> None:
    params, answer = launched(browser, input='{"topic": 5,\n "zzz": 1}', interrupt_before="review")

    assert params["input"] == {"topic": 5, "zzz": 1}
    assert answer["warnings"]["input/topic"] == ["Line 1 (topic): This must be a text."]
    assert "Line 2 (zzz): The schema does not know this key" in answer["warnings"]["input/zzz"][0]
    assert "“review”" in answer["warnings"]["interrupt_before"][0]
    run = Run.objects.get(pk=answer["id"])
    kept = " ".join(str(event.data.get("message")) for event in run.events.filter(kind="warning"))
    assert "This must be a text." in kept
    assert "“review”" in kept


def test_a_page_warns_first_and_then_launches_anyway(browser: Client) -> None:
    sent = {"assistant_id": "report", "input": '{"topic": 5}'}

    first = browser.post("/launch/", sent)
    assert first.status_code == 422
    assert "Launch anyway" in first.content.decode()
    assert not Run.objects.exists()
    second = browser.post("/launch/", {**sent, "anyway": "1"})

    assert second.status_code == 303
    assert Run.objects.count() == 1


def test_every_mistake_of_a_form_is_shown_at_once_and_once(browser: Client) -> None:
    sent = {"input_view": "form", "input/topic": "", "input/seconds": "abc", "input/sections/0/heading": "one"}
    sent |= {"context_view": "form", "context/b": "many", "after_seconds": "soon"}

    errors = refused(browser, **sent)
    page = browser.post("/launch/", {"assistant_id": "report", **sent}).content.decode()

    assert errors["input/topic"] == ["This is required."]
    assert errors["input/seconds"] == ["Write a number such as 3 or 1.5."]
    assert errors["after_seconds"]
    summary = [re.sub(r"<[^>]+>", "", line) for line in re.findall(r"<li>(<a href=.*)</li>", page)]
    assert [line.rpartition(":")[0] for line in summary] == ["Start after seconds", "Topic", "seconds", "Context: b"]
    beside = page.split('id="document-input"')[1]
    assert beside.count("Write a number such as 3 or 1.5.") == 1


def test_an_image_left_empty_is_refused_next_to_its_field(browser: Client) -> None:
    part = "input/messages/0/content/1"
    sent = {
        "assistant_id": "chat",
        "input_view": "form",
        "input/messages/0/role": "user",
        "kind/input/messages/0/content": "1",
        "input/messages/0/content/0/text": "Look",
        f"kind/{part}": "1",
        f"given/{part}": "value",
        f"{part}/type": "image_url",
        f"given/{part}/image_url": "value",
        f"{part}/image_url/url": "",
    }

    assert refused(browser, **sent) == {f"{part}/image_url/url": ["This is required."]}


def test_a_name_that_the_server_does_not_offer_is_asked_about_first(browser: Client, team: Team) -> None:
    first = browser.post("/launch/", {"assistant_id": "nosuch"})
    assert first.status_code == 422
    page = first.content.decode()
    assert "offers no assistant of this name; launch anyway?" in page.split('id="field-assistant_id"')[1]
    assert browser.post("/launch/", {"assistant_id": "nosuch", "anyway": "1"}).status_code == 303

    server_unreachable(server=team.servers.get(), problem="could not be reached")

    assert browser.post("/launch/", {"assistant_id": "nosuch"}).status_code == 303


def test_a_warning_names_its_field_as_the_page_does(browser: Client) -> None:
    sent = {"assistant_id": "report", "input_view": "form", "input/topic": "tides", "interrupt_before": "review"}

    page = browser.post("/launch/", sent).content.decode()

    assert "Stop before nodes</a>: The graph has no step called" in page


def test_message_shorthands_are_taken_without_a_word(browser: Client) -> None:
    shorthand = {"messages": [{"role": "user", "content": "hi"}, "hello"]}
    _, answer = launched(browser, assistant_id="chat", input=json.dumps(shorthand))
    assert "warnings" not in answer
    sent = {"input_view": "form", "input/messages/0/role": "user", "input/messages/0/content": "hi"}
    params, _ = launched(browser, assistant_id="chat", **sent)
    assert params["input"] == {"messages": [{"role": "user", "content": "hi"}]}


def test_a_limit_one_level_too_deep_does_nothing_and_is_said(browser: Client) -> None:
    _, answer = launched(browser, assistant_id="chat", config='{"configurable": {"recursion_limit": 3}}')

    assert "one level up" in answer["warnings"]["config/configurable/recursion_limit"][0]


def test_a_graph_that_takes_texts_gets_a_text(browser: Client) -> None:
    assert launched(browser, assistant_id="text", input_view="form", input="Tides")[0]["input"] == "Tides"
    assert launched(browser, assistant_id="text", input='"Tides"')[0]["input"] == "Tides"


def test_an_address_fills_single_controls(browser: Client) -> None:
    page = browser.get("/launch/?assistant_id=report&input/topic=Tides&context/c=true").content.decode()

    found = controls(page)
    assert found["input/topic"] == "Tides"
    assert found["context/c"] == "true"
    assert not Run.objects.exists()


def test_buttons_inside_the_form_launch_nothing(browser: Client, client: Client) -> None:
    sent = {"assistant_id": "report", "input_view": "form", "input/topic": "Tides", "do": "add input/sections"}

    fragment = browser.post("/launch/form/", sent)
    whole = browser.post("/launch/", sent)

    assert 'name="input/sections/0/heading"' in fragment.content.decode()
    assert 'name="input/sections/0/heading"' in whole.content.decode()
    assert "<h1>" in whole.content.decode()
    assert not Run.objects.exists()
    assert browser.get("/launch/form/").status_code == 405
    client.force_login(make_user(make_team(), role=Role.VIEWER))
    assert client.post("/launch/form/", sent).status_code == 403


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"start": "in", "start_in": "1.5", "start_unit": "hours"}, 5400),
        ({"start": "in", "start_in": "2", "start_unit": "days"}, 172_800),
    ],
)
def test_a_start_in_some_time_is_seconds(team: Team, fields: dict[str, str], seconds: int) -> None:
    form = LaunchForm({"assistant_id": "text", **fields}, team=team)

    assert form.is_valid(), form.errors
    assert form.order().params["after_seconds"] == seconds


def test_a_start_at_a_time_is_of_the_persons_zone(team: Team) -> None:
    there = timezone.now().astimezone(timezone.get_fixed_timezone(timedelta(hours=2)))
    at = (there + timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M")
    form = LaunchForm({"assistant_id": "text", "start": "at", "start_at": at, "start_zone": "Etc/GMT-2"}, team=team)
    skipped = {"start": "at", "start_at": "2027-03-28T02:30", "start_zone": "Europe/Warsaw"}
    gone = {"start": "at", "start_at": "2020-01-01T00:00", "start_zone": "UTC"}

    assert form.is_valid(), form.errors
    assert 1700 < form.order().params["after_seconds"] <= 1800
    assert "does not exist" in str(LaunchForm({"assistant_id": "text", **skipped}, team=team).errors["after_seconds"])
    assert "has passed" in str(LaunchForm({"assistant_id": "text", **gone}, team=team).errors["after_seconds"])


def test_what_one_page_was_given_stands_on_no_other(browser: Client) -> None:
    """Blank parts of the page are the same for everybody, and drawn once."""
    given = {"assistant_id": "report", "input": '{"topic": "gales"}', "webhook": "https://example.org/done"}
    start = {"assistant_id": "report", "start": "in", "start_in": "47"}

    blank, filled, later, again = (
        browser.get("/launch/", query).content.decode()
        for query in ({"assistant_id": "report"}, given, start, {"assistant_id": "report"})
    )

    for page, is_given in ((blank, False), (filled, True), (later, False), (again, False)):
        shown = controls(page)
        assert (shown["input/topic"], shown["webhook"]) == (
            ("gales", "https://example.org/done") if is_given else ("", "")
        )
        assert ("1 changed" in page) is is_given
        assert shown["start_in"] == ("47" if page is later else "")
