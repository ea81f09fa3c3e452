"""Whole, cut, or not JSON at all: without recursion, without memory, without a mistake."""

from __future__ import annotations

import json
import math
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.langgraph._json import scanner
from dashboard.langgraph._json.scanner import DocumentState, _scan, document_state, parse_document

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
FOREIGN = [
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


@pytest.mark.parametrize("body", ODD_BUT_WHOLE, ids=lambda body: repr(body[:24]))
def test_odd_documents_are_whole(body: bytes) -> None:
    assert document_state(body) is DocumentState.WHOLE
    assert _scan(body) is DocumentState.WHOLE


@pytest.mark.parametrize("body", FOREIGN, ids=repr)
def test_what_is_not_json_is_foreign(body: bytes) -> None:
    assert document_state(body) is DocumentState.FOREIGN


@pytest.mark.parametrize(
    "body", [body.strip() for body in ODD_BUT_WHOLE if body.strip()[:1] in b"{["], ids=lambda body: repr(body[:24])
)
def test_every_beginning_of_a_container_is_cut(body: bytes) -> None:
    ends = range(len(body)) if len(body) < 1000 else [0, 1, 2, 777, len(body) // 2, len(body) - 2, len(body) - 1]

    states = {body[:end]: _scan(body[:end]) for end in ends}

    assert set(states.values()) == {DocumentState.CUT}


@settings(max_examples=200, deadline=None)
@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_scanning_agrees_with_the_standard_library(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    body = text.encode("utf-8", "surrogatepass")

    assert _scan(body) is DocumentState.WHOLE
    if isinstance(value, dict | list):
        assert {_scan(body[:end]) for end in range(len(body))} == {DocumentState.CUT}


@settings(max_examples=300, deadline=None)
@given(JSON, st.data())
def test_a_damaged_document_is_whole_only_if_the_standard_library_reads_it(value: Any, data: st.DataObject) -> None:
    body = bytearray(json.dumps([value]).encode())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] = data.draw(st.sampled_from(b'{}[],:"0aN\\ '))

    is_whole = _scan(bytes(body)) is DocumentState.WHOLE

    try:
        json.loads(bytes(body), strict=False)
        assert is_whole
    except ValueError:
        assert not is_whole


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

    assert repr(scanner._parse_deep(text)) == repr(json.loads(text))


@pytest.mark.parametrize("body", [b"", b"[1", b"<p>", b"{]"])
def test_parsing_half_a_document_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_document(body)


@pytest.mark.parametrize(
    "item", [b'"some text",', b"{},", b'{"key": "value", "n": [1, 2, {"x": null}]},', b"[[[[[]]]]],"]
)
def test_scanning_needs_no_memory_and_linear_time(item: bytes) -> None:
    def body(size: int) -> bytes:
        return b"[" + item * (size // len(item)) + b"1]"

    def seconds(size: int) -> float:
        scanned = body(size)
        taken = []
        for _ in range(3):
            began = time.process_time()
            assert _scan(scanned) is DocumentState.WHOLE
            taken.append(time.process_time() - began)
        return min(taken)

    def memory(size: int) -> int:
        scanned = body(size)
        tracemalloc.start()
        try:
            _scan(scanned)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert memory(200_000) < 20_000
    assert seconds(1_600_000) < 8 * 4 * max(seconds(200_000), 0.005)
