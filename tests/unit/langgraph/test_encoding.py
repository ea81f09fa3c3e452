"""JSON out: the SDK's bytes where orjson can, something honest where it cannot."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.langgraph import RequestInvalid
from dashboard.langgraph._json.encoder import _Encoder, encode_json


class Model:
    def model_dump(self) -> dict[str, Any]:
        return {"dumped": 2**80}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"nan": float("nan"), "inf": float("inf")}, '{"nan":null,"inf":null}'),
        ({"set": {1}}, '{"set":[1]}'),
        ({1: "int key", None: 0, False: 1}, '{"1":"int key","null":0,"false":1}'),
        ({1: 2**80, None: 0, False: 1}, '{"1":1208925819614629174706176,"null":0,"false":1}'),
        ({"big": 2**80}, '{"big":1208925819614629174706176}'),
        ({"lone": "\ud800"}, '{"lone":"\\ud800"}'),
        ({"big": 2**80, "nan": float("nan"), "set": {1}}, '{"big":1208925819614629174706176,"nan":null,"set":[1]}'),
        ({"big": -(2**70), "m": Model(), "t": (1, [])}, None),
        ({"big": 2**80, "id": uuid.UUID(int=1), "at": datetime(2026, 1, 1, tzinfo=UTC)}, None),
    ],
)
def test_values_orjson_refuses_are_written_all_the_same(value: Any, text: str | None) -> None:
    body = encode_json(value)

    assert json.loads(body) is not None
    if text is not None:
        assert body.decode() == text


def test_depth_has_no_limit() -> None:
    value: Any = []
    for _ in range(10_000):
        value = {"a": [value]}

    assert encode_json(value) == b'{"a":[' * 10_000 + b"[]" + b"]}" * 10_000


@pytest.mark.parametrize("value", [{"object": object()}, {"class": Model}, {"bytes": b"raw"}])
def test_what_has_no_json_form_is_an_error_of_ours(value: Any) -> None:
    with pytest.raises(RequestInvalid):
        encode_json(value)


def test_a_value_that_contains_itself_is_an_error_of_ours() -> None:
    value: list[Any] = [1]
    value.append({"again": value})

    with pytest.raises(RequestInvalid, match="contains itself"):
        encode_json(value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_the_slow_way_writes_what_was_meant(value: Any) -> None:
    assert json.loads("".join(_Encoder().pieces(value))) == value
