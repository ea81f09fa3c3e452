"""Messages repeated during an outage are written once a minute, everything else at once."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest

from dashboard.logs import POOL_LOGGER, Throttle

BEGAN = time.mktime((2026, 11, 26, 3, 10, 12, 0, 0, -1))
AWAY = "the database is away, trying again in %.1f s: %s"


class Log:
    """Which messages are written, second by second."""

    def __init__(self) -> None:
        self._filter = Throttle()

    def write(
        self, second: float, message: str, *args: object, exc_info: Any = None, name: str = "worker"
    ) -> str | None:
        record = logging.LogRecord(name, logging.WARNING, "", 0, message, args, exc_info)
        record.throttled = message == AWAY
        record.created = BEGAN + second
        return record.getMessage() if self._filter.filter(record) else None


@pytest.fixture
def log() -> Log:
    return Log()


def test_what_is_said_again_and_again_is_written_once_a_minute_with_how_often(log: Log) -> None:
    assert log.write(0, AWAY, 0.1, "refused") == "the database is away, trying again in 0.1 s: refused"
    assert [log.write(second, AWAY, 1.0, "refused") for second in range(1, 60)] == [None] * 59
    line = log.write(60, AWAY, 1.0, "refused")
    assert line == "the database is away, trying again in 1.0 s: refused (59 more like it since 03:10:12)"
    assert log.write(61, AWAY, 1.0, "refused") is None


def test_what_was_not_said_meanwhile_is_written_as_it_is(log: Log) -> None:
    log.write(0, AWAY, 0.1, "refused")

    assert log.write(90_000, AWAY, 0.1, "refused") == "the database is away, trying again in 0.1 s: refused"


def test_another_cause_is_written_at_once(log: Log) -> None:
    log.write(0, AWAY, 0.1, "refused")

    assert log.write(1, AWAY, 1.0, "100 % of connections are in use") is not None
    assert log.write(2, AWAY, 1.0, "refused") is None


def test_everything_else_is_written_every_time(log: Log) -> None:
    dropped = "an outcome on disk cannot be read and is dropped: %s"
    error = ValueError("x")

    assert [log.write(0, dropped, "a.bin") is None for _ in range(3)] == [False] * 3
    traced = [log.write(0, AWAY, 0.1, "refused", exc_info=(ValueError, error, None)) for _ in range(3)]
    assert None not in traced


def test_the_causes_that_are_remembered_are_bounded(log: Log) -> None:
    for number in range(1000):
        log.write(0, AWAY, 0.1, f"connection {number} is closed")

    assert len(log._filter._last) <= Throttle.KINDS


def test_the_pool_of_psycopg_is_throttled_too(log: Log) -> None:
    import psycopg_pool.pool

    assert psycopg_pool.pool.logger.name == POOL_LOGGER
    lines = [log.write(0, "error connecting in %r: %s", "pool", "refused", name=POOL_LOGGER) for _ in range(2)]
    assert lines[1] is None


def test_the_log_is_held_to_it() -> None:
    (handler,) = [each for each in logging.getLogger().handlers if type(each) is logging.StreamHandler]

    assert Throttle in [type(each) for each in handler.filters]
