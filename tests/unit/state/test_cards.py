"""Each key of a state as a card that suits it."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.runs.state.cards import cards
from dashboard.runs.state.document import Document
from dashboard.runs.state.tables import csv_rows, table

ROWS = [{"name": f"n{number}", "price": number % 7, "tags": ["a"]} for number in range(120)]


def kind_of(value: Any) -> str:
    return cards(Document.of({"key": value}).root.children(), address="/x/", changes={})[0].kind


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "values"),
        (False, "values"),
        (0, "values"),
        ("", "values"),
        ([], "values"),
        ({}, "values"),
        ("short", "values"),
        ("plain words " * 30, "text"),
        ("# Title\n\nwords " * 30, "markdown"),
        (ROWS, "table"),
        ([1, 2.5, 3, 4, 5, 6], "plot"),
        ({"src/a.py": "x = 1\n", "README.md": "# a"}, "files"),
        ({"a.txt": {"content": ["one", "two"]}}, "files"),
        ("data:image/png;base64,AAAA", "media"),
        ([{"type": "ai", "content": "hi"}], "conversation"),
        ({"number": 712771, "supplier": "Tanaka & Sons", "paid": None}, "values"),
        ({f"key {number}": number for number in range(31)}, "tree"),
        ({"a": {"b": 1}}, "tree"),
        ([1, "two", None], "tree"),
        (["one", "https://e.x/"], "list"),
        (["one", ""], "tree"),
        (["one"] * 31, "tree"),
        (["one", "two\nlines"], "tree"),
        (["one", "w" * 200], "tree"),
    ],
)
def test_a_value_is_shown_as_what_it_is(value: Any, kind: str) -> None:
    assert kind_of(value) == kind


def test_items_of_a_list_are_texts_and_not_markup() -> None:
    (card,) = cards(
        Document.of({"key": ["<script>alert(1)</script>", "a\u202eb"]}).root.children(), address="", changes={}
    )

    assert "&lt;script&gt;" in card.html
    assert "<script" not in card.html
    assert "\u202e" not in card.html


def test_short_values_are_said_as_what_they_are() -> None:
    values = {
        "no": False,
        "zero": 0,
        "none": None,
        "empty": "",
        "at": "2026-11-26T10:00:00Z",
        "to": "https://e.x/?a=1&b",
    }
    card = cards(Document.of(values).root.children(), address="", changes={})[0]
    html = {str(name): str(value) for name, value, _ in card.rows}

    assert ">false<" in html["no"]
    assert ">0<" in html["zero"]
    assert ">null<" in html["none"]
    assert "empty text" in html["empty"]
    assert ">26 Nov 2026, 10:00:00 UTC<" in html["at"]
    assert 'href="https://e.x/?a=1&amp;b" rel="noopener noreferrer nofollow"' in html["to"]


def test_a_table_has_windows_and_can_be_sorted() -> None:
    place = Document.of(ROWS).root

    window = table(place, start=100)
    dearest = table(place, rows=3, sort="-price")

    assert window.columns == ["name", "price", "tags"]
    assert (len(window.rows), window.next_start) == (20, None)
    assert [str(cells[1]) for _, cells in dearest.rows] == ["6", "6", "6"]


def test_csv_runs_nothing_in_a_spreadsheet() -> None:
    place = Document.of([{"a": "=1+1", "b": [1]}, {"a": 2, "c": "x,y"}]).root

    assert "".join(csv_rows(place)) == 'a,b,c\r\n\'=1+1,[1],\r\n2,,"x,y"\r\n'
