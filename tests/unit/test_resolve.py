"""How a run ended: every row of the table, from evidence alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboard.langgraph import Answer
from dashboard.worker.outcomes.resolve import Evidence, resolve


def answer(value: Any, source: Any = "wait") -> Answer:
    return Answer(json.dumps(value).encode(), "r", "t", source, 1)


ERROR = {"__error__": {"error": "ValueError", "message": "no tides"}}
MASKED = {"__error__": {"error": "TideError", "message": "An internal error occurred"}}
DELETED = {"__error__": {"error": "HTTPException", "message": "404: Run not found"}}
QUESTION = {"id": "i1", "value": "go?", "response_schema": None}


@pytest.mark.parametrize(
    ("evidence", "status"),
    [
        (Evidence(answer({"a": 1}), "success", {"next": []}), "succeeded"),
        (Evidence(answer({}), "success", None), "succeeded"),
        (Evidence(answer({"__interrupt__": [QUESTION]}), "success", {"next": ["ask"]}), "needs_input"),
        (
            Evidence(answer({"a": 1}), "success", {"next": ["ask"], "tasks": [{"interrupts": [QUESTION]}]}),
            "needs_input",
        ),
        (Evidence(answer({"__interrupt__": "a state's own key"}), "success", {"next": []}), "succeeded"),
        (Evidence(answer({"a": 1}), "success", {"next": ["write"]}), "paused"),
        (Evidence(answer(ERROR), "error", {"tasks": []}), "failed"),
        (Evidence(None, "error", None), "failed"),
        (Evidence(answer({"a": 1}), "timeout"), "timed_out"),
        (Evidence(answer({"a": 1}), "interrupted"), "cancelled"),
        (Evidence(answer({"a": 1}), None), "cancelled"),
        (Evidence(answer({"a": 1}), None, thread_known=False), "lost"),
        (Evidence(answer({"a": 1}, "join"), None), "lost"),
        (Evidence(None, None), "lost"),
        (Evidence(answer(DELETED), None), "lost"),
        (Evidence(answer(DELETED), None, cancel_action="interrupt"), "lost"),
        (Evidence(answer(DELETED), None, cancel_action="rollback", thread={"status": "busy"}), "lost"),
        (Evidence(None, None, cancel_action="rollback", thread={"status": "idle"}), "cancelled"),
        (Evidence(None, None, cancel_action="rollback", thread={"status": "busy"}), "lost"),
        (Evidence(None, None, cancel_action="rollback", thread_known=False), "lost"),
        (Evidence(None, None, cancel_action="rollback"), "cancelled"),
        (Evidence(answer(ERROR), "success", {"next": []}), "succeeded"),
        (Evidence(answer({"a": 1}), "exploded"), "lost"),
    ],
)
def test_the_servers_word_decides_and_never_the_body(evidence: Evidence, status: str) -> None:
    outcome = resolve(evidence)

    assert outcome is not None
    assert outcome.status == status


@pytest.mark.parametrize("remote", ["pending", "running"])
def test_a_run_that_goes_on_has_no_outcome(remote: str) -> None:
    assert resolve(Evidence(answer({}), remote)) is None


@pytest.mark.parametrize(
    ("error", "type", "message"),
    [
        ("TideError('no tides')", "TideError", "no tides"),
        ('TideError("it\'s low")', "TideError", "it's low"),
        ("TideError('low',)", "TideError", "low"),
        ("TideError(3, 'x')", "TideError", "3, 'x'"),
        ("TideError()", "TideError", "TideError"),
        ("<TideError object>", "TideError", "<TideError object>"),
    ],
)
def test_a_masked_message_comes_from_the_state(error: str, type: str, message: str) -> None:
    outcome = resolve(Evidence(answer(MASKED), "error", {"tasks": [{"name": "explode", "error": error}]}))

    assert outcome is not None
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message, outcome.error.node) == (type, message, "explode")


def test_a_message_that_is_not_masked_stays_as_the_server_said_it() -> None:
    outcome = resolve(Evidence(answer(ERROR), "error", {"tasks": [{"name": "n", "error": "ValueError('other')"}]}))

    assert outcome is not None
    assert outcome.error is not None
    assert (outcome.error.message, outcome.error.node) == ("no tides", "n")


@pytest.mark.parametrize(("keep", "kept"), [(False, False), (True, True)])
def test_the_error_state_is_kept_only_when_asked(keep: bool, kept: bool) -> None:
    outcome = resolve(Evidence(answer(ERROR), "error", keep_error_state=keep))

    assert outcome is not None
    assert (outcome.body is not None) == kept


def test_who_cancelled_is_not_guessed() -> None:
    by_us = resolve(Evidence(answer({}), "interrupted", state={"next": ["write"]}, cancel_action="interrupt"))
    elsewhere = resolve(Evidence(answer({}), "interrupted", state={"next": ["write"]}))

    assert by_us is not None
    assert elsewhere is not None
    assert not by_us.ending
    assert "on the server" in elsewhere.ending["note"]


def test_a_cancelled_run_that_left_no_state_is_known_by_it() -> None:
    never_began = resolve(Evidence(answer({}), "interrupted", cancel_action="interrupt"))
    state_unknown = resolve(Evidence(answer({}), "interrupted", is_state_known=False, cancel_action="interrupt"))
    thread_gone = resolve(Evidence(answer({}), "interrupted", thread_known=False, cancel_action="interrupt"))

    assert [outcome.ending if outcome else None for outcome in (never_began, state_unknown, thread_gone)] == [
        {"no_state": True},
        {},
        {},
    ]


def test_questions_are_taken_from_the_thread_when_its_state_is_not_known() -> None:
    asked = {"id": "a", "value": "go on?"}
    thread = {"status": "interrupted", "interrupts": {"task": [asked], "other": None}}

    outcome = resolve(Evidence(None, "success", is_state_known=False, thread=thread))

    assert outcome is not None
    assert (outcome.status, outcome.ending["interrupts"]) == ("needs_input", [asked])


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        (Evidence(None, None), "no longer knows it"),
        (Evidence(answer(DELETED), None, thread={"status": "busy"}), "does not stop it"),
        (Evidence(None, None, thread_known=False), "no longer knows the run or its thread"),
    ],
)
def test_a_lost_run_says_why_and_keeps_no_error_of_the_servers_as_its_state(evidence: Evidence, why: str) -> None:
    outcome = resolve(evidence)

    assert outcome is not None
    assert outcome.error is not None
    assert why in outcome.error.message
    assert outcome.body is None


@pytest.mark.parametrize(("was_awaited", "from_thread", "took_s"), [(True, None, None), (False, "thread", 4.0)])
def test_an_answer_that_came_late_is_said_to_be_and_dated_by_the_server(
    was_awaited: bool, from_thread: str | None, took_s: float | None
) -> None:
    late = Answer(b"{}", "r", "t", "join", 2, was_awaited=was_awaited)

    outcome = resolve(Evidence(late, "success", {"next": []}, body_from=from_thread or "answer", took_s=4.0))

    assert outcome is not None
    assert (outcome.ending.get("from_thread"), outcome.took_s) == (from_thread, took_s)
