"""The result of a run on its page: the conversation, the other keys as cards, and what does not fit as a tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from dashboard.runs.models import Run, RunResult, ThreadChoice
from dashboard.runs.selectors import run_before_on_thread, run_result
from dashboard.runs.state import cache
from dashboard.runs.state.blocks import Room
from dashboard.runs.state.branches import Tree
from dashboard.runs.state.cards import CARDS, ROOM_CHARS, Card, card, cards
from dashboard.runs.state.document import Document, Place
from dashboard.runs.state.json_values import TooDeep
from dashboard.runs.state.messages import Conversation, conversation, is_conversation
from dashboard.runs.state.seen import NOTHING, seen, showable
from dashboard.runs.state.storage import beginning

RAW_CHARS: Final = 20_000
HTML_VERSION: Final = 3
"""Part of the key under which HTML is kept."""
ASKED: Final = "__interrupt__"
"""The key under which servers put a run's questions."""


@dataclass(frozen=True)
class Result:
    """A final state, laid out. Otherwise `problem` says why not, and `raw` is the beginning of the document.

    `asked` is the run's questions as its server sent them; elsewhere the page shows them as questions.
    """

    size_bytes: int
    sha256: str
    address: str
    conversation: Conversation | None = None
    cards: list[Card] = field(default_factory=list)
    asked: list[Card] = field(default_factory=list)
    rest: SafeString = NOTHING
    problem: str = ""
    raw: str = ""


def result_html(
    run: Run, *, address: str, document: Document | None = None, stored: RunResult | None = None
) -> SafeString:
    """The run's final state as HTML, made once and kept; "" when there is none.

    Args:
        address: Where parts of the state are served; "" when nowhere, as for readers who may not see all of it.
        document: The state to show instead of the stored one, as when something is left out of it. Not kept.
        stored: The run's result, where it has been fetched already.
    """
    found = stored or run_result(run)
    if found is None:
        return SafeString("")
    if document is not None:
        return mark_safe(_rendered(run, found, address, document))  # noqa: S308 - a template's
    key = (HTML_VERSION, run.pk, bytes(found.sha256), address)
    return mark_safe(cache.html.get(key, lambda: _rendered(run, found, address, None), len))  # noqa: S308 - a template's


def state_layout_html(
    run: Run, found: cache.Stored, *, address: str, prefix: str = "", room: int = ROOM_CHARS
) -> SafeString:
    """The state of one of the run's checkpoints as HTML, made once and kept. What changed in it is not marked.

    Args:
        address: Where its parts are served.
        prefix: Of the ids in it, where a page shows several states.
        room: How many characters of it are laid out.
    """

    def made() -> str:
        place = cache.document_of(found).root
        talk, shown, rest = _arranged(place, address, room=Room(room))
        shown, asked = _asked_apart(shown)
        state = Result(found.size_bytes, bytes(found.sha256).hex(), address, talk, shown, asked, rest)
        return render_to_string("runs/state/_result.html", {"state": state, "run": run, "prefix": prefix})

    if found.size_bytes > cache.OPEN_MAX_BYTES:
        return SafeString('<p class="note" data-tone="neutral">It is too large to show here.</p>')
    try:
        key = (HTML_VERSION, run.pk, bytes(found.sha256), address, f"checkpoint{prefix}", room)
        return mark_safe(cache.html.get(key, made, len))  # noqa: S308 - a template's
    except ValueError:
        return SafeString('<p class="note" data-tone="neutral">It is not valid JSON.</p>')


def _rendered(run: Run, found: RunResult, address: str, document: Document | None) -> str:
    return render_to_string("runs/state/_result.html", {"state": result_of(run, found, address, document), "run": run})


def result_of(
    run: Run, found: RunResult, address: str, document: Document | None = None, *, is_marked: bool = True
) -> Result:
    """The final state, laid out in bounded time and room, whatever its size.

    `is_marked`: with what is new, changed or as in the input; it would be wrong where parts of `document` are hidden.
    """
    sha256 = bytes(found.sha256).hex()
    if found.size_bytes > cache.OPEN_MAX_BYTES:
        words = "It is too large to show in full; this is its beginning. Download it to read all of it."
        return Result(found.size_bytes, sha256, address, problem=words, raw=_beginning(found))
    try:
        document = document or cache.document_of(found)
    except TooDeep:
        words = "It is nested too deeply to show in full; this is its beginning."
        return Result(found.size_bytes, sha256, address, problem=words, raw=_beginning(found))
    except ValueError:
        words = "It is not valid JSON; this is its beginning."
        return Result(found.size_bytes, sha256, address, problem=words, raw=_beginning(found))
    talk, shown, rest = _laid_out(run, document.root, address, is_marked=is_marked)
    shown, asked = _asked_apart(shown)
    return Result(found.size_bytes, sha256, address, talk, shown, asked, rest)


