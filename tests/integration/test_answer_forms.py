"""The forms of questions: each gives its graph the answer it waits for, and a wrong one keeps what was typed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from dashboard.teams.models import User
from tests.integration.asking import SENT, answer, waiting_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("answers_sent_at_once")]


SCHEMA = {
    "type": "object",
    "properties": {"decision": {"type": "string", "enum": ["approve", "reject"]}, "comment": {"type": "string"}},
    "required": ["decision"],
}


BATCH = {
    "action_requests": [
        {"name": "refund", "args": {"order": 8841, "amount": 120.5}, "description": "It arrived **broken**."},
        {"name": "letter", "args": {"text": "Sorry"}},
    ],
    "review_configs": [
        {"action_name": "refund", "allowed_decisions": ["approve", "edit", "reject"]},
        {"action_name": "letter", "allowed_decisions": ["approve", "respond"]},
    ],
}


OLD = {
    "action_request": {"action": "send", "args": {"to": "bob"}},
    "config": {"allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": False},
    "description": "Shall I?",
}


CALL = {"type": "tool_approval", "tool_call_id": "c", "name": "refund", "args": {"amount": 1}, "description": "d"}


CALL_SCHEMA = {
    "$defs": {
        "Approve": {"type": "object", "properties": {"type": {"const": "approve"}}, "required": ["type"]},
        "Edit": {
            "type": "object",
            "properties": {
                "type": {"const": "edit"},
                "edited_action": {
                    "type": "object",
                    "properties": {"name": {"const": "refund"}, "args": {"$ref": "#/$defs/Args"}},
                },
            },
        },
        "Args": {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]},
    },
    "oneOf": [{"$ref": "#/$defs/Approve"}, {"$ref": "#/$defs/Edit"}],
}


def asks(value: Any, schema: Any = None) -> dict[str, Any]:
    return {"interrupts": [{"id": "q", "value": value, "response_schema": schema}]}


@pytest.mark.parametrize(
    ("ending", "sent", "given"),
    [
        (asks("Why?"), {"answer/q": "Because\r\nof it ", "answer_view/q": "text"}, "Because\nof it "),
        (asks("Why?"), {"answer/q": "", "answer_view/q": "text"}, ""),
        (asks("Why?"), {"answer/q": "[null, 1]", "answer_view/q": "json"}, [None, 1]),
        (asks({"question": "Which?", "choices": ["a", {"label": "B", "value": 2}]}), {"choice/q": "1"}, 2),
        (asks(True), {"choice/q": "1"}, False),
        (asks("Go?", SCHEMA), {"answer/q/decision": "approve", "answer/q/comment": "ok"}, None),
        (asks("Go?", {"type": "boolean"}), {"answer/q": "false"}, False),
        (
            asks(BATCH),
            {"answer/q/decisions/0/type": "reject", "answer/q/decisions/1/type": "approve"},
            {"decisions": [{"type": "reject"}, {"type": "approve"}]},
        ),
        (
            asks(BATCH),
            {
                "answer/q/decisions/0/type": "edit",
                "answer/q/decisions/0/edited_action/args/order": "8841",
                "answer/q/decisions/0/edited_action/args/amount": "99.5",
                "answer/q/decisions/1/type": "respond",
                "answer/q/decisions/1/message/respond": "done",
            },
            {
                "decisions": [
                    {"type": "edit", "edited_action": {"name": "refund", "args": {"order": 8841, "amount": 99.5}}},
                    {"type": "respond", "message": "done"},
                ]
            },
        ),
        (asks(BATCH), {"all/q": "approve"}, {"decisions": [{"type": "approve"}, {"type": "approve"}]}),
        (asks([OLD]), {"answer/q/0/type": "accept"}, [{"type": "accept", "args": None}]),
        (
            asks([OLD]),
            {"answer/q/0/type": "edit", "answer/q/0/args/args/to": "eve"},
            [{"type": "edit", "args": {"action": "send", "args": {"to": "eve"}}}],
        ),
        (
            asks(OLD),
            {"answer/q/type": "response", "answer/q/message/response": "later"},
            {"type": "response", "args": "later"},
        ),
        (asks(CALL, CALL_SCHEMA), {"answer/q/type": "approve"}, {"type": "approve"}),
        (
            asks(CALL, CALL_SCHEMA),
            {"answer/q/type": "edit", "answer/q/edited_action/args/amount": "3"},
            {"type": "edit", "edited_action": {"name": "refund", "args": {"amount": 3}}},
        ),
    ],
)
def test_each_form_gives_the_answer_that_its_graph_waits_for(
    browser: Client, person: User, ending: Any, sent: dict[str, str], given: Any
) -> None:
    run = waiting_run(person, ending=ending)
    page = browser.get(reverse("run-detail", args=[run.pk])).content.decode()

    response = browser.post(reverse("run-answer", args=[run.pk]), sent)

    assert response.status_code == 303, response.content.decode()
    assert json.loads(run.questions.get().answer_json) == (given or given if given is not None else SENT_BY_SCHEMA)
    for name in sent:
        if not name.startswith("all/"):
            assert f'name="{name}"' in page, f"{name} is no control of the page"


SENT_BY_SCHEMA = {"decision": "approve", "comment": "ok"}


@pytest.mark.parametrize(
    ("ending", "sent", "said"),
    [
        (asks("Why?"), {"answer/q": "{", "answer_view/q": "json"}, "Line 1"),
        (asks(BATCH), {"answer/q/decisions/0/type": "approve"}, "Decide this one too"),
        (asks(BATCH), {"answer/q/decisions/1/type": "edit"}, "does not allow this decision"),
        (asks(OLD), {"answer/q/type": "response", "answer/q/message/response": " "}, "Write a response"),
        (asks("Go?", SCHEMA), {"answer/q/comment": "what now"}, "what now"),
    ],
)
def test_a_wrong_answer_comes_back_with_what_was_typed(
    browser: Client, person: User, ending: Any, sent: dict[str, str], said: str
) -> None:
    run = waiting_run(person, ending=ending)

    response = browser.post(reverse("run-answer", args=[run.pk]), sent)

    assert response.status_code == 422
    assert said in response.content.decode()
    assert not run.children.exists()


def test_a_late_form_keeps_what_was_typed_and_says_who_answered(browser: Client, person: User) -> None:
    run = waiting_run(person)
    answer(browser, run, {"q": "yes"})

    response = browser.post(
        reverse("run-answer", args=[run.pk]), {"answer/a1": "my long text", "answer_view/a1": "text"}
    )

    page = response.content.decode()
    assert response.status_code == 409
    assert "answered by ada" in page
    assert "my long text" in page


def test_what_was_not_typed_is_not_given_back(browser: Client, person: User) -> None:
    run = waiting_run(person, BATCH)
    answer(browser, run, {"q": {"decisions": [{"type": "approve"}, {"type": "approve"}]}})
    where = "answer/q/decisions"

    page = browser.post(
        reverse("run-answer", args=[run.pk]),
        {
            f"{where}/0/type": "reject",
            f"{where}/0/message/reject": "Too much",
            f"{where}/0/edited_action/args/order": "given before",
            "all/q": "approve",
        },
    ).content.decode()
    typed = page[page.index("What you typed") :]

    assert "Too much" in typed
    assert "for all" in typed
    assert "given before" not in typed


def test_a_choice_is_given_back_in_words(browser: Client, person: User) -> None:
    run = waiting_run(person, {"question": "Which harbour?", "choices": ["Bergen", "Ostend"]})
    answer(browser, run, {"q": "Bergen"})

    page = browser.post(reverse("run-answer", args=[run.pk]), {"choice/q": "1"}).content.decode()

    assert ">Ostend<" in page[page.index("What you typed") :]


@pytest.mark.parametrize(
    ("question", "given", "shown"),
    [
        (
            BATCH,
            {"decisions": [{"type": "reject", "message": "Too much"}, {"type": "approve"}]},
            ["refund", "8841", "Reject", "Too much", "letter", "Sorry", "Approve"],
        ),
        (
            CALL,
            {"type": "edit", "edited_action": {"name": "refund", "args": {"amount": 7}}},
            ["refund", ">1<", "Edit", ">7<"],
        ),
        (OLD, {"type": "response", "args": "Not yet"}, ["send", "bob", "Respond", "Not yet"]),
        ([OLD], [{"type": "accept", "args": None}], ["send", "bob", "Accept"]),
        (BATCH, {"decisions": "of no known shape"}, ["refund", "8841", "of no known shape"]),
    ],
)
def test_a_run_that_was_answered_shows_what_was_asked_and_decided(
    browser: Client, person: User, question: Any, given: Any, shown: list[str]
) -> None:
    run = waiting_run(person, question)
    answer(browser, run, {"q": given})

    page = browser.get(reverse("run-answer-panel", args=[run.pk])).content.decode()
    places = [page.find(words, page.index("answer-panel")) for words in shown]

    assert -1 not in places
    assert places == sorted(places)


def test_what_goes_along_can_be_changed(browser: Client, person: User) -> None:
    run = waiting_run(person, ending=asks("Why?"), params=SENT, tags=["weekly"])
    sent = {"answer/q": "x", "answer_view/q": "text", "with/config": '{"recursion_limit": 99}', "with/tags": "a, b"}

    browser.post(reverse("run-answer", args=[run.pk]), sent)

    child = run.children.get()
    assert child.request.params["config"] == {"recursion_limit": 99}
    assert child.request.params["metadata"] == SENT["metadata"]
    assert child.tags == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (None, "null"),
        ("", "an empty text"),
        (False, "false"),
        ([], "an empty list"),
        ({}, "an empty object"),
        (0, "0"),
        ([1, 2], "1"),
    ],
)
def test_a_question_without_words_is_shown_as_what_it_is(browser: Client, person: User, value: Any, word: str) -> None:
    run = waiting_run(person, ending=asks(value))

    page = browser.get(reverse("run-detail", args=[run.pk])).content.decode()

    panel = page[page.index('class="answer-panel"') :]
    assert word in panel[: panel.index("answer-form") + 3_000]
