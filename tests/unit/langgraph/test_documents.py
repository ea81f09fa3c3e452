"""Whole or not: without recursion, without a mistake."""

from __future__ import annotations

import json
import math
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.langgraph._json import odd
from dashboard.langgraph._json.documents import is_whole, parse_document
from dashboard.langgraph._json.odd import Bytes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=25,
)
ODD_BUT_WHOLE = [
    b"{}",
    b"[]",
    b"null",
    b'"text"',
    b"-12.5e+300",
    b'{"a": NaN, "b": [Infinity, -Infinity]}',
    rb'{"lone": "\ud800", "nul": "\u0000"}',
    b'{"raw surrogate": "\xed\xa0\x80"}',
    b'{"n": ' + b"9" * 5000 + b', "f": 1e400}',
    b'{"same": 1, "same": 2}',
    b' \r\n\t{ "a" : [ 1 , 2 , { } ] , "b" : { "c" : [ ] } } ',
    b"[" * 10_000 + b"]" * 10_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"a":[' * 10_000 + b"]}" * 10_000,
    b'["tab\tinside", "newline\ninside"]',
]
NOT_WHOLE = [
    b"<html></html>",
    b"Internal Server Error",
    b'{"a": 1} trailing',
    b"[1,]",
    b"[1 2]",
    b"{1: 2}",
    b'{"a": 1,}',
    b'{"a" 1}',
    b"[}",
    b'{"a": 1]',
    b"undefined",
    b'["bad \\x escape"]',
    b"01",
    b"[1]]",
]


def is_whole_token_by_token(body: Bytes) -> bool:
    """The result of the slow way, which only documents take that msgspec refuses."""
    try:
        return bool(list(odd.tokens(body)))
    except ValueError:
        return False


@pytest.mark.parametrize("body", ODD_BUT_WHOLE, ids=lambda body: repr(body[:24]))
def test_odd_documents_are_whole(body: bytes) -> None:
    assert is_whole(body)
    assert is_whole_token_by_token(body)


@pytest.mark.parametrize("body", NOT_WHOLE, ids=repr)
def test_what_is_not_json_is_not_whole(body: bytes) -> None:
    assert not is_whole(body)
    assert not is_whole_token_by_token(body)


@pytest.mark.parametrize(
    "body", [body.strip() for body in ODD_BUT_WHOLE if body.strip()[:1] in b"{["], ids=lambda body: repr(body[:24])
)
def test_every_beginning_of_a_container_is_cut(body: bytes) -> None:
    ends = range(len(body)) if len(body) < 1000 else [0, 1, 2, 777, len(body) // 2, len(body) - 2, len(body) - 1]

    assert not any(is_whole(body[:end]) or is_whole_token_by_token(body[:end]) for end in ends)


@settings(max_examples=200, deadline=None)
@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_scanning_agrees_with_the_standard_library(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    body = text.encode("utf-8", "surrogatepass")

    assert is_whole(body)
    assert is_whole_token_by_token(body)
    if isinstance(value, dict | list):
        cuts = [body[:end] for end in range(len(body))]
        assert not any(is_whole(cut) or is_whole_token_by_token(cut) for cut in cuts)


@settings(max_examples=300, deadline=None)
@given(JSON, st.data())
def test_a_damaged_document_is_whole_only_if_the_standard_library_reads_it(value: Any, data: st.DataObject) -> None:
    body = bytearray(json.dumps([value]).encode())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] = data.draw(st.sampled_from(b'{}[],:"0aN\\ '))

    try:
        json.loads(bytes(body), strict=False)
        is_json = True
    except ValueError:
        is_json = False

    assert is_whole(body) == is_whole_token_by_token(body) == is_json


def test_values_survive_what_orjson_refuses() -> None:
    deep = parse_document(b'{"a":[' * 10_000 + b'{"end": [1, "x", null, true, -2.5, NaN]}' + b"]}" * 10_000)
    for _ in range(10_000):
        deep = deep["a"][0]

    assert deep["end"][:5] == [1, "x", None, True, -2.5]
    assert math.isnan(deep["end"][5])
    assert parse_document(rb'["\ud800", 1e400]') == ["\ud800", math.inf]
    assert parse_document(b"[" + b"9" * 5000 + b"]") == [math.inf]
    assert parse_document(b'{"same": 1, "same": 2}') == {"same": 2}


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_the_parser_of_last_resort_agrees_with_the_standard_library(value: Any) -> None:
    text = json.dumps({"root": value})

    assert repr(odd.parse(text.encode())) == repr(json.loads(text))


@pytest.mark.parametrize("body", [b"", b"[1", b"<p>", b"{]"])
def test_parsing_half_a_document_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_document(body)


@pytest.mark.parametrize("way", [is_whole, lambda body: is_whole(body[:-1] + b",NaN]")], ids=["msgspec", "odd"])
@pytest.mark.parametrize(
    "item", [b'"some text",', b"{},", b'{"key": "value", "n": [1, 2, {"x": null}]},', b"[[[[[]]]]],"]
)
def test_a_look_needs_no_memory_and_linear_time(item: bytes, way: Callable[[bytes], bool]) -> None:
    def body(size: int) -> bytes:
        return b"[" + item * (size // len(item)) + b"1]"

    def seconds(size: int) -> float:
        looked_at = body(size)
        taken = []
        for _ in range(3):
            began = time.process_time()
            assert way(looked_at)
            taken.append(time.process_time() - began)
        return min(taken)

    looked_at = body(200_000)
    tracemalloc.start()
    try:
        way(looked_at)
        memory = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert memory < 3 * len(looked_at)
    assert seconds(400_000) < 4 * 4 * max(seconds(100_000), 0.005)
