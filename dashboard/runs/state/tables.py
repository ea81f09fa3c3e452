"""Lists of objects as tables, lists of numbers as a small plot."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from dashboard.runs.state.branches import counted
from dashboard.runs.state.document import Place
from dashboard.runs.state.seen import cut, seen_html

ROWS: Final = 100
COLUMNS: Final = 8
COLUMNS_MAX: Final = 30
"""How many columns can be chosen."""
OFFERED: Final = 100
SORT_MAX: Final = 10_000
"""A longer list keeps its order: sorting reads all of it."""
CELL_CHARS: Final = 120
SAMPLE: Final = 50
PLOT_POINTS: Final = 400
PLOT_MIN: Final = 5
PLOT_MAX: Final = 100_000
WIDTH: Final = 600
HEIGHT: Final = 80


@dataclass(frozen=True)
class Table:
    """A window of a list of objects."""

    place: Place
    columns: list[str]
    rows: list[tuple[Place, list[SafeString]]]
    start: int
    total: int
    hidden_columns: int = 0
    sort: str = ""
    can_sort: bool = True
    offered: list[str] = field(default_factory=list)
    """Columns that can be chosen."""
    chosen: list[str] = field(default_factory=list)
    """Columns that were chosen; empty: the usual ones are shown."""

    @property
    def next_start(self) -> int | None:
        end = self.start + len(self.rows)
        return end if end < self.total else None

    @property
    def next_rows(self) -> int:
        return min(ROWS, self.total - self.start - len(self.rows))

    @property
    def heads(self) -> list[tuple[SafeString, str, str]]:
        """Each column's title, what to sort by when it is clicked, and how it is sorted now, in ARIA's words."""
        return [(seen_html(cut(name, 60)), *self._sorting(name)) for name in self.columns]

    @property
    def choices(self) -> list[tuple[str, SafeString, bool]]:
        """Each column that can be chosen, as a value, as words, and whether it is shown."""
        shown = set(self.columns)
        return [(name, seen_html(cut(name, 60)), name in shown) for name in self.offered]

    def _sorting(self, name: str) -> tuple[str, str]:
        state = {name: "ascending", f"-{name}": "descending"}.get(self.sort, "")
        return (f"-{name}" if state == "ascending" else name), state


def is_table(place: Place) -> bool:
    """Whether a list holds objects alone, as far as its first items say, with keys in common."""
    if place.kind != "list" or place.length == 2:
        return False
    found = place.children(0, SAMPLE)
    if not found or any(one.kind != "object" or one.length == 2 for one in found):
        return False
    return bool(_columns(found)[0])


def table(place: Place, *, start: int = 0, rows: int = ROWS, sort: str = "", columns: Sequence[str] = ()) -> Table:
    """`rows` rows of the table from number `start` on, in the list's order or by a column (`-name`: descending).

    Args:
        columns: those to show; none: the usual ones.
    """
    usual, others = _columns(place.children(0, SAMPLE))
    names = usual + others
    total = place.size
    can_sort = total <= SORT_MAX
    if sort.removeprefix("-") in names and can_sort:
        found = _sorted(place, sort)[start : start + rows]
    else:
        sort, found = "", place.children(start, start + rows)
    chosen = [name for name in names if name in set(columns)]
    shown = chosen or usual[:COLUMNS]
    cells = [(row, [_cell(row.child(name)) for name in shown]) for row in found]
    hidden = len(names) - len(shown)
    return Table(place, shown, cells, start, total, hidden, sort, can_sort, names[:OFFERED], chosen)


def _columns(rows: Sequence[Place]) -> tuple[list[str], list[str]]:
    """Keys that at least half of the rows have, those that fit into a cell first; and all other keys."""
    counts: Counter[str] = Counter()
    wide: Counter[str] = Counter()
    for row in rows:
        for member in row.children(0, 100):
            name = str(member.key)
            if len(name) <= CELL_CHARS:
                counts[name] += 1
                wide[name] += member.is_container or member.length > CELL_CHARS
    usual = [name for name, count in counts.items() if count * 2 >= len(rows)]
    others = [name for name in counts if name not in set(usual)]
    return sorted(usual, key=lambda name: wide[name] * 2 > counts[name]), others


def _cell(place: Place | None) -> SafeString:
    if place is None:
        return SafeString("")
    if place.is_container:
        return SafeString(f'<span class="count">{counted(place)}</span>')
    text = place.text(CELL_CHARS + 1)
    return seen_html(cut(text, CELL_CHARS))


def _sorted(place: Place, sort: str) -> list[Place]:
    name = sort.removeprefix("-")
    keyed = [(_order(row.child(name)), row) for row in place.children()]
    keyed.sort(key=lambda one: one[0], reverse=sort.startswith("-"))
    return [row for _, row in keyed]


def _order(value: Place | None) -> tuple[int, float, str]:
    if value is None or value.kind == "null":
        return (3, 0.0, "")
    if value.kind == "number":
        return (0, as_float(value), "")
    return (1, 0.0, value.text(200).casefold())


def as_float(place: Place) -> float:
    """A number's value, near enough to draw or sort it."""
    try:
        return float(place.text(400))
    except ValueError:
        return 0.0


