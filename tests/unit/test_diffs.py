"""What differs between two values."""

from __future__ import annotations

import re
import time
from typing import Any

from dashboard.compare.conversations import messages_of, talk_difference
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


def test_long_equal_text_is_cut_between_words() -> None:
    html = text_difference(f"old {'wave after wave ' * 40}ends", f"new {'wave after wave ' * 40}ends now")

    assert re.search(r" (wave|after) \u2026 (wave|after) ", html)


def test_messages_are_aligned_by_what_they_say_not_by_their_ids() -> None:
    def state(prefix: str, *said: tuple[str, str], calls: Any = ()) -> Any:
        talk = [{"id": f"{prefix}{at}", "type": who, "content": text} for at, (who, text) in enumerate(said)]
        return Document.of({"messages": [*talk, {"type": "ai", "content": "", "tool_calls": calls}]}).root

    asks, thanks = ("human", "When is <b>high</b> water?"), ("human", "Thanks")
    search = {"name": "search", "args": {"port": "Oslo"}, "id": "1"}
    before = messages_of(state("a", asks, ("ai", "At noon, at the pier"), calls=[search]))
    after = messages_of(state("b", asks, ("ai", "At nine, at the pier"), thanks, calls=[{**search, "id": "2"}]))
    assert before
    assert after

    talk = talk_difference(before, after)

    assert [pair.same_count for pair in talk.pairs] == [1, 0, 0, 1]
    assert "&lt;b&gt;" in talk.pairs[0].same[0].text
    assert "search" in talk.pairs[3].same[0].text
    answered, added = talk.pairs[1:3]
    assert answered.before
    assert answered.after
    assert added.after
    assert answered.before.text == "At <del>noon</del>, at the pier"
    assert answered.after.text == "At <ins>nine</ins>, at the pier"
    assert (added.before, added.after.role, added.after.text) == (None, "User", "Thanks")
    assert not answered.others, "only their ids differ"


def test_large_and_different_values_take_bounded_time() -> None:
    before = {"text": " ".join(map(str, range(20_000))), "items": [{"id": number} for number in range(5_000)]}
    after = {"text": " ".join(map(str, range(20_000, 0, -1))), "items": [{"id": -number} for number in range(5_000)]}

    started = time.process_time()
    found = difference(Document.of(before).root, Document.of(after).root)

    assert found.is_cut
    assert time.process_time() - started < 5
