"""Wrap templates at 120 columns, which djade does not: `python -m tests.style.wrap_templates [--check] FOLDER`.

A line is broken where white space means nothing in the page: next to the tags of blocks, between the attributes of a
tag, and at the spaces of text that flows. `{% ... %}`, `{{ ... }}` and the value of an attribute stay in one line; so
does what keeps its spaces, which are `<pre>`, `<textarea>`, titles, and elements whose class says `white-space: pre`.
Of all ways to break a line the one is taken that tears apart least.
"""

from __future__ import annotations

import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from tests.style.template_breaks import Break, breaks_in

COLUMNS = 120
STEP = 2
TOO_LONG, SHORT = 10_000, 8
"""What it costs when a part is still too long, and when there is almost nothing in one."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """A line broken up to one of its places, the cheapest way: where each part begins, and how far it is indented."""

    cost: float
    parts: tuple[tuple[int, int], ...]

    def indent_at(self, place: Break) -> int:
        """How far what follows the place is indented: one step further than where what is open here began."""
        first_at, first_indent = self.parts[0]
        if place.opened_at is None or place.opened_at < first_at:
            return first_indent
        opened = next(indent for at, indent in reversed(self.parts) if at <= place.opened_at)
        return opened if place.is_closing else opened + STEP


def wrapped(text: str) -> str:
    """The template with every line broken that is too long and has places to break."""
    breaks = breaks_in(text)
    lines = []
    for match in re.finditer(r"([^\S\n]*)(.*)\n?", text):
        start, end = match.start(2), match.end(2)
        if end - match.start() <= COLUMNS:
            lines.append(match.group())
            continue
        if match[2].startswith("{#") and match[2].count("{#") == 1 and match[2].endswith("#}"):
            lines += [f"{match[1]}{{# {part} #}}\n" for part in _comment(match[2][2:-2].strip(), match[1])]
            continue
        inside = [each for each in breaks if start < each.end and each.start < end]
        parts = _broken(start, end, len(match[1]), inside)
        ends = [next(each.end for each in inside if each.start == at) for at, _ in parts[1:]] + [end]
        lines += [" " * indent + text[at:until] + "\n" for (at, indent), until in zip(parts, ends, strict=True)]
    return "".join(lines)


def _comment(text: str, indent: str) -> list[str]:
    """The text of a comment in as many as it takes: what the template needs stands in one of its own."""
    what, needs, names = text.partition(" Needs: ")
    parts = [what, f"Needs: {names}"] if needs else [what]
    return [line for part in parts for line in textwrap.wrap(part, COLUMNS - len(indent) - len("{#  #}"))]


def _broken(start: int, end: int, indent: int, breaks: list[Break]) -> tuple[tuple[int, int], ...]:
    """Where each part of the line from start to end begins, and how far it is indented."""
    found = [_Lines(0, ((start, indent),))]
    for place in breaks:
        before = min((_up_to(lines, place.end) for lines in found), key=lambda lines: lines.cost)
        found.append(_Lines(before.cost + place.cost, (*before.parts, (place.start, before.indent_at(place)))))
    return min((_up_to(lines, end, is_last=True) for lines in found), key=lambda lines: lines.cost).parts


def _up_to(lines: _Lines, end: int, *, is_last: bool = False) -> _Lines:
    """The lines with the last part going on up to the end; dearer by what it is too long, a little by what it lacks."""
    at, indent = lines.parts[-1]
    free = COLUMNS - indent - (end - at)
    cost = TOO_LONG - free if free < 0 else 0 if is_last else SHORT * free / COLUMNS
    return _Lines(lines.cost + cost, lines.parts)


def main(arguments: list[str]) -> int:
    """Wrap every template below the folder; with --check only say which would change. 1 when a line is too long."""
    is_check = "--check" in arguments
    problems = []
    for path in sorted(Path(arguments[-1]).rglob("*.html")):
        before = path.read_text()
        after = wrapped(before)
        if after != before and not is_check:
            path.write_text(after)
        shown = before if is_check else after
        long = [number for number, line in enumerate(shown.splitlines(), 1) if len(line) > COLUMNS]
        problems += [f"{path}:{number}: line too long" for number in long]
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
