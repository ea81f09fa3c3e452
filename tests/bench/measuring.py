"""The tools of benches: the clock, the usage of processes, percentiles, and the table of results."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

FULL = os.environ.get("BENCH_FULL") == "1"
HOLD_S = float(os.environ.get("BENCH_HOLD_S") or (60 if FULL else 10))
HISTORY = int(os.environ.get("BENCH_HISTORY") or (1_000_000 if FULL else 50_000))

clock = time.monotonic
"""Seconds. Linux's CLOCK_MONOTONIC, so times taken in different processes can be compared."""

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
HEADS = ("", "measured", "baseline", "ratio", "wanted", "")


def eventually(condition: Callable[[], object], what: str, *, within_s: float = 60.0, every_s: float = 0.02) -> float:
    """Wait until `condition` holds; gives the seconds that took. Too late is a wrong result, and fails."""
    start = clock()
    while not condition():
        assert clock() - start < within_s, f"{what}: not within {within_s:g} s"
        time.sleep(every_s)
    return clock() - start


def times_of(call: Callable[[], object], count: int) -> list[float]:
    """How long each of `count` calls takes, in seconds, after one that does not count."""
    call()
    found = []
    for _ in range(count):
        start = clock()
        call()
        found.append(clock() - start)
    return found


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


@dataclass(frozen=True)
class Usage:
    """What one process has used so far (`cpu_s`), and holds right now (`memory_mb`, resident)."""

    cpu_s: float
    memory_mb: float
    at: float

    def cpu_percent_since(self, earlier: Usage) -> float:
        """Share of one core between two readings, in percent."""
        return (self.cpu_s - earlier.cpu_s) / (self.at - earlier.at) * 100


def usage_of(*pids: int) -> Usage:
    """The usage of processes, added up; one that has ended meanwhile counts as nothing."""
    cpu_s = memory_mb = 0.0
    for pid in pids:
        try:
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        cpu_s += (int(words[11]) + int(words[12])) * _TICK_S
        memory_mb += int(words[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return Usage(cpu_s, memory_mb, clock())


def children_of(pid: int) -> list[int]:
    """The processes that `pid` started itself and that still run."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@dataclass
class Table:
    """The figures of one bench. Units: "s", "ms", "MB", "%", "/s", or "" for a plain number."""

    title: str
    lines: list[tuple[str, ...]] = field(default_factory=list)

    def ratio(
        self,
        what: str,
        value: float,
        baseline: float,
        unit: str,
        *,
        than: str,
        at_most: float | None = None,
        below: float | None = None,
    ) -> None:
        """A figure with its baseline, which `than` names. The goal: a ratio of `at_most`, a value `below`, or both."""
        found = value / baseline if baseline else float("inf")
        parts = [f"under {below:g} {unit}"] if below is not None else []
        parts += [f"at most {at_most:g}x"] if at_most is not None else []
        is_met = (below is None or value < below) and (at_most is None or found <= at_most)
        wanted, verdict = ", ".join(parts), _verdict(is_met) if parts else ""
        shown = f"{_number(baseline)} {unit} ({than})"
        self.lines.append((what, f"{_number(value)} {unit}", shown, f"{_number(found)}x", wanted, verdict))

    def figure(self, what: str, value: float | str, unit: str = "", *, wanted: str = "", is_met: bool = True) -> None:
        """A figure that has no baseline of its own."""
        shown = value if isinstance(value, str) else f"{_number(value)} {unit}".strip()
        self.lines.append((what, shown, "", "", wanted, _verdict(is_met) if wanted else ""))

    def text(self) -> str:
        """The table as lines of text."""
        rows = [(self.title, *HEADS[1:]), *self.lines]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
        drawn = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([drawn[0], "-" * max(map(len, drawn)), *drawn[1:]])


tables: list[Table] = []
"""Every bench's, in the order they ran; printed at the end."""


@contextmanager
def table(title: str) -> Iterator[Table]:
    """A table that is printed at the end, also when the bench fails half-way."""
    made = Table(title)
    tables.append(made)
    began = clock()
    print(f"\n{title} ...", end="", flush=True)
    try:
        yield made
    finally:
        print(f" {clock() - began:.0f} s", flush=True)


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 1 else f"{value:.2g}"


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "NOT MET"
