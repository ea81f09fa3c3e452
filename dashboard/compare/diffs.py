"""What differs between two JSON values: texts by word, lists by item, numbers by difference, objects key by key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from diff_match_patch import diff_match_patch
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from dashboard.runs.state.document import Place
from dashboard.runs.state.seen import cut, seen_html

CHANGES_MAX: Final = 200
TEXT_CHARS: Final = 30_000
SHORT_CHARS: Final = 300
ITEMS_MAX: Final = 2_000
EQUAL_CHARS: Final = 160
"""Characters of equal text between two differences; longer text is cut in the middle."""
TIMEOUT_S: Final = 0.3
_TOKENS: Final = re.compile(r"\s+|\w+|[^\w\s]")
_WORDS_MAX: Final = 50_000
_CUT_WORD_AT_END: Final = re.compile(r"(?<=\s)\S{0,40}$")
_CUT_WORD_AT_START: Final = re.compile(r"^\S{0,40}(?=\s)")


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        path: Where it is, as keys from the outside in.
        kind: `changed`, `added`, `removed`, or `text`, whose `both` shows both texts in one.
        note: The size of the difference, as `+3 (2 %)`.
    """

    path: tuple[str, ...]
    kind: str
    before: SafeString = SafeString("")  # noqa: RUF009 - a constant
    after: SafeString = SafeString("")  # noqa: RUF009
    both: SafeString = SafeString("")  # noqa: RUF009
    note: str = ""

    @property
    def where(self) -> SafeString:
        return seen_html(" / ".join(cut(step, 60) for step in self.path) or "value")


@dataclass(frozen=True)
class Difference:
    """All differences of two values; `equal` counts the places that are the same, `more` says that the list was cut."""

    changes: list[Change]
    equal: int
    is_cut: bool = False

    def __bool__(self) -> bool:
        return bool(self.changes)


def difference(
    before: Place | None, after: Place | None, path: tuple[str, ...] = (), *, without: frozenset[str] = frozenset()
) -> Difference:
    """The differences, at most CHANGES_MAX. `without`: keys of the two objects that are left out."""
    found: list[Change] = []
    equal = 0
    for one in _walk(before, after, path, without):
        if one is None:
            equal += 1
            continue
        if len(found) == CHANGES_MAX:
            return Difference(found, equal, is_cut=True)
        found.append(one)
    return Difference(found, equal)


def _walk(
    before: Place | None, after: Place | None, path: tuple[str, ...], without: frozenset[str] = frozenset()
) -> Iterator[Change | None]:
    """Each difference, and None for each place that is equal."""
    if before is None and after is None:
        return
    if before is None or after is None:
        place = before or after
        assert place is not None
        shown = _shown(place)
        yield Change(path, "added", after=shown) if before is None else Change(path, "removed", before=shown)
    elif before.raw == after.raw:
        yield None
    elif before.kind == after.kind == "object":
        yield from _objects(before, after, path, without)
    elif before.kind == after.kind == "list":
        yield from _lists(before, after, path)
    elif before.kind == after.kind == "string" and _is_prose(before, after):
        yield Change(path, "text", both=text_difference(before.text(TEXT_CHARS), after.text(TEXT_CHARS)))
    else:
        yield Change(path, "changed", _shown(before), _shown(after), note=_numbers(before, after))


def _objects(before: Place, after: Place, path: tuple[str, ...], without: frozenset[str]) -> Iterator[Change | None]:
    was = {str(one.key): one for one in before.children(0, ITEMS_MAX)}
    now = {str(one.key): one for one in after.children(0, ITEMS_MAX)}
    for key in [*now, *(key for key in was if key not in now)]:
        if key in without:
            continue
        yield from _walk(was.get(key), now.get(key), (*path, key))


