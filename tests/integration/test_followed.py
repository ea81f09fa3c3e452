"""Launches on a thread on which runs wait for somebody: each notifies all of them, and none blocks another."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections

from dashboard.runs import services
from dashboard.runs.models import ParentKind, Run, ThreadChoice, WaitState
from dashboard.runs.services import LaunchOrder, run_cancel, run_launch
from dashboard.runs.statuses import RunStatus
from dashboard.runs.waiting import notify_thread_waiters
from tests.factories import make_run, make_user


def two_waiting_runs() -> list[Run]:
    """On one thread."""
    there: dict[str, Any] = {"thread": ThreadChoice.EXISTING, "thread_id": str(uuid.uuid4())}
    first = make_run(status=RunStatus.NEEDS_INPUT, **there)
    second = make_run(status=RunStatus.PAUSED, server=first.server, by=first.launched_by, **there)
    Run.objects.filter(pk=first.pk).update(wait_state=WaitState.OPEN)
    return [first, second]


def launch_there(run: Run, **more: Any) -> None:
    order = LaunchOrder(
        server=run.server,
        assistant_id="chat",
        thread_choice=ThreadChoice.EXISTING,
        thread_id=run.remote_thread_id,
        params={"input": {"topic": "gales"}},
        **more,
    )
    run_launch(team=run.team, by=make_user(run.team), order=order)


@pytest.mark.django_db
def test_a_launch_notifies_every_run_that_waits_on_its_thread() -> None:
    first, second = two_waiting_runs()

    launch_there(first)

    for run in (first, second):
        noted = run.events.order_by("seq").values_list("seq", "kind")
        assert noted.last() == (run.events.count(), "followed")


@pytest.mark.django_db(transaction=True)
def test_a_run_can_be_launched_again_while_it_is_being_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The launch refers to the run that the cancel has locked, and has locked those for which the cancel has news."""
    waiting, _ = two_waiting_runs()
    queued = make_run(
        server=waiting.server,
        by=waiting.launched_by,
        thread=ThreadChoice.EXISTING,
        thread_id=waiting.remote_thread_id,
    )

    def launch_in_between(run: Run, *, is_there: bool) -> None:
        if not is_there:
            with ThreadPoolExecutor(1) as other:
                other.submit(launch_and_close).result(10)
        notify_thread_waiters(run, is_there=is_there)

    def launch_and_close() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        try:
            launch_there(waiting, parent=queued, parent_kind=ParentKind.AGAIN)
        finally:
            connections.close_all()

    monkeypatch.setattr(services, "notify_thread_waiters", launch_in_between)
    assert run_cancel(run=queued, by=queued.launched_by)

    assert Run.objects.get(parent=queued).status == "queued"
