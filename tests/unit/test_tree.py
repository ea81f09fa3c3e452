"""Invisible characters in trees: bounded, and the cut counts what was sent."""

from __future__ import annotations

from django.utils.html import strip_tags

from dashboard.runs.state.seen import MARKS
from dashboard.runs.state.view import TEXT_CHARS, value_tree
from dashboard.runs.templatetags.runs import tree


def test_a_text_is_cut_by_what_was_sent_and_not_by_its_marks() -> None:
    html = tree(value_tree("\u202e" * (TEXT_CHARS + 7)))

    assert strip_tags(html) == f"⟨U+202E \u00d7 {TEXT_CHARS}⟩ … 7 more characters"


def test_marks_of_one_text_are_bounded() -> None:
    html = tree(value_tree(["\u202ea" * (TEXT_CHARS // 2)]))

    assert html.count("⟨U+202E⟩") == MARKS
    assert html.count("\ufffda") == TEXT_CHARS // 2 - MARKS
    assert "\u202e" not in html


def test_nothing_but_what_is_unseen_is_marked() -> None:
    kept = "<b> &amp; \u200c\u200d\u00a0\u0335 ⟨U+202E⟩"
    html = tree(value_tree({kept: kept}))

    assert 'class="mark"' not in html
    assert html.count("&lt;b&gt; &amp;amp; \u200c\u200d\u00a0\u0335 ⟨U+202E⟩") == 2
