"""Keys of a final state, each as a card that suits its value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from dashboard.runs.state.blocks import Media, Room, media_of_text
from dashboard.runs.state.branches import Tree, counted
from dashboard.runs.state.document import Place
from dashboard.runs.state.markdown import looks_like_markdown, markdown
from dashboard.runs.state.messages import Conversation, conversation, is_conversation
from dashboard.runs.state.seen import NOTHING, cut, seen_html
from dashboard.runs.state.tables import Table, is_plot, is_table, plot, table

CARDS: Final = 40
"""How many keys get a card of their own; the others are a tree."""
SHORT_CHARS: Final = 120
TEXT_CHARS: Final = 20_000
TABLE_ROWS: Final = 25
LIST_ITEMS: Final = 30
FILES: Final = 40
FILE_CHARS: Final = 4_000
ROOM_CHARS: Final = 36_000
_FILE: Final = re.compile(r"^(?:[\w.@ -]+/)*[\w@ -][\w.@ -]*\.\w{1,10}$|^/?(?:[\w.@ -]+/)+[\w.@ -]+$")
_URL: Final = re.compile(r"^https?://[^\s\"'<>]{1,1000}$")
_DATE: Final = re.compile(r"^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?$")


@dataclass(frozen=True)
class File:
    """One file of a mapping from paths to contents."""

    name: SafeString
    place: Place
    html: SafeString
    hidden: int
    chars: int


@dataclass(frozen=True)
class Card:
    """One key of the state.

    Attributes:
        kind: `values` (a table of short ones), `markdown`, `text`, `table`, `plot`, `files`, `media`, `conversation` or
            `tree`, or `list` (a few short texts).
        change: How it differs from before the run: `new`, `changed`, `same`, or "" when that is not known.
    """

    kind: str
    title: SafeString
    place: Place | None = None
    html: SafeString = NOTHING
    raw: SafeString = NOTHING
    hidden: int = 0
    size: str = ""
    rows: list[tuple[SafeString, SafeString, str]] = field(default_factory=list)
    table: Table | None = None
    files: list[File] = field(default_factory=list)
    media: Media | None = None
    conversation: Conversation | None = None
    change: str = ""


def cards(places: list[Place], *, address: str, changes: dict[str, str], room: Room | None = None) -> list[Card]:
    """Cards for these members of a state, the short values together in the first one."""
    room = room or Room(ROOM_CHARS)
    short = [place for place in places[:CARDS] if _is_short(place)]
    others = [place for place in places[:CARDS] if not _is_short(place)]
    made = [_card(place, address, changes.get(str(place.key), ""), room) for place in others]
    # Reports first, then short values, then what takes longer to read.
    reports = [one for one in made if one.kind == "markdown"]
    return reports + ([_values(short, changes)] if short else []) + [one for one in made if one.kind != "markdown"]


def card(place: Place, *, address: str, room: Room | None = None) -> Card:
    """One place as a card of its own."""
    return _card(place, address, "", room or Room(ROOM_CHARS * 2))


def title_of(place: Place) -> SafeString:
    """A place's key as a heading."""
    return seen_html(cut(str(place.key), SHORT_CHARS)) if place.key is not None else SafeString("Final state")


def _is_short(place: Place) -> bool:
    if place.is_container:
        return place.length == 2 or place.size == 0
    if place.kind != "string":
        return True
    if media_of_text(place) is not None:
        return False
    return place.length <= SHORT_CHARS * 4 and len(place.text()) <= SHORT_CHARS and "\n" not in place.text()


def _values(places: list[Place], changes: dict[str, str]) -> Card:
    rows = [(title_of(place), short_html(place), changes.get(str(place.key), "")) for place in places]
    return Card("values", SafeString("Values"), rows=rows)


def short_html(place: Place) -> SafeString:
    """A short value by what it is: a link, a date, a word of JSON."""
    if place.is_container:
        return SafeString(f'<span class="value">{"{}" if place.kind == "object" else "[]"}</span>')
    text = place.text()
    if place.kind != "string":
        return _made(f'<span class="value" data-kind="{place.kind}">{escape(cut(text, SHORT_CHARS))}</span>')
    if not text:
        return SafeString('<span class="more">empty text</span>')
    if _URL.match(text):
        return _made(
            f'<a class="external" href="{escape(text)}" rel="noopener noreferrer nofollow">{seen_html(text)}</a>'
        )
    if _DATE.match(text) and (moment := _moment(text)):
        return _made(f'<time datetime="{escape(text)}" title="{escape(text)}">{escape(moment)}</time>')
    return seen_html(text)


