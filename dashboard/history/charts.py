"""Charts as shapes, in the units of an SVG's viewBox, for templates to draw."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from dashboard.history.insights import GROUPS, Bucket

WIDTH: Final = 720
HEIGHT: Final = 160
LEFT: Final = 48
BOTTOM: Final = 24
TOP: Final = 8


@dataclass(frozen=True)
class Bar:
    """A stretch of time: one rectangle for each outcome, from below."""

    x: float
    width: float
    parts: list[tuple[str, float, float]]
    bucket: Bucket


@dataclass(frozen=True)
class Mark:
    """A label on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """Everything to be drawn."""

    bars: list[Bar]
    lines: dict[str, str]
    across: list[Mark]
    up: list[Mark]


def volume_chart(buckets: list[Bucket]) -> Chart:
    """Runs by outcome over time."""
    most = _round_up(max((bucket.total for bucket in buckets), default=0))
    slot = (WIDTH - LEFT) / max(1, len(buckets))
    bars = []
    for place, bucket in enumerate(buckets):
        parts, base = [], float(HEIGHT - BOTTOM)
        for group in GROUPS:
            height = bucket.counts[group] / most * (HEIGHT - BOTTOM - TOP)
            base -= height
            if height:
                parts.append((GROUPS[group][1], round(base, 1), round(height, 1)))
        bars.append(Bar(round(LEFT + place * slot + slot * 0.1, 1), round(slot * 0.8, 1), parts, bucket))
    up = [Mark(_y(value, most), f"{value:,}") for value in (0, most // 2, most)]
    return Chart(bars, {}, _across(buckets, slot), up)


def duration_chart(buckets: list[Bucket]) -> Chart:
    """Half of the runs, and all but one in twenty, took no longer than this."""
    most = _easy_seconds(max((bucket.p95_s or 0 for bucket in buckets), default=0))
    slot = (WIDTH - LEFT) / max(1, len(buckets))
    lines = {}
    for name in ("p50_s", "p95_s"):
        points = [
            (LEFT + (place + 0.5) * slot, _y(value, most))
            for place, bucket in enumerate(buckets)
            if (value := getattr(bucket, name)) is not None
        ]
        if len(points) == 1:  # as wide as a bar: a single point could hardly be seen
            ((x, y),) = points
            points = [(x - slot * 0.4, y), (x + slot * 0.4, y)]
        lines[name] = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Chart([], lines, _across(buckets, slot), [Mark(_y(v, most), _seconds(v)) for v in (0, most / 2, most)])


def _y(value: float, most: float) -> float:
    return round(HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - TOP), 1)


def _across(buckets: list[Bucket], slot: float) -> list[Mark]:
    every = max(1, -(-len(buckets) // 7))
    return [
        Mark(round(LEFT + (place + 0.5) * slot, 1), _when(bucket.start, bucket.end - bucket.start))
        for place, bucket in enumerate(buckets)
        if place % every == every // 2
    ]


def _when(moment: datetime, step: timedelta) -> str:
    return f"{moment:%H:%M}" if step < timedelta(hours=6) else f"{moment.day} {moment:%b}"


def _round_up(number: int) -> int:
    """The next number that is easy to read, and even."""
    if number < 4:
        return 4
    size = 10 ** (len(str(number)) - 1)
    return next(step * size // 2 * 2 for step in range(1, 12) if step * size >= number) or number


EASY_S: Final = (1, 2, 4, 10, 20, 40, 60, 120, 240, 600, 1_200, 3_600, 7_200, 14_400, 43_200, 86_400)
"""Durations that are easy to read, as are their halves."""


def _easy_seconds(most: float) -> float:
    day = EASY_S[-1]
    return next((float(easy) for easy in EASY_S if easy >= most), day * 2.0 * math.ceil(most / day / 2))


def _seconds(value: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g} s"
