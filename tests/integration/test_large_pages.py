"""Large final states on a page: bounded, and what is left out is said."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from django.template.defaultfilters import striptags
from django.test import Client

from dashboard.runs.models import Run
from dashboard.runs.state import view
from dashboard.runs.state.view import (
    CONVERSATION_CHARS,
    CONVERSATION_TURNS,
    MESSAGE_CHARS,
    PARSE_MAX_BYTES,
    final_state_of,
)
from dashboard.runs.statuses import RunStatus
from tests.factories import make_run, make_user

pytestmark = pytest.mark.django_db


def ended(value: Any) -> Run:
    return make_run(status=RunStatus.SUCCEEDED, body=json.dumps(value).encode())


def page_of(run: Run) -> str:
    client = Client()
    client.force_login(make_user(run.team))
    response = client.get(f"/runs/{run.pk}/")
    assert response.status_code == 200
    return response.content.decode()


def turns(count: int, text: str) -> dict[str, Any]:
    return {"messages": [{"type": "ai", "content": f"turn {number}. {text}"} for number in range(count)]}


def test_of_a_long_conversation_the_last_turns_are_shown_and_the_others_counted() -> None:
    page = page_of(ended(turns(CONVERSATION_TURNS + 7, "short")))

    assert "7 earlier messages are not shown here" in page
    assert "turn 6." not in page
    assert "turn 7." in page
    assert f"turn {CONVERSATION_TURNS + 6}." in page


def test_a_conversation_is_cut_where_a_page_is_full() -> None:
    state = final_state_of(ended(turns(50, "*words* " * 1000)))

    assert state is not None
    assert state.messages[-1].hidden == 0
    assert state.earlier + len(state.messages) == 50
    assert sum(len(striptags(message.html)) for message in state.messages) <= CONVERSATION_CHARS
    assert state.messages[0].hidden > 0


def test_one_long_message_leaves_room_for_those_before_it() -> None:
    state = turns(3, "short")
    state["messages"].append({"type": "ai", "content": "x" * (MESSAGE_CHARS + 5)})

    page = page_of(ended(state))

    assert "turn 0." in page
    assert "5 more characters" in page


def test_tool_calls_of_all_turns_share_one_budget() -> None:
    call = {"name": "look", "args": {str(number): number for number in range(100)}}
    state = final_state_of(ended({"messages": [{"type": "ai", "content": "", "tool_calls": [call] * 50}] * 50}))

    assert state is not None
    shown = [node for message in state.messages for tool_call in message.tool_calls for node in tool_call.children]
    assert len(shown) <= view.TREE_NODES


def test_a_state_too_large_to_lay_out_is_begun_without_reading_it_all() -> None:
    run = make_run(status=RunStatus.SUCCEEDED, body=b'{"begins": "here", "x": "' + b"y" * 60_000_000 + b'"}')
    tracemalloc.start()
    try:
        state = final_state_of(run)
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert state is not None
    assert state.raw.startswith('{"begins": "here"')
    assert state.size_bytes > PARSE_MAX_BYTES
    assert used < 5_000_000
