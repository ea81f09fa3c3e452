"""Parts of a document agree with what a parser finds there, and cost no objects."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.langgraph._json.slice import Part, document_part
from tests.unit.langgraph.test_documents import JSON

NAMES = st.sampled_from(["next", "tasks", "", "\u00e4", 'q"', "back\\slash", "\ud800", "__interrupt__", "other"])


def pairs_as_json(pairs: list[tuple[str, Any]], *, ascii_only: bool) -> str:
    """An object with its keys as given, also twice."""
    members = (
        f"{json.dumps(key, ensure_ascii=ascii_only)} : {json.dumps(value, ensure_ascii=ascii_only)}"
        for key, value in pairs
    )
    return "{ " + " , ".join(members) + " }"


def same(part: Part, value: Any) -> bool:
    return repr(json.loads(part.raw.decode("utf-8", "surrogatepass"))) == repr(value)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(NAMES, JSON), max_size=8), st.booleans())
@example([("tasks", [[[[[[1]]]]]]), ("next", {"a": {"b": {"c": {"d": {}}}}}), ("tasks", 2)], True)
def test_members_are_those_a_parser_finds(pairs: list[tuple[str, Any]], ascii_only: bool) -> None:
    text = pairs_as_json(pairs, ascii_only=ascii_only)
    wanted = json.loads(text)
    whole = document_part(text.encode("utf-8", "surrogatepass"))

    found = whole.members("next", "tasks", "__interrupt__")

    assert found.keys() == wanted.keys() & {"next", "tasks", "__interrupt__"}
    assert all(same(part, wanted[name]) for name, part in found.items())


@settings(max_examples=200, deadline=None)
@given(st.lists(JSON, max_size=6), st.sampled_from([None, 1]))
def test_items_are_those_a_parser_finds(values: list[Any], indent: int | None) -> None:
    whole = document_part(json.dumps(values, indent=indent).encode())

    items = list(whole.items())

    assert len(items) == len(values)
    assert all(same(item, json.loads(json.dumps(value))) for item, value in zip(items, values, strict=True))


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=30), st.integers(0, 35), st.booleans())
@example("\U0001f600" * 9, 5, True)
@example('\\"' * 9, 3, True)
def test_text_is_the_beginning_of_the_string(text: str, chars: int, ascii_only: bool) -> None:
    body = json.dumps(text, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")

    assert document_part(body).text(chars) == text[:chars]


def test_text_of_what_is_no_string_is_its_json() -> None:
    assert document_part(b' {"a": [1, 2]} ').text(7) == '{"a": ['
    assert document_part(b"null").text(100) == "null"


def test_only_objects_have_members_and_only_lists_have_items() -> None:
    assert document_part(b"[1]").members("a") == {}
    assert document_part(b'"a"').members("a") == {}
    assert list(document_part(b'{"a": 1}').items()) == []
    assert list(document_part(b"7").items()) == []


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": 1', b"[1] 2", b"<html>", b'{"a": 1} {}'])
def test_what_is_not_one_document_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="JSON"):
        document_part(body)


@pytest.mark.parametrize(
    ("values", "size"),
    [
        (b'{"k":%s}' % (b"[" * 20_000 + b"]" * 20_000), 160_000),  # a token for each byte takes its time
        (b'{"key":1,"other":[1,2]}', 800_000),
        (b'"text, and more of it"', 800_000),
    ],
    ids=["deep", "small objects", "texts"],
)
def test_a_part_is_found_without_building_the_rest(values: bytes, size: int) -> None:
    many = b"[" + values + (b"," + values) * (size // len(values)) + b"]"
    members = b",".join(b'"k%d":%d' % (n, n) for n in range(50_000))
    body = b'{"values":' + many + b"," + members + b',"next":["write"]}'
    document_part(b"{}").members("next", "values")  # compiles a pattern, which is kept
    tracemalloc.start()
    try:
        found = document_part(body).members("next", "values")
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found["next"].value() == ["write"]
    assert found["values"].size == len(many)
    assert used < 0.3 * len(body)