def _asked_apart(shown: list[Card]) -> tuple[list[Card], list[Card]]:
    """The cards of the state, and the card of the questions."""
    asked = [one for one in shown if one.place is not None and str(one.place.key) == ASKED]
    return [one for one in shown if one not in asked], asked


def _laid_out(
    run: Run, root: Place, address: str, *, is_marked: bool = True
) -> tuple[Conversation | None, list[Card], SafeString]:
    before = _state_before(run)
    is_object = root.kind == "object"
    messages = root.child("messages") if is_object else root
    earlier = before
    if is_object and before is not None:
        earlier = before.child("messages") if before.kind == "object" else None
    members = root.children(0, CARDS + 1)
    return _arranged(
        root,
        address,
        turns_before=_turns_before(run, messages, earlier) if messages is not None and is_conversation(messages) else 0,
        changes=_changes(run, members, before) if is_object and is_marked else None,
    )


def _arranged(
    root: Place,
    address: str,
    *,
    turns_before: int = 0,
    changes: Mapping[str, str] | None = None,
    room: Room | None = None,
) -> tuple[Conversation | None, list[Card], SafeString]:
    if root.kind != "object":
        if is_conversation(root):
            return conversation(root, before=turns_before, room=room), [], SafeString("")
        return None, [card(root, address=address, room=room)], SafeString("")
    messages = root.child("messages")
    talk = None
    if messages is not None and is_conversation(messages):
        talk = conversation(messages, before=turns_before, room=room)
    members = [one for one in root.children(0, CARDS + 1) if talk is None or one.key != "messages"]
    shown = cards(members, address=address, changes=dict(changes or {}), room=room or Room(ROOM_CHARS))
    rest = SafeString("")
    if root.size > CARDS:
        tree = Tree(address, nodes=40)
        rest = tree.html(root, label="The whole state", start=CARDS)
    return talk, shown, rest


def _beginning(found: RunResult) -> str:
    body = beginning(found.run_id, RAW_CHARS * 4)
    return seen(showable(body.decode("utf-8", "replace"))[:RAW_CHARS])


# What this run added.


def _state_before(run: Run) -> Place | None:
    """The state that the team's run before this one left on the thread; None when it is not known."""
    earlier = run_before_on_thread(run)
    found = run_result(earlier) if earlier is not None else None
    return cache.stored_root(found)


def _turns_before(run: Run, messages: Place, earlier: Place | None) -> int:
    """How many of the messages were on the thread before this run: the same ones, in the same order."""
    if run.thread_choice != ThreadChoice.EXISTING:
        return 0
    if earlier is not None and earlier.kind == "list":
        return turns_in_common(earlier, messages)
    return _first_of_input(run, messages)


def turns_in_common(earlier: Place, messages: Place) -> int:
    """How many messages two lists have in common at their beginning: by id, or word for word without ids."""
    count = 0
    for was, now in zip(earlier.children(), messages.children(0, earlier.size), strict=False):
        if _identity(was) != _identity(now):
            break
        count += 1
    return count


def _identity(message: Place) -> bytes:
    found = message.child("id") if message.kind == "object" else None
    return found.raw if found is not None and found.kind == "string" else message.raw


def _first_of_input(run: Run, messages: Place) -> int:
    """The position of the first message of the run's own input, counted from the end of the conversation."""
    given = run.request.params.get("input")
    sent = given.get("messages") if isinstance(given, dict) else None
    if not isinstance(sent, Sequence) or not sent:
        return 0
    first = sent[0] if not isinstance(sent, str) else {"content": sent}
    text = first.get("content") if isinstance(first, Mapping) else first[1] if _is_pair(first) else first
    size = messages.size
    for number, message in zip(range(size - 1, -1, -1), reversed(messages.children(max(0, size - 200))), strict=False):
        content = message.child("content") if message.kind == "object" else None
        if content is not None and content.kind == "string" and isinstance(text, str) and content.text() == text:
            return number
    return 0


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2


def _changes(run: Run, members: list[Place], before: Place | None) -> dict[str, str]:
    """How each key differs from the thread's state before this run, where that is known; else from the input."""
    if before is not None and before.kind == "object":
        was = {str(one.key): one for one in before.children(0, 500)}
        return {str(one.key): _change(was.get(str(one.key)), one) for one in members}
    given = run.request.params.get("input")
    if not isinstance(given, dict):
        return {}
    sent = {str(one.key): one for one in Document.of(given).root.children(0, 500)}
    return {key: "given" for one in members if (key := str(one.key)) in sent and _is_same(sent[key], one)}


def _change(was: Place | None, now: Place) -> str:
    if was is None:
        return "new"
    return "same" if was.raw == now.raw else "changed"


def _is_same(one: Place, other: Place) -> bool:
    if one.kind != other.kind or not (one.is_small and other.is_small):
        return False
    try:
        return bool(one.value == other.value)
    except ValueError:
        return False