def _lists(before: Place, after: Place, path: tuple[str, ...]) -> Iterator[Change | None]:
    was, now = before.children(0, ITEMS_MAX), after.children(0, ITEMS_MAX)
    matcher = SequenceMatcher(None, [one.raw for one in was], [one.raw for one in now], autojunk=False)
    for tag, from_, to, at, until in matcher.get_opcodes():
        if tag == "equal":
            yield from (None for _ in range(to - from_))
            continue
        pairs = min(to - from_, until - at)
        for offset in range(pairs):
            yield from _walk(was[from_ + offset], now[at + offset], (*path, str(at + offset)))
        for one in was[from_ + pairs : to]:
            yield from _walk(one, None, (*path, str(one.key)))
        for one in now[at + pairs : until]:
            yield from _walk(None, one, (*path, str(one.key)))


def _is_prose(before: Place, after: Place) -> bool:
    return max(before.length, after.length) > 40


def _shown(place: Place) -> SafeString:
    text = place.text(SHORT_CHARS + 1)
    if place.kind == "string" and not text:
        return SafeString('<span class="more">empty text</span>')
    return seen_html(cut(text, SHORT_CHARS))


def _numbers(before: Place, after: Place) -> str:
    """By how much a number grew."""
    if before.kind != "number" or after.kind != "number":
        return ""
    try:
        was, now = float(before.text(400)), float(after.text(400))
    except ValueError:
        return ""
    share = f" ({(now - was) / abs(was):+.0%})" if was else ""
    return f"{now - was:+g}{share}"


def text_difference(before: str, after: str) -> SafeString:
    """Two texts in one, word by word: `<del>` is what was removed, `<ins>` what was added."""
    return _joined(_stretches(before, after), kept=(-1, 0, 1))


def text_sides(before: str, after: str) -> tuple[SafeString, SafeString]:
    """The same two texts, each for itself: the first with what was removed marked, the second with what was added."""
    stretches = list(_stretches(before, after))
    return _joined(stretches, kept=(-1, 0)), _joined(stretches, kept=(0, 1))


def _joined(stretches: Iterable[tuple[int, str]], *, kept: tuple[int, ...]) -> SafeString:
    parts = []
    for operation, text in stretches:
        if operation == 0:
            parts.append(seen_html(text))
        elif operation in kept:
            parts.append(format_html("<{0}>{1}</{0}>", SafeString("ins" if operation > 0 else "del"), seen_html(text)))
    return mark_safe("".join(parts))  # noqa: S308 - every part was escaped


def _stretches(before: str, after: str) -> Iterator[tuple[int, str]]:
    """What was removed (-1), is equal (0, long ones shortened) and was added (1), in order."""
    words: dict[str, str] = {}
    engine = diff_match_patch()
    engine.Diff_Timeout = TIMEOUT_S
    diffs = engine.diff_main(_encoded(before, words), _encoded(after, words), False)
    engine.diff_cleanupSemantic(diffs)
    back = {char: word for word, char in words.items()}
    for number, (operation, chars) in enumerate(diffs):
        text = "".join(back[char] for char in chars)
        if operation == 0:
            text = _shortened(text, is_first=number == 0, is_last=number == len(diffs) - 1)
        yield operation, text


def _encoded(text: str, words: dict[str, str]) -> str:
    """Each different word as one character, because the library compares characters."""
    chars = []
    for token in _TOKENS.findall(text):
        if token not in words:
            if len(words) >= _WORDS_MAX:
                break
            words[token] = chr(len(words) + (1 if len(words) < 0xD7F0 else 0x1000))
        chars.append(words[token])
    return "".join(chars)


def _shortened(text: str, *, is_first: bool, is_last: bool) -> str:
    """Equal text, cut in the middle, between words where there are any."""
    if len(text) <= 2 * EQUAL_CHARS:
        return text
    head = _CUT_WORD_AT_END.sub("", text[:EQUAL_CHARS]).rstrip()
    tail = _CUT_WORD_AT_START.sub("", text[-EQUAL_CHARS:]).lstrip()
    if is_first:
        return f"\u2026{tail}"
    return f"{head}\u2026" if is_last else f"{head} \u2026 {tail}"
