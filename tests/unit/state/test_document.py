"""A document opened place by place gives what a parser gives, whatever its shape, and no digit is lost."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest

from dashboard.runs.state.document import Document, Place
from dashboard.runs.state.json_values import TooDeep
from dashboard.runs.state.scanner import SMALL_BYTES
from dashboard.runs.state.search import state_search
from tests.documents import DOCUMENTS


def made(dice: random.Random, depth: int) -> Any:
    kind = dice.random()
    if depth == 0 or kind < 0.4:
        return dice.choice([1, 2.5, True, None, 'a"\\é\n\u202e\U0001f600' * dice.randint(0, 5), 10**30])
    if kind < 0.7:
        return [made(dice, depth - 1) for _ in range(dice.randint(0, 60))]
    return {f'k{number}/~"': made(dice, depth - 1) for number in range(dice.randint(0, 60))}


def same(place: Place, value: Any) -> None:
    assert place.size == (len(value) if isinstance(value, str | list | dict) else 1)
    if isinstance(value, dict | list):
        children = place.children()
        assert [child.key for child in children] == (list(value) if isinstance(value, dict) else [*range(len(value))])
        for child, part in zip(children, value.values() if isinstance(value, dict) else value, strict=True):
            same(child, part)
    elif isinstance(value, str):
        assert (place.text(), place.text(3), place.text(3, 2)) == (value, value[:3], value[2:5])
    else:
        assert place.text() == json.dumps(value)


@pytest.mark.parametrize("seed", range(6))
def test_every_place_is_what_a_parser_gives(seed: int) -> None:
    dice = random.Random(seed)
    value = [made(dice, 3), made(dice, 3)]
    body = json.dumps(value, ensure_ascii=seed % 2 == 0, indent=seed % 3 or None).encode()
    document = Document(body)

    same(document.root, value)
    for _ in range(30):
        offset = dice.randrange(len(body))
        place = document.path_to(offset)
        again = document.at(place.pointer)
        assert again is not None
        assert (place.key_at if place.key_at >= 0 else place.start) <= offset < place.end or place.is_container
        assert again.start == place.start


@pytest.mark.parametrize("text", ["\\" * 100_001, '😀é"\\n' * 40_000, "a\\\\u" * 50_000, "x" * 63_999 + "😀" * 1_000])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_long_strings_are_whole_wherever_they_are_cut(text: str, ascii_only: bool) -> None:
    document = Document(json.dumps([text, {f"k{text}": 1}], ensure_ascii=ascii_only).encode())
    place = document.at("/0")

    assert place is not None
    assert place.text() == text
    assert place.size == len(text)
    assert place.text(10, SMALL_BYTES) == text[SMALL_BYTES : SMALL_BYTES + 10]
    assert document.root.children()[1].children()[0].key == f"k{text}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_of_any_kind_are_opened_or_refused(name: str) -> None:
    try:
        document = Document(DOCUMENTS[name])
    except TooDeep:
        assert "deep" in name
        return
    for child in document.root.children(0, 5):
        assert child.text(100) is not None


def test_numbers_keep_their_digits() -> None:
    document = Document(b'{"a":1.0,"b":1e400,"c":' + b"9" * 6000 + b',"d":NaN}')

    assert [place.text() for place in document.root.children()] == ["1.0", "1e400", "9" * 6000, "NaN"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"a":}', b"[1 2]", b'{"a":1}x', b"<html>", b'["a]', b"[1,]"])
def test_what_is_no_document_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="byte"):
        Document(body)


def test_any_window_of_a_large_list_is_near() -> None:
    document = Document(json.dumps({"items": [{"id": number} for number in range(200_000)]}).encode())
    items = document.root.child("items")
    assert items is not None

    started = time.process_time()
    found = [items.children(at, at + 3) for at in range(0, 199_990, 2_000)]
    took_s = time.process_time() - started

    assert [window[0].child("id").text() for window in found] == [str(at) for at in range(0, 199_990, 2_000)]  # type: ignore[union-attr]
    assert took_s / len(found) < 0.01


def test_a_search_finds_keys_and_values_however_they_are_written() -> None:
    document = Document(
        b'{"Sch\\u00fcssel":1,"b":["Tides / gales","tides"],"c":{"x":"\\u0053ch\xc3\xbcssel"},"n":12345}'
    )

    def found(words: str) -> list[str]:
        return [hit.place.pointer for hit in state_search(document, words).hits]

    assert found("schüssel") == ["/Schüssel", "/c/x"]
    assert found("TIDES") == ["/b/0", "/b/1"]
    assert found("s / g") == ["/b/0"]
    assert found("234") == ["/n"]
    assert found('","') == []
