"""What differs between two values."""

from __future__ import annotations

import time
from typing import Any

from dashboard.compare.diffs import Change, difference, text_difference
from dashboard.runs.state.document import Document


def changes(before: Any, after: Any) -> list[Change]:
    return difference(Document.of(before).root, Document.of(after).root).changes


def test_objects_differ_key_by_key_lists_by_item_numbers_by_difference() -> None:
    before = {"same": [1], "n": 4, "items": ["a", "b", "d"], "gone": True}
    after = {"same": [1], "n": 5, "items": ["a", "c", "d", "e"], "new": None}

    found = [(change.path, change.kind, str(change.before), str(change.after)) for change in changes(before, after)]

    assert found == [
        (("n",), "changed", "4", "5"),
        (("items", "1"), "changed", "b", "c"),
        (("items", "3"), "added", "", "e"),
        (("new",), "added", "", "null"),
        (("gone",), "removed", "true", ""),
    ]
    assert changes(before, after)[0].note == "+1 (+25%)"


def test_a_text_differs_by_word_and_is_inert() -> None:
    html = text_difference("the rise and <b> fall of the sea", "the rise or <b> fall of the lake")

    assert html == "the rise <del>and</del><ins>or</ins> &lt;b&gt; fall of the <del>sea</del><ins>lake</ins>"


def test_large_and_different_values_take_bounded_time() -> None:
    before = {"text": " ".join(map(str, range(20_000))), "items": [{"id": number} for number in range(5_000)]}
    after = {"text": " ".join(map(str, range(20_000, 0, -1))), "items": [{"id": -number} for number in range(5_000)]}

    started = time.process_time()
    found = difference(Document.of(before).root, Document.of(after).root)

    assert found.is_cut
    assert time.process_time() - started < 5
