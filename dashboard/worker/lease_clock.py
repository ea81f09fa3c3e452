"""The clock by which a worker trusts its leases."""

from __future__ import annotations

import time


def lease_clock() -> float:
    """Seconds, by a clock that goes on while the machine sleeps: a laptop that wakes knows that its leases are gone."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
