"""The time axis of steps."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dashboard.steps.layout import Axis


@pytest.mark.parametrize(
    ("whole_s", "marks"),
    [
        (0.03, "0.01 s 0.02 s 0.03 s"),
        (0.7, "0.2 s 0.4 s 0.6 s"),
        (3.5, "1 s 2 s 3 s"),
        (37, "10 s 20 s 30 s"),
        (130, "30 s 1 m 1 m 30 s 2 m"),
        (200, "1 m 2 m 3 m"),
        (5_000, "20 m 40 m 1 h 1 h 20 m"),
        (700_000, "2 d 4 d 6 d 8 d"),
    ],
)
def test_it_is_marked_in_whole_units(whole_s: float, marks: str) -> None:
    axis = Axis(datetime(2026, 1, 1, tzinfo=UTC), whole_s, 0.0, 0.0)

    assert " ".join(text for _, text in axis.ticks) == marks
