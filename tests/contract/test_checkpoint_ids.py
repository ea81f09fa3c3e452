"""The id with which we ask for states from before a moment sorts among LangGraph's own checkpoint ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from langgraph.checkpoint.base.id import uuid6

from dashboard.worker.execution.restart_detection import _checkpoint_id


def test_it_sorts_by_time_among_the_servers_own() -> None:
    earlier = datetime.now(UTC) - timedelta(milliseconds=1)
    own = [str(uuid6(clock_seq=-2)) for _ in range(1000)]
    later = datetime.now(UTC) + timedelta(milliseconds=1)

    assert _checkpoint_id(earlier) < min(own)
    assert max(own) < _checkpoint_id(later)


def test_it_is_the_smallest_of_its_moment() -> None:
    moment = datetime(2026, 11, 26, 3, 54, 12, 345678, tzinfo=UTC)

    assert _checkpoint_id(moment) < _checkpoint_id(moment + timedelta(microseconds=1))
    assert _checkpoint_id(moment) == "1f1e94d0-a854-690c-8000-000000000000"
