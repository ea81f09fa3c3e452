"""Postgres was away and is back: workers that could not report are not called silent before they had the time to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from dashboard.live import listener
from dashboard.monitoring import database_outage
from dashboard.monitoring.banners import list_notice, run_notice
from dashboard.monitoring.database_outage import GRACE_S
from dashboard.monitoring.selectors import live_workers
from dashboard.runs.models import Run
from dashboard.worker.lease_clock import lease_clock
from dashboard.worker.models import Worker
from tests.asynchronous import eventually, in_db
from tests.factories import make_run

pytestmark = pytest.mark.django_db(transaction=True)

AWAY_S = 46
UNHEARD = "The database was away a moment ago; workers have not reported since."


def _report() -> dict[str, Any]:
    """What /healthz says, and the notices of a run's page and of a list."""
    run = Run.objects.get()
    return {
        **Client().get("/healthz").json(),
        "notices": (run_notice(run, live_workers()), list_notice(live_workers())),
    }


class Clock:
    """The machine's, put forward."""

    ahead_s = 0.0

    def __call__(self) -> float:
        return lease_clock() + self.ahead_s

    async def put_forward(self, seconds: float) -> None:
        """Until the database was asked again."""
        self.ahead_s += seconds
        put_at = self()

        async def is_asked() -> bool:
            return (database_outage.outages._answered_at or 0.0) > put_at

        await eventually(is_asked, "the database is asked")


async def test_who_could_not_report_is_not_called_silent_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(listener, "WORKERS_LOOK_S", 0.1)
    monkeypatch.setattr(database_outage, "lease_clock", clock)
    await in_db(make_run)
    worker = await in_db(
        Worker.objects.create, host="box", pid=1, concurrency=5, heartbeat_at=Now() - timedelta(days=1)
    )

    await clock.put_forward(0)
    await clock.put_forward(AWAY_S)

    assert "No worker is running" in (await in_db(_report))["problems"][0], "it was silent long before"
    long_ago = Now() - timedelta(seconds=AWAY_S)
    await in_db(Worker.objects.filter(pk=worker.pk).update, heartbeat_at=long_ago, started_at=long_ago)
    report = await in_db(_report)
    assert (report["status"], report["problems"], report["notices"]) == ("ok", [], (None, None))
    assert report["notes"][0].startswith(UNHEARD)

    await clock.put_forward(GRACE_S / 2)
    await clock.put_forward(GRACE_S / 2)
    report = await in_db(_report)
    assert "No worker is running: the last one has been silent for" in report["problems"][0]
    assert None not in report["notices"]


async def test_a_queue_that_nobody_could_take_from_is_not_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(listener, "WORKERS_LOOK_S", 0.1)
    monkeypatch.setattr(database_outage, "lease_clock", clock)
    long_ago = Now() - timedelta(minutes=5)
    await in_db(make_run)
    await in_db(Run.objects.update, status_at=long_ago)
    await in_db(Worker.objects.create, host="box", pid=1, concurrency=5, started_at=long_ago)

    await clock.put_forward(0)
    assert (await in_db(_report))["queue"] == "stuck"
    await clock.put_forward(AWAY_S)
    assert (await in_db(_report))["queue"] == "ok"
    await clock.put_forward(GRACE_S / 2)
    await clock.put_forward(GRACE_S / 2)
    assert (await in_db(_report))["queue"] == "stuck"
