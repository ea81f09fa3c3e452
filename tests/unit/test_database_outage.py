"""How long workers are not called silent after an outage of the database."""

from __future__ import annotations

import pytest

from dashboard.monitoring import database_outage as module
from dashboard.monitoring.database_outage import GAP_S, GRACE_S, OutageTracker


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "lease_clock", clock)
    return clock


def test_while_the_database_answers_silence_is_silence(clock: Clock) -> None:
    reach = OutageTracker()
    for _ in range(5):
        assert reach.grace_s() == 0
        reach.answered()
        clock.now += 3


def test_an_outage_does_not_count_as_silence_until_workers_had_the_time_to_report(clock: Clock) -> None:
    reach = OutageTracker()
    reach.answered()
    clock.now += 46
    assert reach.grace_s() == 46, "not known to be back: this question may be the first that is answered"
    reach.answered()

    assert reach.grace_s() == 46
    for _ in range(3):
        clock.now += GRACE_S / 3 - 0.1
        reach.answered()
    assert reach.grace_s() > 46 + GRACE_S - 1
    clock.now += 1
    assert reach.grace_s() == 0


def test_two_outages_without_the_time_to_report_in_between_are_one(clock: Clock) -> None:
    reach = OutageTracker()
    reach.answered()
    clock.now += 30
    reach.answered()
    clock.now += 30
    reach.answered()

    assert reach.grace_s() == 60


def test_a_process_that_has_just_started_knows_of_no_outage(clock: Clock) -> None:
    reach = OutageTracker()
    clock.now += 60
    reach.answered()

    assert reach.grace_s() == 0
    clock.now += GAP_S - 1
    assert reach.grace_s() == 0


def test_a_process_that_no_longer_asks_knows_of_no_outage(clock: Clock) -> None:
    reach = OutageTracker()
    reach.answered()
    reach.forget()
    clock.now += 60

    assert reach.grace_s() == 0
