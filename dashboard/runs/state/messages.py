"""Messages of a final state as a conversation: who said what, and each tool call with its result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from django.utils.safestring import SafeString

from dashboard.runs.state.blocks import Block, Room, content_blocks, is_empty, text_of
from dashboard.runs.state.document import Place
from dashboard.runs.state.seen import cut, seen_html
from dashboard.runs.summary import plain_words

TURNS: Final = 60
"""The most messages that are laid out at once, the last ones first."""
ROOM_CHARS: Final = 36_000
CALLS_MAX: Final = 30
PARTS_MAX: Final = 50
ENDING_CHARS: Final = 240
TURN_CHARS: Final = 150
"""The room of a message on a page without its text, in characters."""
NEAR_CHARS: Final = 800
"""What a phone shows at once, besides the head of a run's page."""
FAR_CHARS: Final = 2_500
"""The same of a desk's screen."""
SAMPLE: Final = 10

_ROLES: Final = {
    "human": "User",
    "user": "User",
    "ai": "Assistant",
    "assistant": "Assistant",
    "AIMessageChunk": "Assistant",
    "HumanMessageChunk": "User",
    "tool": "Tool",
    "function": "Tool",
    "system": "System",
    "developer": "Developer",
}
CALL_TYPES: Final = frozenset({"tool_use", "tool_call", "function_call"})
_SHOWN: Final = frozenset({"type", "role", "content", "name", "tool_calls"})
_QUIET: Final = frozenset({"id", "type", "role", "content", "name", "tool_calls", "example", "tool_call_id"})
"""Keys that alone are no reason to offer more of a message."""


@dataclass(frozen=True)
class Call:
    """A tool call and its result."""

    name: str
    arguments: Place | None
    preview: SafeString
    id: str = ""
    result: Turn | None = None
    is_invalid: bool = False
    error: str = ""

    @property
    def is_failed(self) -> bool:
        return self.is_invalid or (self.result is not None and self.result.is_failed)


@dataclass(frozen=True)
class Turn:
    """One message.

    Attributes:
        number: Its place in the list, from 0.
        place: Its place in the state.
        role: Who speaks, in words.
        more: What else is in the message, under its own keys; nothing that is not empty is left out.
        is_earlier: It was on the thread before this run.
    """

    number: int
    place: Place
    role: str
    tone: str
    name: str = ""
    blocks: list[Block] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    more: list[Place] = field(default_factory=list)
    is_failed: bool = False
    call_id: str = ""
    is_earlier: bool = False


@dataclass(frozen=True)
class Ending:
    """The beginning of the last message. `is_far`: a desk's screen does not show it either without scrolling."""

    place: Place
    words: SafeString
    is_far: bool


@dataclass(frozen=True)
class Conversation:
    """A window of a list of messages."""

    place: Place
    turns: list[Turn]
    first: int
    """The number of the first message in the window."""
    before: int = 0
    """How many messages were on the thread before this run."""
    above: int = 0
    """How many of the first ones stand above already, where a page shows several windows."""

    @property
    def earlier(self) -> int:
        """How many before the window are shown nowhere."""
        return self.first if self.first > self.above else 0

    @property
    def ending(self) -> Ending | None:
        """What the assistant said last; None where a phone shows that at once, and when somebody else spoke last."""
        if not self.turns or self.turns[-1].tone != "assistant":
            return None
        last = self.turns[-1].place
        above = sum(TURN_CHARS + sum(len(block.html) for block in turn.blocks) for turn in self.turns[:-1])
        words = cut(" ".join(plain_words("\n".join(content_texts(last, 10 * ENDING_CHARS))).split()), ENDING_CHARS)
        return Ending(last, seen_html(words), above > FAR_CHARS) if words and above > NEAR_CHARS else None


def is_conversation(place: Place | None) -> bool:
    """Whether a list holds messages: each of the first and last of them has content and says who speaks."""
    if place is None or place.kind != "list" or place.length == 2:
        return False
    size = place.size
    return all(map(_is_message, [*place.children(0, SAMPLE), *place.children(max(SAMPLE, size - SAMPLE), size)]))


def _is_message(place: Place) -> bool:
    return place.kind == "object" and place.child("content") is not None and bool(_role(place))


def _role(place: Place) -> str:
    for key in ("type", "role"):
        found = place.child(key)
        if found is not None and found.kind == "string" and found.length > 2:
            return text_of(found, 60)
    return ""


def conversation(
    place: Place, *, start: int = 0, stop: int | None = None, before: int = 0, room: Room | None = None
) -> Conversation:
    """The messages from `start` to `stop`, as many of the last ones as fit; `before` are from before the run."""
    end = place.size if stop is None else max(0, min(stop, place.size))
    room = room or Room(ROOM_CHARS)
    turns: list[Turn] = []
    for number, message in zip(
        range(end - 1, -1, -1), reversed(place.children(max(start, end - TURNS), end)), strict=False
    ):
        if room.left <= 0:
            break
        turns.append(_turn(number, message, room, is_earlier=number < before))
    turns.reverse()
    first = turns[0].number if turns else end
    return Conversation(place, _matched(turns), first, before)


