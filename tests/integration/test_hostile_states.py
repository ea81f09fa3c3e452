"""What a graph or a server may send: none of it breaks a page, a program's JSON, or the line of an open page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from tests.factories import make_run, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client: Client) -> Client:
    return client


def page_of(browser: Client, run: Run) -> str:
    browser.force_login(make_user(run.team))
    response = browser.get(f"/runs/{run.pk}/")
    assert response.status_code == 200
    return response.content.decode()


def ended(body: bytes, **order: Any) -> Run:
    return make_run(status=RunStatus.SUCCEEDED, body=body, **order)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "ai", "content": "hello", "tool_calls": 5},
        {"type": "ai", "content": "hello", "tool_calls": True},
        {"type": "ai\ud800", "content": "hello"},
        {"type": "ai", "content": "hello", "tool_calls": [{"name": "call\ud800", "args": {"a\ud800": "\ud800"}}]},
        {"type": "ai", "content": [{"type": "text", "text": None}, "hello"], "name": ["\ud800"]},
        {"type": "ai", "content": [[[["hello"]]]]},
    ],
)
def test_a_message_of_any_shape_is_shown(browser: Client, message: dict[str, Any]) -> None:
    assert "hello" in page_of(browser, ended(json.dumps({"messages": [message]}).encode()))


@pytest.mark.parametrize("levels", [100, 300, 900, 950, 985, 10_000])
def test_nesting_of_any_depth_is_shown(browser: Client, levels: int) -> None:
    deep = b'{"a":' * levels + b"1" + b"}" * levels
    content = b'{"messages":[{"type":"ai","content":' + deep + b"}]}"

    page_of(browser, ended(deep))
    page_of(browser, ended(content))


@pytest.mark.parametrize(
    "ending",
    [
        {"next": ["write\ud800", 5, {"a": 1}, None]},
        {"interrupts": [5, None, {"id": "\ud800", "value": "go\ud800?"}, {"value": {"question": 1}}]},
    ],
)
def test_an_end_in_any_shape_is_shown(browser: Client, ending: dict[str, Any]) -> None:
    page_of(browser, make_run(status=RunStatus.PAUSED, ending=ending))
    page_of(browser, make_run(status=RunStatus.NEEDS_INPUT, ending=ending))


@pytest.mark.parametrize(
    "value",
    [12345678901234567890123, "\ud800", json.loads("[" * 300 + "]" * 300)],
    ids=["integer", "surrogate", "deep"],
)
def test_parameters_that_only_fit_into_json_reach_programs_with_the_final_state(browser: Client, value: Any) -> None:
    run = ended(b'{"kept":1.0}', params={"input": {"x": value}})
    browser.force_login(make_user(run.team))

    response = browser.get(f"/runs/{run.pk}.json")

    assert response.status_code == 200
    assert json.loads(response.content)["params"]["input"] == {"x": value}
    assert b'"final_state":{"kept":1.0}' in response.content


@pytest.mark.parametrize("levels", [200, 900, 950, 975, 985, 990])
def test_input_of_any_depth_is_launched_and_shown_or_refused_next_to_its_field(browser: Client, levels: int) -> None:
    run = make_run()
    browser.force_login(make_user(run.team))
    text = '{"a":' * levels + "1" + "}" * levels

    response = browser.post("/launch/", {"assistant_id": "chat", "input": text})

    assert response.status_code in (303, 422)
    if response.status_code == 303:
        launched = Run.objects.exclude(pk=run.pk).get()
        assert browser.get(f"/runs/{launched.pk}/").status_code == 200
        assert browser.get(f"/runs/{launched.pk}.json").status_code == 200
        assert browser.get(f"/launch/?from={launched.pk}").status_code == 200
