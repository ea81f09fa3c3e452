"""What is copied of the values in a history: the newest first, and the last one of a failed run even if it is large."""

from __future__ import annotations

import json
from typing import Any

from dashboard.langgraph import ValuesRoom
from dashboard.langgraph._json.slice import document_part
from dashboard.langgraph.checkpoints import checkpoint


def state(values: Any) -> Any:
    body = json.dumps({"values": values, "checkpoint": {"checkpoint_id": "c"}, "tasks": []}).encode()
    return document_part(body)


def kept(room: ValuesRoom | None, *sizes: int) -> list[bool]:
    return [checkpoint(state("x" * (size - 2)), room).values is not None for size in sizes]


def test_without_room_only_the_size_is_reported() -> None:
    found = checkpoint(state({"a": 1}))

    assert (found.values, found.values_bytes) == (None, len('{"a": 1}'))


def test_values_are_the_servers_own_bytes() -> None:
    body = b'{"values": {"n": 1.50, "big": 12345678901234567890123}, "checkpoint_id": "c"}'

    found = checkpoint(document_part(body), ValuesRoom(100, 100))

    assert found.values == b'{"n": 1.50, "big": 12345678901234567890123}'


def test_the_first_may_take_more_and_the_others_share_what_is_left() -> None:
    assert kept(ValuesRoom(first=50, left=10), 40, 6, 6, 4, 1) == [True, True, False, True, False]
    assert kept(ValuesRoom(first=50, left=10), 60, 11, 10) == [False, False, True]
    assert kept(ValuesRoom(first=10, left=10), 8, 4, 2) == [True, False, True]
    assert kept(None, 4) == [False]


def test_a_state_that_is_null_is_none() -> None:
    assert checkpoint(state(None), ValuesRoom(10, 10)).values_bytes == 0
