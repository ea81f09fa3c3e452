"""Lays out steps on a time axis: where each bar begins and how long it is, in per cent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from dashboard.runs.models import Run
from dashboard.steps.models import Step, StepLog

LEAST_PERCENT: Final = 0.6
EASY_S: Final = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0),
    *(60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0),
)
"""Lengths of time between two marks of the axis."""
DAY_S: Final = 86_400.0
MARKS: Final = 5
"""The most marks on an axis."""


@dataclass(frozen=True)
class Bar:
    """A stretch of the axis, in per cent of its length, as SVG takes it."""

    x: str
    width: str

    @classmethod
    def between(cls, start: float, end: float, whole: float) -> Bar:
        x = min(100.0 - LEAST_PERCENT, max(0.0, 100 * start / whole))
        return cls(f"{x:.2f}%", f"{max(LEAST_PERCENT, min(100.0 - x, 100 * (end - start) / whole)):.2f}%")


@dataclass(frozen=True)
class Row:
    """A step as the page shows it."""

    step: Step
    bar: Bar | None

    @property
    def depth(self) -> int:
        return min(len(self.step.path), 5)


@dataclass(frozen=True)
class Axis:
    """The time that the bars show: from the launch to the end of the run, or to now.

    `here_s` passed before the server had the run, `there_s` on the server before its first step. `is_growing`: it ends
    now, so it has no marks: they would be wrong a moment later.
    """

    start: datetime
    whole_s: float
    here_s: float
    there_s: float
    is_growing: bool = False

    @property
    def here(self) -> Bar | None:
        return Bar.between(0, self.here_s, self.whole_s) if self.here_s >= 0.05 else None

    @property
    def there(self) -> Bar | None:
        return Bar.between(self.here_s, self.here_s + self.there_s, self.whole_s) if self.there_s >= 0.05 else None

    @property
    def waited_s(self) -> float:
        return self.here_s + self.there_s

    @property
    def ticks(self) -> list[tuple[str, str]]:
        """Where the axis has its marks, and how much time has passed there, in whole units."""
        if self.is_growing:
            return []
        apart = next((easy for easy in EASY_S if self.whole_s / easy <= MARKS), 0.0)
        apart = apart or DAY_S * math.ceil(self.whole_s / DAY_S / MARKS)
        times = [apart * number for number in range(1, int(self.whole_s / apart) + 1)]
        return [(f"{100 * at / self.whole_s:.2f}%", _whole(at)) for at in times]

    def row(self, step: Step) -> Row:
        if step.started_at is None:
            return Row(step, None)
        begin = (step.started_at - self.start).total_seconds()
        end = (step.finished_at - self.start).total_seconds() if step.finished_at else self.whole_s
        return Row(step, Bar.between(begin, max(begin, end), self.whole_s))


def axis_of(run: Run, log: StepLog | None, steps: Sequence[Step], *, now: datetime) -> Axis | None:
    """The axis for these steps; None when none of them has a time.

    Steps have the server's times, the wait before has ours: only durations are comparable.
    """
    times = [step.started_at for step in steps if step.started_at]
    if not times:
        return None
    first = min(times)
    begun_at = run.started_at or run.created_at
    here_s = max(0.0, (begun_at - run.created_at).total_seconds())
    there_s = log.server_wait_s if log is not None and log.server_wait_s is not None else 0.0
    start = first - timedelta(seconds=here_s + there_s)
    ends = [step.finished_at for step in steps if step.finished_at] or [first]
    whole_s = (max(ends) - start).total_seconds()
    if not run.is_terminal or any(step.finished_at is None for step in steps):
        whole_s = max(whole_s, ((run.finished_at or now) - run.created_at).total_seconds())
    return Axis(start, max(whole_s, 0.01), here_s, there_s, is_growing=run.finished_at is None)


def _whole(seconds: float) -> str:
    """A time of the axis: "0.5 s", "20 s", "1 m 30 s", "2 h", "3 d"."""
    for unit, length, smaller, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "m", 60), ("m", 60, "s", 1)):
        if seconds >= length:
            more = int(seconds % length) // part
            return f"{int(seconds) // length} {unit}" + (f" {more:02} {smaller}" if more else "")
    return f"{seconds:.4g} s"
