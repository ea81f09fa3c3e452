"""What is said over and over while an outage lasts is said once in a while."""

from __future__ import annotations

import logging

import pytest

from dashboard.logs import NotEveryTime


def said(every: NotEveryTime, message: str, *args: object, name: str = "pool") -> str | None:
    """What is written of it; None when nothing is."""
    record = logging.LogRecord(name, logging.WARNING, "", 0, message, args, None)
    return record.getMessage() if every.filter(record) else None


def test_what_is_said_again_and_again_is_written_once_in_a_while_with_how_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr("dashboard.logs.time.monotonic", lambda: now)
    every = NotEveryTime()

    assert said(every, "cannot connect: %s", "refused") == "cannot connect: refused"
    for seconds in range(1, 60):
        now = 1000.0 + seconds
        assert said(every, "cannot connect: %s", seconds) is None
    now = 1060.0
    assert said(every, "cannot connect: %s", "100 % gone") == "cannot connect: 100 % gone (and 59 times like it before)"
    now = 1061.0
    assert said(every, "cannot connect: %s", "refused") is None


def test_what_was_not_said_for_long_is_written_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("dashboard.logs.time.monotonic", lambda: now)
    every = NotEveryTime()
    said(every, "cannot connect")

    now = 2000.0

    assert said(every, "cannot connect") == "cannot connect"


def test_other_news_and_other_loggers_are_written_at_once() -> None:
    every = NotEveryTime()
    said(every, "cannot connect")

    assert said(every, "connected again") == "connected again"
    assert said(every, "cannot connect", name="another") == "cannot connect"


def test_traces_are_always_written() -> None:
    every = NotEveryTime()
    record = logging.LogRecord("pool", logging.ERROR, "", 0, "it broke", (), (ValueError, ValueError("x"), None))

    assert [every.filter(record) for _ in range(3)] == [True, True, True]


@pytest.mark.parametrize("name", ["psycopg.pool", "dashboard.runs.notifications", "dashboard.worker.database"])
def test_those_that_try_every_second_are_held_to_it(name: str) -> None:
    assert [type(each) for each in logging.getLogger(name).filters] == [NotEveryTime]