def _turn(number: int, place: Place, room: Room, *, is_earlier: bool) -> Turn:
    if place.kind != "object":
        return Turn(number, place, "Not a message", "other", blocks=[Block("unknown", place=place, label=place.kind)])
    word = role_word(place)
    content = place.child("content")
    is_tool = word == "Tool"
    members = place.children(0, 100)
    blocks = (
        [] if content is None else content_blocks(content, is_markdown=word == "Assistant", is_tool=is_tool, room=room)
    )
    for key in ("refusal", "reasoning_content"):
        blocks += _aside(place, key, room)
    more = [member for member in members if member.key not in _SHOWN and not is_empty(member)]
    return Turn(
        number=number,
        place=place,
        role=word,
        tone={"User": "user", "Assistant": "assistant", "Tool": "tool", "System": "system"}.get(word, "other"),
        name=text_of(place.child("name")),
        blocks=blocks,
        calls=calls_of(place),
        more=more if any(member.key not in _QUIET for member in more) else [],
        is_failed=text_of(place.child("status")) == "error",
        call_id=text_of(place.child("tool_call_id")),
        is_earlier=is_earlier,
    )


def content_texts(message: Place, chars: int | None = None) -> Iterator[str]:
    """The texts in a message's content, and `[image]` for what is none; `chars` of each."""
    content = message.child("content")
    if content is None or content.kind == "null":
        return
    if content.kind != "list":
        yield content.text(chars)
        return
    for part in content.children(0, PARTS_MAX):
        text = part if part.kind == "string" else part.child("text") if part.kind == "object" else None
        if text is not None and text.kind == "string":
            yield text.text(chars)
        elif part.kind == "object" and text_of(part.child("type")) not in CALL_TYPES:
            yield f"[{text_of(part.child('type')) or 'unknown'}]"


def _aside(place: Place, key: str, room: Room) -> list[Block]:
    """What a model says besides its answer: a refusal, its reasoning; also where LangChain keeps unknown things."""
    kwargs = place.child("additional_kwargs")
    found = place.child(key) or (kwargs.child(key) if kwargs is not None and kwargs.kind == "object" else None)
    if found is None or found.kind != "string" or is_empty(found):
        return []
    words, hidden = room.take(found)
    label = "Refusal" if key == "refusal" else ""
    return [Block("text" if label else "reasoning", seen_html(words), hidden, found, label=label)]


def role_word(place: Place) -> str:
    """Who says a message, in a word."""
    role = _role(place)
    if role in ("chat", "ChatMessage", "generic") and (own := text_of(place.child("role"), 60)):
        role = own
    return _ROLES.get(role) or role.capitalize() or "Unknown"


def calls_of(place: Place) -> list[Call]:
    """The tool calls in a message, valid ones first, without their results."""
    content = place.child("content")
    listed = place.child("tool_calls")
    found = [call for call in listed.children(0, CALLS_MAX) if call.kind == "object"] if listed is not None else []
    if not found and content is not None and content.kind == "list":
        parts = content.children(0, CALLS_MAX)
        found = [part for part in parts if part.kind == "object" and text_of(part.child("type")) in CALL_TYPES]
    invalid = place.child("invalid_tool_calls")
    wrong = [call for call in invalid.children(0, CALLS_MAX) if call.kind == "object"] if invalid is not None else []
    return [_call(call) for call in found] + [replace(_call(call), is_invalid=True) for call in wrong]


def _call(place: Place) -> Call:
    function = place.child("function")
    named = function if function is not None and function.kind == "object" else place
    arguments = next((found for key in ("args", "arguments", "input") if (found := named.child(key))), None)
    preview = seen_html(_short(arguments)) if arguments is not None else SafeString("")
    name = text_of(named.child("name")) or "tool"
    return Call(name, arguments, preview, id=text_of(place.child("id")), error=text_of(place.child("error"), 500))


def _short(place: Place) -> str:
    """Arguments in one line: `query: tides, limit: 3`."""
    if place.kind != "object":
        return cut(place.text(120), 120)
    return cut(", ".join(f"{cut(str(one.key), 40)}: {one.text(60)}" for one in place.children(0, 4)), 120)


def _matched(turns: Sequence[Turn]) -> list[Turn]:
    """The turns, each tool result with its call; a result without a call stays a turn."""
    results = {turn.call_id: turn for turn in turns if turn.call_id}
    found: list[Turn] = []
    taken: set[int] = set()
    for turn in turns:
        calls = [replace(call, result=results.pop(call.id, None) if call.id else None) for call in turn.calls]
        taken |= {call.result.number for call in calls if call.result is not None}
        found.append(replace(turn, calls=calls) if calls else turn)
    return [turn for turn in found if turn.number not in taken]
