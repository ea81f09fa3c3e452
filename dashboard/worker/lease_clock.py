"""The clock by which a worker trusts its leases."""

from __future__ import annotations

import time


def lease_clock() -> float:
    """Seconds, by a clock that goes on while the machine sleeps: a laptop that wakes has lost its leases, and knows."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
