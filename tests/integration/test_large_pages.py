"""Large final states on a page: bounded in time, room and memory; omissions are listed, and can be opened."""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from typing import Any

import pytest
from django.test import Client

from dashboard.langgraph import Checkpoint, Task
from dashboard.runs.models import Run
from dashboard.runs.outcomes import RunError
from dashboard.runs.selectors import run_result
from dashboard.runs.state import cache
from dashboard.runs.state.messages import TURNS
from dashboard.runs.state.result import result_of
from dashboard.runs.statuses import RunStatus
from dashboard.steps.reading import Reading
from dashboard.steps.services import recordings_claim, steps_store
from dashboard.steps.timeline import StepFound
from tests.factories import make_run, make_user

pytestmark = pytest.mark.django_db

PAGE_BYTES = 150_000
POINTS: list[tuple[tuple[str, ...], str]] = [((), "c0"), (("measure",), "i0")]


def ended(value: Any) -> Run:
    return make_run(status=RunStatus.SUCCEEDED, body=json.dumps(value).encode())


def signed_in(run: Run) -> Client:
    client = Client()
    client.force_login(make_user(run.team))
    return client


def page_of(run: Run) -> str:
    response = signed_in(run).get(f"/runs/{run.pk}/")
    assert response.status_code == 200
    return response.content.decode()


def turns(count: int, text: str) -> dict[str, Any]:
    return {"messages": [{"type": "ai", "content": f"turn {number}. {text}"} for number in range(count)]}


def test_of_a_long_conversation_the_last_turns_are_shown_and_the_others_are_a_click_away() -> None:
    run = ended(turns(TURNS + 7, "short"))

    page = page_of(run)
    earlier = signed_in(run).get(f"/runs/{run.pk}/state/?path=/messages&stop=7").content.decode()

    assert "Show earlier messages (7)" in page
    assert "turn 6." not in page
    assert f"turn {TURNS + 6}." in page
    assert "turn 0." in earlier
    assert "turn 7." not in earlier


def test_one_long_message_leaves_room_for_those_before_it() -> None:
    state = turns(3, "short")
    state["messages"].append({"type": "ai", "content": "x" * 5_000_000})

    page = page_of(ended(state))

    assert "turn 0." in page
    assert re.search(r"… 4,988,000 more characters", page)
    assert len(page) < PAGE_BYTES


TABLE = "|a" * 2500 + "|\n" + "|-" * 2500 + "|\n" + "|b" * 2500 + "|\n"
LARGE: dict[str, Any] = {
    "a table of 2,500 columns": {"messages": [{"type": "ai", "content": TABLE}] * 5},
    "a name of 7 MB": {"messages": [{"type": "ai", "name": "n" * 7_000_000, "content": "hi"}]},
    "a key of 3 MB": {"k" * 3_000_000: 1, "other": {"k" * 3_000_000: {"a": 1}}},
    "a tool of 2 MB by name": {"messages": [{"type": "ai", "content": "", "tool_calls": [{"name": "t" * 2_000_000}]}]},
    "2,500 tool calls": {"messages": [{"type": "ai", "content": "", "tool_calls": [{"name": "t", "args": {}}] * 2500}]},
    "wide objects": {str(number): {str(key): key for key in range(300)} for number in range(300)},
    "5,000 messages": {"messages": [{"type": "ai", "content": "word " * 400, "id": str(n)} for n in range(5_000)]},
    "many long texts": {str(number): "# a\n\nwords *of* it\n" * 2_000 for number in range(50)},
    "a table of long cells": {"rows": [{str(key): "x" * 500 for key in range(30)} for _ in range(500)]},
    "escapes": {"text": '"\n' * 500_000},
}


@pytest.mark.parametrize("name", LARGE)
def test_no_state_makes_a_large_or_a_slow_page(name: str) -> None:
    run = ended(LARGE[name])
    client = signed_in(run)

    started = time.process_time()
    page = client.get(f"/runs/{run.pk}/").content
    first_s = time.process_time() - started
    started = time.process_time()
    again = client.get(f"/runs/{run.pk}/").content
    again_s = time.process_time() - started

    assert len(page) < PAGE_BYTES
    assert len(again) < PAGE_BYTES
    assert first_s < 3.0, "processor time, on a machine that may be busy"
    assert again_s < 0.3


def test_any_place_of_a_large_state_opens_at_once() -> None:
    state = {"items": [{"id": number, "name": f"item {number}"} for number in range(150_000)], "text": "y" * 5_000_000}
    run = ended(state)
    client = signed_in(run)
    client.get(f"/runs/{run.pk}/")

    started = time.process_time()
    places = [client.get(f"/runs/{run.pk}/state/?path=/items/{number}") for number in range(100_000, 100_020)]
    took_s = time.process_time() - started

    assert all(f"item {number}" in place.content.decode() for number, place in enumerate(places, 100_000))
    assert took_s / 20 < 0.1


def test_memory_of_a_large_state_is_let_go() -> None:
    found: cache.Cache[bytes] = cache.Cache(1000, idle_s=0.05)
    for number in range(10):
        found.get(number, lambda: b"x" * 400, len)
    assert len(found) == 2

    deadline = time.monotonic() + 5
    while len(found) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert len(found) == 0


def test_a_state_too_large_to_open_is_begun_without_reading_it_all() -> None:
    run = make_run(status=RunStatus.SUCCEEDED, body=b'{"begins": "here", "x": "' + b"y" * 70_000_000 + b'"}')
    result = run_result(run)
    assert result is not None
    tracemalloc.start()
    try:
        state = result_of(run, result, "")
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert state.raw.startswith('{"begins": "here"')
    assert used < 5_000_000


def test_a_failed_run_with_large_states_is_a_small_page() -> None:
    state: dict[str, Any] = {
        **turns(300, "many words " * 40),
        **{f"rows {number}": [{f"c{c}": "a cell " * 9 for c in range(9)}] * 60 for number in range(12)},
        **{f"text {number}": "A long text. " * 900 for number in range(12)},
        "tree": {f"key {number}": {"a": list(range(9))} for number in range(900)},
    }
    body = json.dumps(state).encode()
    run = make_run(
        status=RunStatus.FAILED, error=RunError("ValueError", "no " * 900, "inner"), params={"input": {**state, "x": 1}}
    )
    tasks = (Task("t", "measure", "", False, False, None, 0, ""),)
    points = [(path, Checkpoint(name, "", None, "loop", "", 1, tasks, body, len(body))) for path, name in POINTS]
    beside = StepFound("beside", checkpoint_id="c0", writes=body, writes_bytes=len(body))
    failed = StepFound("inner", path=("measure",), checkpoint_id="i0", status="failed", error="no " * 900)
    assert recordings_claim(limit=1)
    steps_store(run=run, reading=Reading([beside, failed], checkpoints=points))

    page = page_of(run)

    assert all(words in page for words in ("Values so far", "Input of inner", "parallel steps", "s input"))
    assert len(page) < PAGE_BYTES
