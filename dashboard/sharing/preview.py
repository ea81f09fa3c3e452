"""A preview of a link for its maker: the same documents by the same code, with hidden text marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dashboard.runs.models import Run
from dashboard.runs.state.document import Document
from dashboard.runs.state.json_values import read_json
from dashboard.runs.state.seen import cut, seen
from dashboard.sharing.models import ShareLink
from dashboard.sharing.parts import Part, parts_shown
from dashboard.sharing.redaction.kinds import KINDS
from dashboard.sharing.redaction.rules import Redactor, dump
from dashboard.sharing.shown import INPUT, READ_MAX_BYTES, TOO_LARGE, UNREADABLE, SharedRun

LINES: Final = 60
KEYS: Final = 16
AROUND: Final = 1
LINE_CHARS: Final = 160
_FIRST, _LAST = 0xF0000, 0xFFFFD
"""Characters of a private use area stand for hidden text until it becomes HTML."""


@dataclass
class Marks:
    """The hidden texts, in the order of their discovery."""

    found: list[tuple[str, str]] = field(default_factory=list)

    def hide(self, kind: str, text: str) -> str:
        if len(self.found) > _LAST - _FIRST:
            return "[hidden]"
        self.found.append((kind, text))
        return chr(_FIRST + len(self.found) - 1)

    def original(self, char: str) -> tuple[str, str] | None:
        """The kind and the text behind a mark; None for an ordinary character."""
        number = ord(char) - _FIRST
        if not 0 <= number < len(self.found):
            return None
        kind, text = self.found[number]
        return kind, "".join((self.original(one) or ("", one))[1] for one in text)


@dataclass(frozen=True)
class Preview:
    """What a link would show.

    Attributes:
        parts: Which parts.
        sections: A heading and its text, with hidden text marked.
        counts: How many places are hidden, by kind; "" for those given by place or pattern.
        keys: The first keys of the final state, to hide with a checkbox: pointer, name, and whether they are hidden.
    """

    parts: list[Part]
    sections: list[tuple[str, SafeString]]
    counts: dict[str, int]
    keys: list[tuple[str, str, bool]]

    @property
    def sentence(self) -> str:
        """How much is hidden, in words."""
        labels = {name: kind.label.lower() for name, kind in KINDS.items()}
        said = [f"{labels.get(kind, 'your places and patterns')} ({count})" for kind, count in self.counts.items()]
        return ", ".join(said)


def preview_of(run: Run, shown: dict[str, Any]) -> Preview:
    """What a link with these columns would show of a run."""
    return preview_of_runs([run], shown)


def preview_of_runs(runs: list[Run], shown: dict[str, Any]) -> Preview:
    """The same of runs that one link shows."""
    link = ShareLink(id=None, **shown)
    marks = Marks()
    shared = [SharedRun(link, run, redactor=Redactor(link.rules, marks.hide)) for run in runs]
    for one in shared:
        one.learn_also(text for other in shared for text in other.learned)
    texts = [
        (f"{heading} · {run.title}" if len(shared) > 1 else heading, text)
        for run, one in zip(runs, shared, strict=True)
        for heading, text in _texts(link, one)
    ]
    used = Counter(found[0] for _, text in texts for char in text if (found := marks.original(char)) is not None)
    sections = [(heading, _html(text, marks)) for heading, text in texts]
    keys = list(_keys(link, shared[0])) if shared else []
    return Preview(parts_shown(link.show), sections, dict(used), keys)


def _keys(link: ShareLink, shared: SharedRun) -> Iterator[tuple[str, str, bool]]:
    found = shared.stored
    if found is None or not shared.shows_state or found.size_bytes > READ_MAX_BYTES:
        return
    with suppress(ValueError, RecursionError):
        root = Document(found.body).root
        for place in root.children(0, KEYS) if root.kind == "object" else ():
            if ("messages" if place.key == "messages" else "result") in link.show:
                yield place.pointer, seen(cut(str(place.key), 40)), place.pointer in link.redact


def _texts(link: ShareLink, shared: SharedRun) -> Iterator[tuple[str, str]]:
    shown = shared.run()
    yield "Name", shown.title
    if shown.error_message or shown.error_type:
        yield "Error", f"{shown.error_type}: {shown.error_message}"
    if (text := _state(shared)) is not None:
        yield "Final state", text
    if "steps" in link.show:
        for node, writes in shared.written_by():
            yield f"Step {node}", _dump(writes)
    if "input" in link.show:
        for name, value in shared.sent(INPUT):
            yield name.capitalize(), _dump(value)
    if "parameters" in link.show:
        for name, value in shared.sent(shared.other_names):
            yield name, _dump(value)


def _state(shared: SharedRun) -> str | None:
    found = shared.stored
    if found is None or not shared.shows_state:
        return None
    if found.size_bytes > READ_MAX_BYTES:
        return "It is too large for a preview; the page shows all of it." if shared.link.is_whole else TOO_LARGE
    try:
        return _dump(shared.of_state(read_json(found.body)))
    except (ValueError, RecursionError):
        return "It is not JSON; the page shows it as it is." if shared.link.is_whole else UNREADABLE


def _dump(value: Any) -> str:
    return dump(value, indent=2, ascii_only=False)


def _html(text: str, marks: Marks) -> SafeString:
    """The first lines, and every line with something hidden and those around it."""
    lines = text.split("\n")
    marked = [number for number, line in enumerate(lines) if any(marks.original(char) for char in line)]
    near = {number + step for number in marked[:LINES] for step in range(-AROUND, AROUND + 1)}
    kept = [number for number in range(len(lines)) if number < LINES // 2 or number in near]
    rows: list[SafeString] = []
    for at, number in enumerate(kept):
        if at and kept[at - 1] != number - 1:
            rows.append(SafeString("…"))
        rows.append(_line(lines[number], marks))
    if kept[-1] < len(lines) - 1:
        rows.append(format_html("… {} more lines", len(lines) - 1 - kept[-1]))
    return format_html_join("\n", "{}", ((row,) for row in rows))


def _line(line: str, marks: Marks) -> SafeString:
    pieces: list[SafeString] = []
    plain = ""
    for char in line:
        found = marks.original(char)
        if found is None:
            plain += char
            continue
        pieces.append(_plain(plain))
        label = f"{found[0]} hidden" if found[0] else "hidden"
        pieces.append(format_html('<mark title="{}"><del>{}</del></mark>', label, seen(cut(found[1], 80))))
        plain = ""
    pieces.append(_plain(plain))
    return format_html_join("", "{}", ((piece,) for piece in pieces))


def _plain(text: str) -> SafeString:
    return format_html("{}", seen(cut(text, LINE_CHARS)))
