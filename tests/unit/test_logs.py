"""What is said over and over while an outage lasts is said once in a while, and everything else at once."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from dashboard.logs import SAID_AGAIN_AND_AGAIN, NotEveryTime

BEGAN = time.mktime((2026, 11, 26, 3, 10, 12, 0, 0, -1))
AWAY = "the database is away, trying again in %.1f s: %s"


class Log:
    """What is written of what is said, second by second."""

    def __init__(self) -> None:
        self._filter = NotEveryTime()

    def write(self, second: float, message: str, *args: object, exc_info: Any = None) -> str | None:
        record = logging.LogRecord("worker", logging.WARNING, "", 0, message, args, exc_info)
        record.created = BEGAN + second
        return record.getMessage() if self._filter.filter(record) else None


@pytest.fixture
def log() -> Log:
    return Log()


def test_what_is_said_again_and_again_is_written_once_a_minute_with_how_often(log: Log) -> None:
    assert log.write(0, AWAY, 0.1, "refused") == "the database is away, trying again in 0.1 s: refused"
    assert [log.write(second, AWAY, 1.0, "refused") for second in range(1, 60)] == [None] * 59
    told = log.write(60, AWAY, 1.0, "refused")
    assert told == "the database is away, trying again in 1.0 s: refused (and 59 times like it since 03:10:12)"
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

    assert len(log._filter._said) <= NotEveryTime.KINDS


@pytest.mark.parametrize("begin", SAID_AGAIN_AND_AGAIN)
def test_what_is_held_back_is_said_somewhere(begin: str) -> None:
    """By Runboard, or by the pool of psycopg: else a sentence was changed in one place and not in the other."""
    import psycopg_pool.pool

    here = Path(__file__).parents[2] / "dashboard"
    sources = [path for path in here.rglob("*.py") if path.name != "logs.py"]
    assert any(f'"{begin}' in path.read_text() for path in (*sources, Path(psycopg_pool.pool.__file__)))


def test_the_log_is_held_to_it() -> None:
    (handler,) = [each for each in logging.getLogger().handlers if type(each) is logging.StreamHandler]

    assert NotEveryTime in [type(each) for each in handler.filters]
