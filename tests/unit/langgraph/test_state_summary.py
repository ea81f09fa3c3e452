"""What is read out of answers of any size: names, questions and errors, each no longer than people can use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboard.langgraph import Answer
from dashboard.langgraph._json.slice import document_part
from dashboard.langgraph._json.state_summary import ENTRIES, QUESTIONS_BYTES, TEXT_CHARS, StateSummary, state_outline


def outline(document: Any) -> StateSummary:
    return state_outline(document_part(json.dumps(document).encode()))


def answer(document: Any) -> Answer:
    return Answer(json.dumps(document).encode(), "r", "t", "wait", 1)


def test_a_state_is_read_without_its_values() -> None:
    question = {"id": "i1", "value": {"go": [1]}, "response_schema": None}
    found = outline(
        {
            "values": {"a": 1.0},
            "next": ["write", 5],
            "tasks": [{"id": "t", "name": "write", "error": None, "interrupts": [question], "result": {"a": 1}}, 7],
            "metadata": {"run_id": "r1", "run_attempt": 2, "writes": {"a": 1}},
            "created_at": "2026-11-24T00:00:00+00:00",
        }
    )

    assert found.state == {
        "next": ["write", "5"],
        "tasks": [{"name": "write", "error": "", "interrupts": [question]}],
        "metadata": {"run_id": "r1", "run_attempt": 2},
        "created_at": "2026-11-24T00:00:00+00:00",
    }
    assert found.values is not None
    assert found.values.raw == b'{"a": 1.0}'
    assert found.has_metadata


@pytest.mark.parametrize("metadata", [{}, None, [], "x"])
def test_a_thread_without_a_checkpoint_is_seen(metadata: Any) -> None:
    assert not outline({"values": {}, "metadata": metadata}).has_metadata
    assert not outline({}).has_metadata


@pytest.mark.parametrize("odd", [None, 5, "x", {}, {"a": [1]}, [None, [], {}]])
def test_odd_shapes_count_as_nothing(odd: Any) -> None:
    found = outline({"values": odd, "next": odd, "tasks": odd, "metadata": odd})

    assert all(not task.get("error") for task in found.state["tasks"])


def test_a_question_too_large_keeps_its_id() -> None:
    large = {"id": "i1", "value": "x" * QUESTIONS_BYTES}
    small = {"id": "i2", "value": "go?"}

    assert answer({"__interrupt__": [large, small]}).questions == [{"id": "i1"}, small]
    assert outline({"tasks": [{"interrupts": [large]}]}).state["tasks"][0]["interrupts"] == [{"id": "i1"}]


def test_no_more_than_a_thousand_of_anything() -> None:
    questions = [{"id": str(number), "value": 1} for number in range(ENTRIES + 5)]
    found = outline({"next": ["node"] * (ENTRIES + 5), "tasks": [{"name": "n"}] * (ENTRIES + 5)})

    assert len(answer({"__interrupt__": questions}).questions or []) == ENTRIES
    assert len(found.state["next"]) == len(found.state["tasks"]) == ENTRIES


@pytest.mark.parametrize("own", ["text", 5, [], [5], [{"value": 1}], {"id": 1}, None])
def test_a_states_own_key_of_that_name_is_no_question(own: Any) -> None:
    assert answer({"__interrupt__": own}).questions is None


def test_an_error_is_as_long_as_people_can_read() -> None:
    error = answer({"values": [1], "__error__": {"error": "TideError", "message": "é" * 2 * TEXT_CHARS}}).graph_error
    odd = answer({"__error__": {"error": None, "message": {"why": 1}}}).graph_error

    assert error is not None
    assert (error.type, error.message) == ("TideError", "é" * TEXT_CHARS)
    assert odd is not None
    assert (odd.type, odd.message) == ("Error", '{"why": 1}')


async def test_a_large_answer_is_examined_beforehand() -> None:
    examined = answer({"rest": ["x"] * 100_000, "__error__": {"error": "E", "message": "m"}})

    await examined.examine()

    assert {"graph_error", "questions"} <= examined.__dict__.keys()


def test_a_question_that_comes_twice_is_one() -> None:
    one, other, nameless = ({"id": name, "value": 1} for name in ("i1", "i2", None))

    assert answer({"__interrupt__": [one, other, one, other]}).questions == [one, other]
    assert answer({"__interrupt__": [nameless, nameless]}).questions == [nameless, nameless]
