"""Matching runs divided by how long they took, so that the longest of many are found without reading them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from dashboard.history.conditions import DURATION_CLASS, Condition

SHORTEST: Final = -19
LONGEST: Final = 64
"""The classes of everything up to a hundredth of a second, and from 10,000,000 seconds."""


def duration_windows(sample: Sequence[int], *, longest_first: bool) -> Iterator[Condition]:
    """Conditions that together hold every ended run, those that took the longest (or shortest) first; each holds more.

    Args:
        sample: The classes of some matching runs, the longest (or shortest) first. The first condition holds about as
            many of all that match as there are for each run of the sample.
    """
    first, last = SHORTEST, LONGEST
    for edge in (*sample[:1], *sample[7:8], *sample[63:64]):
        if longest_first and edge <= last:
            yield _between(edge, last)
            last = edge - 1
        elif not longest_first and edge >= first:
            yield _between(first, edge)
            first = edge + 1
    yield _between(first, last)


def _between(first: int, last: int) -> Condition:
    return Condition(
        f"{DURATION_CLASS} BETWEEN %s AND %s", (first, last), tuple(f"d{one}" for one in range(first, last + 1))
    )