def _moment(text: str) -> str:
    """A date in words, as it was written: no zone is added or taken away."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return ""
    day = f"{found.day} {found:%b %Y}"
    if len(text) <= 10:
        return day
    zone = "" if found.tzinfo is None else " UTC" if not found.utcoffset() else f" UTC{found:%z}"
    return f"{day}, {found:%H:%M:%S}{zone}"


def _card(place: Place, address: str, change: str, room: Room) -> Card:
    title = title_of(place)
    if place.kind == "string":
        return _text_card(place, title, change, room)
    if room.left <= 0 and address:
        return _tree_card(place, title, address, change, room)
    if is_conversation(place):
        return Card("conversation", title, place, conversation=conversation(place, room=room), change=change)
    if is_plot(place):
        return Card("plot", title, place, plot(place), size=counted(place), change=change)
    if items := _short_texts(place):
        html = _made(f'<ul class="plain-list">{"".join(items)}</ul>')
        room.left -= len(html)
        return Card("list", title, place, html, size=counted(place), change=change)
    if files := list(_files(place, room)):
        return Card("files", title, place, files=files, size=counted(place), change=change)
    if members := _short_members(place):
        rows = [(title_of(one), short_html(one), "") for one in members]
        room.left -= sum(len(name) + len(value) for name, value, _ in rows)
        return Card("values", title, place, rows=rows, size=counted(place), change=change)
    if is_table(place):
        made = table(place, rows=TABLE_ROWS)
        room.left -= sum(len(cell) for _, row in made.rows for cell in row) + 40 * len(made.rows) * len(made.columns)
        return Card("table", title, place, table=made, size=counted(place), change=change)
    return _tree_card(place, title, address, change, room)


def _short_texts(place: Place) -> list[str]:
    """The items of a list of a few short texts; nothing for any other value."""
    items = place.children(0, LIST_ITEMS + 1) if place.kind == "list" else []
    if len(items) > LIST_ITEMS or not all(one.kind == "string" and one.length > 2 and _is_short(one) for one in items):
        return []
    return [f'<li dir="auto">{short_html(one)}</li>' for one in items]


def _short_members(place: Place) -> list[Place]:
    """The members of an object of a few short values; nothing for any other value."""
    members = place.children(0, LIST_ITEMS + 1) if place.kind == "object" else []
    return members if len(members) <= LIST_ITEMS and all(map(_is_short, members)) else []


def _tree_card(place: Place, title: SafeString, address: str, change: str, room: Room) -> Card:
    nodes = 150 if room.left > 0 else 1
    html = Tree(address, nodes=nodes).html(place, label=str(title), open_depth=2 if room.left > 0 else 1)
    room.left -= len(html)
    return Card("tree", title, place, html, size=counted(place) if place.is_container else "", change=change)


def _text_card(place: Place, title: SafeString, change: str, room: Room) -> Card:
    media = media_of_text(place)
    if media is not None:
        return Card("media", title, place, media=media, change=change)
    text, hidden = room.take(place, TEXT_CHARS)
    size = f"{place.size:,} characters"
    if looks_like_markdown(text):
        raw = seen_html(text) if len(text) <= room.left else SafeString("")
        room.left -= len(raw)
        return Card("markdown", title, place, markdown(text), raw, hidden, size, change=change)
    return Card("text", title, place, seen_html(text), hidden=hidden, size=size, change=change)


def _files(place: Place, room: Room) -> Iterator[File]:
    """The files of a mapping from paths to texts, or to objects with a `content`; nothing for any other value."""
    if place.kind != "object":
        return
    members = place.children(0, FILES + 1)
    if not members or not all(_FILE.match(str(one.key)[:300]) for one in members):
        return
    bodies = [_file_body(one) for one in members]
    if any(body is None for body in bodies):
        return
    for member, body in zip(members[:FILES], bodies, strict=False):
        assert body is not None
        text, hidden = room.take(body, FILE_CHARS) if body.kind == "string" else (_lines(body), 0)
        yield File(seen_html(cut(str(member.key), 200)), body, seen_html(text), hidden, len(text) + hidden)


def _file_body(place: Place) -> Place | None:
    if place.kind == "string":
        return place
    body = place.child("content") if place.kind == "object" else None
    if body is None or body.kind not in ("string", "list"):
        return None
    is_lines = body.kind == "list" and all(line.kind == "string" for line in body.children(0, 50))
    return body if body.kind == "string" or is_lines else None


def _lines(place: Place) -> str:
    """A file kept as a list of lines."""
    return "\n".join(line.text(500) for line in place.children(0, 200))[:FILE_CHARS]


def _made(html: str) -> SafeString:
    return mark_safe(html)  # noqa: S308 - every text in it went through escape()
