"""The messages of two runs side by side. Ids are not compared: every run gives its messages new ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Final

from django.utils.safestring import SafeString

from dashboard.compare.diffs import Difference, difference, text_sides
from dashboard.runs.state.blocks import text_of
from dashboard.runs.state.document import Place
from dashboard.runs.state.messages import calls_of, content_texts, is_conversation, role_word
from dashboard.runs.state.seen import NOTHING, cut, seen_html

MESSAGES_MAX: Final = 1_000
"""The most of each run that are compared, the first ones."""
PAIRS_MAX: Final = 60
SAME_SHOWN: Final = 10
TEXT_CHARS: Final = 6_000
_SAID: Final = frozenset({"id", "type", "role", "name", "content", "tool_calls", "tool_call_id", "example"})
"""Keys that the two texts show already, or that always differ."""


@dataclass(frozen=True)
class Said:
    """One message: who says it, and what; what differs in it is marked."""

    role: str
    name: str
    text: SafeString


@dataclass(frozen=True)
class Pair:
    """A message of each run, one of them None if it is there alone, or a stretch of messages that are the same.

    Attributes:
        others: What else differs in the two messages, such as the tokens used.
        same: The first messages of a stretch.
        same_count: How many there are in it; 0 for a pair.
    """

    before: Said | None = None
    after: Said | None = None
    others: Difference | None = None
    same: list[Said] = field(default_factory=list)
    same_count: int = 0


@dataclass(frozen=True)
class Talk:
    """Two conversations, aligned. `is_cut`: there is more than is shown."""

    pairs: list[Pair]
    is_cut: bool

    @property
    def differing(self) -> int:
        return sum(not pair.same_count for pair in self.pairs)

    @property
    def same(self) -> int:
        return sum(pair.same_count for pair in self.pairs)


def messages_of(state: Place | None) -> Place | None:
    """The messages of a state; None when it has none."""
    found = state.child("messages") if state is not None and state.kind == "object" else None
    return found if is_conversation(found) else None


def talk_difference(before: Place, after: Place) -> Talk:
    """Two lists of messages, aligned by who says what."""
    was, now = before.children(0, MESSAGES_MAX), after.children(0, MESSAGES_MAX)
    pairs: list[Pair] = []
    for pair in _pairs(was, now):
        if len(pairs) == PAIRS_MAX:
            return Talk(pairs, is_cut=True)
        pairs.append(pair)
    return Talk(pairs, is_cut=max(before.size, after.size) > MESSAGES_MAX)


def _pairs(was: list[Place], now: list[Place]) -> Iterator[Pair]:
    matcher = SequenceMatcher(None, [*map(_identity, was)], [*map(_identity, now)], autojunk=False)
    for tag, from_, to, at, until in matcher.get_opcodes():
        if tag == "equal":
            shown = [_said(one, seen_html(_text(one))) for one in was[from_ : min(to, from_ + SAME_SHOWN)]]
            yield Pair(same=shown, same_count=to - from_)
            continue
        both = min(to - from_, until - at)
        yield from (_pair(was[from_ + offset], now[at + offset]) for offset in range(both))
        yield from (Pair(before=_said(one, seen_html(_text(one)))) for one in was[from_ + both : to])
        yield from (Pair(after=_said(one, seen_html(_text(one)))) for one in now[at + both : until])


def _pair(before: Place, after: Place) -> Pair:
    left, right = text_sides(_text(before), _text(after))
    others = difference(before, after, without=_SAID) if before.kind == after.kind == "object" else None
    return Pair(_said(before, left), _said(after, right), others)


def _said(message: Place, text: SafeString) -> Said:
    if message.kind != "object":
        return Said("Not a message", "", text or NOTHING)
    return Said(role_word(message), text_of(message.child("name")), text)


def _identity(message: Place) -> tuple[str, str]:
    """Equal for messages in which the same one says the same."""
    return (role_word(message) if message.kind == "object" else "", _text(message, None))


def _text(message: Place, chars: int | None = TEXT_CHARS) -> str:
    """What a message says, with a line for each tool call."""
    if message.kind != "object":
        return message.text(chars)
    lines = list(content_texts(message, chars))
    for call in calls_of(message):
        lines.append(f"{call.name} {call.arguments.text(chars) if call.arguments is not None else ''}".strip())
    text = "\n".join(line for line in lines if line)
    return text if chars is None else cut(text, chars)
