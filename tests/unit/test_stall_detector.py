"""A worker that was frozen knows it, whichever task runs first."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.worker import stall_detector


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(stall_detector, "lease_clock", lambda: now[0])
    return now


async def test_what_was_before_the_first_beat_is_no_gap(clock: list[float]) -> None:
    own = stall_detector.StallDetector()
    clock[0] += 23.0
    assert own.recent_stall_s() == 23.0
    clock[0] += 7.0

    beating = asyncio.create_task(own.run())
    await asyncio.sleep(0)

    assert own.recent_stall_s() == 0.0
    beating.cancel()


def test_a_gap_between_two_beats_is_remembered_for_a_while(clock: list[float]) -> None:
    own = stall_detector.StallDetector()
    clock[0] += 1.0
    assert own.recent_stall_s() == 0.0

    clock[0] += 23.0
    assert own.recent_stall_s() == 23.0
    clock[0] += 1.0
    assert own.recent_stall_s() == 23.0
    for _ in range(int(stall_detector.REMEMBERED_S)):
        clock[0] += 1.0
        own.recent_stall_s()

    assert own.recent_stall_s() == 0.0
