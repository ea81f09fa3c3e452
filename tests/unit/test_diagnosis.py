"""The diagnosis names each problem and what to do, from the state of the work alone."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.monitoring.diagnosis import diagnose
from dashboard.monitoring.selectors import WorkerStatus, WorkState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WORKER = WorkerStatus(
    id=uuid.UUID(int=1),
    host="box",
    pid=1,
    state="working",
    started_at=NOW,
    heartbeat_at=NOW,
    stopped_at=None,
    held=0,
    concurrency=5,
    had_room=True,
    has_settled=True,
)


def work(**changes: Any) -> WorkState:
    """All is well, but for `changes`."""
    well: dict[str, Any] = {
        "workers": (WORKER,),
        "waiting": 0,
        "waiting_since": None,
        "retrying": 0,
        "next_try_at": None,
        "retrying_since": None,
        "orphaned": 0,
        "disconnected": 0,
        "unanswered": 0,
        "is_stuck": False,
    }
    return WorkState(at=NOW, **{**well, **changes})


@pytest.mark.parametrize(
    ("changes", "hears_changes", "title"),
    [
        ({"workers": ()}, True, "No worker is running."),
        ({"is_stuck": True}, True, "The queue is stuck:"),
        ({}, False, "This web process does not hear changes:"),
    ],
    ids=["no worker", "stuck", "deaf"],
)
def test_each_illness_is_said(changes: dict[str, Any], hears_changes: bool, title: str) -> None:
    (found,) = diagnose(work(**changes), hears_changes=hears_changes)

    assert found.sick
    assert found.title.startswith(title)
    assert found.text


def test_what_starts_a_worker_depends_on_the_kind_of_installation() -> None:
    ((here,), (elsewhere,)) = (
        diagnose(work(workers=()), hears_changes=True, is_local=local) for local in (True, False)
    )

    assert elsewhere.text.endswith("Start one with `manage.py run_worker`.")
    assert here.text.endswith("Start one by hand with `DEBUG=true .venv/bin/python manage.py run_worker`.")
    assert "`make run` starts one again within 15 s" in here.text
    assert "`logs/worker.log`" in here.text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"unanswered": 1}, "1 server does not answer."),
        ({"unanswered": 2, "unanswered_names": ("east", "west")}, "2 servers do not answer: east, west."),
        ({"disconnected": 1}, "1 run has lost the connection to its server."),
        ({"disconnected": 2}, "2 runs have lost the connection to their servers."),
        ({"orphaned": 1}, "1 run waits for a worker to take it over."),
        ({"orphaned": 2}, "2 runs wait for a worker to take them over."),
        ({"retrying": 1}, "1 run is being retried: its server could not take it. An attempt is under way."),
        (
            {"retrying": 2, "next_try_at": NOW + timedelta(seconds=9), "retrying_since": NOW - timedelta(seconds=70)},
            "2 runs are being retried: their servers could not take them. For 70 s so far. The next attempt is in 9 s.",
        ),
    ],
)
def test_what_is_out_of_the_ordinary_is_noted_and_is_no_illness(changes: dict[str, Any], sentence: str) -> None:
    (found,) = diagnose(work(**changes), hears_changes=True)

    assert not found.sick
    assert found.sentence.startswith(sentence)


def test_after_an_outage_it_is_noted_once_that_nobody_has_reported_yet() -> None:
    unheard = dataclasses.replace(WORKER, heartbeat_at=NOW - timedelta(seconds=46))
    waits = {"waiting": 1, "waiting_since": NOW - timedelta(seconds=50), "orphaned": 3}

    (found,) = diagnose(work(workers=(unheard,), **waits), hears_changes=True)

    assert not found.sick
    assert found.title == "The database was away a moment ago; workers have not reported since."
    one_has = diagnose(work(workers=(unheard, WORKER), **waits), hears_changes=True)
    assert found not in one_has
    assert len(one_has) == 2


def test_when_all_is_well_nothing_is_said() -> None:
    assert diagnose(work(), hears_changes=True) == []