# Plots.


def is_plot(place: Place) -> bool:
    """Whether a list holds numbers alone, as far as its first items say, and enough of them to draw."""
    if place.kind != "list" or place.length < 2 * PLOT_MIN:
        return False
    found = place.children(0, SAMPLE)
    return len(found) >= PLOT_MIN and all(one.kind == "number" for one in found) and place.size <= PLOT_MAX


def plot(place: Place) -> SafeString:
    """The numbers as a line that keeps each stretch's least and greatest, with a description for screen readers."""
    values = [as_float(one) for one in place.children() if one.kind == "number"]
    values = [value for value in values if abs(value) < 1e300]
    if len(values) < 2:
        return SafeString("")
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    points = list(_thinned(values))
    step = WIDTH / max(1, len(values) - 1)
    line = " ".join(f"{at * step:.1f},{HEIGHT - (value - low) / span * HEIGHT:.1f}" for at, value in points)
    words = f"{len(values):,} numbers from {low:g} to {high:g}; the first is {values[0]:g}, the last {values[-1]:g}."
    svg = (
        f'<svg class="plot" viewBox="-2 -4 {WIDTH + 4} {HEIGHT + 8}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(words)}"><polyline points="{line}"></polyline></svg>'
        f'<p class="muted plot-words">{escape(words)}</p>'
    )
    return mark_safe(svg)  # noqa: S308 - numbers of ours, and words that went through escape()


def _thinned(values: Sequence[float]) -> Iterator[tuple[int, float]]:
    size = max(1, -(-len(values) // (PLOT_POINTS // 2)))
    if size == 1:
        yield from enumerate(values)
        return
    for start in range(0, len(values), size):
        part = list(enumerate(values[start : start + size], start))
        least, most = min(part, key=lambda one: one[1]), max(part, key=lambda one: one[1])
        yield from sorted({least, most})


# CSV.


def csv_rows(place: Place) -> Iterator[str]:
    """A list of objects as CSV, a line at a time; containers as JSON. Cells that a spreadsheet would run are quoted."""
    names: dict[str, None] = {}
    for row in place.children(0, 1_000):
        names.update((str(member.key), None) for member in row.children(0, 200))
    yield _csv_line(list(names))
    for row in place.children():
        members = {member.key: member for member in row.children(0, 1_000)}
        yield _csv_line([_csv_cell(members.get(name)) for name in names])


def _csv_cell(place: Place | None) -> str:
    if place is None or place.kind == "null":
        return ""
    text = place.text()
    return f"'{text}" if place.kind == "string" and text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _csv_line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().encode("utf-8", "replace").decode("utf-8")
