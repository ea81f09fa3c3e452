"""What is wrong is said, and what to do about it, from the state of the work alone."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard.worker.diagnosis import diagnose
from dashboard.worker.selectors import WorkerLine, WorkState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WORKER = WorkerLine(
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


def test_when_all_is_well_nothing_is_said() -> None:
    assert diagnose(work(), hears_changes=True) == []
