"""A run as Markdown, for a ticket or a mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dashboard.runs.models import Run
from dashboard.runs.selectors import run_result
from dashboard.runs.state import cache
from dashboard.runs.state.document import Place
from dashboard.runs.state.markdown import looks_like_markdown
from dashboard.runs.state.messages import Turn, conversation, is_conversation
from dashboard.runs.state.seen import cut, seen

TEXT_CHARS: Final = 20_000
KEYS: Final = 100


def run_report(run: Run, *, url: str) -> str:
    """The run's status, error, conversation and values as Markdown."""
    return "\n\n".join(part for part in _parts(run, url) if part) + "\n"


def _parts(run: Run, url: str) -> Iterator[str]:
    yield f"# {seen(run.title)}"
    when = f", {run.finished_at:%Y-%m-%d %H:%M} UTC" if run.finished_at else ""
    yield f"**{run.get_status_display()}**{when} · {seen(run.assistant_id)} on {seen(run.server.name)} · <{url}>"
    if run.has_error:
        where = f" in node {run.error_node}" if run.error_node else ""
        yield f"## {seen(run.error_type or 'Error')}{seen(where)}"
        yield _fenced(run.error_message)
    found = run_result(run)
    if found is None or found.size_bytes > cache.OPEN_MAX_BYTES:
        return
    try:
        root = cache.document_of(found).root
    except ValueError:
        return
    yield from _state(root)


def _state(root: Place) -> Iterator[str]:
    if root.kind != "object":
        yield _value(root)
        return
    for place in root.children(0, KEYS):
        yield f"## {seen(cut(str(place.key), 200))}"
        if is_conversation(place):
            for turn in conversation(place).turns:
                yield from _turn(turn, place)
        else:
            yield _value(place)


def _turn(turn: Turn, messages: Place) -> Iterator[str]:
    yield f"**{seen(turn.role)}**" + (f" ({seen(turn.name)})" if turn.name else "")
    for block in turn.blocks:
        if block.place is not None:
            yield _value(block.place) if block.kind != "markdown" else seen(block.place.text(TEXT_CHARS))
    for call in turn.calls:
        yield f"Calls `{seen(call.name)}`"
        if call.arguments is not None:
            yield _value(call.arguments)


def _value(place: Place) -> str:
    text = place.text(TEXT_CHARS)
    more = (
        "\n\n*(cut here)*" if place.length > len(text.encode("utf-8", "replace")) + 2 and place.size > len(text) else ""
    )
    if place.kind == "string":
        is_plain = looks_like_markdown(text) or ("\n" not in text and len(text) < 200)
        return (seen(text) if is_plain else _fenced(text)) + more
    return _fenced(text, "json") + more


def _fenced(text: str, language: str = "") -> str:
    """A fence longer than any in the text."""
    longest = max((len(found) for found in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{seen(text)}\n{fence}"
