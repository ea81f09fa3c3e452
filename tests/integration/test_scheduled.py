"""A scheduled run: its page says when it starts, its server is asked a handful of times, and waiting is no duration."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboard.langgraph import Backoff
from dashboard.runs.banners import run_banner
from dashboard.runs.models import Run
from dashboard.runs.services import run_cancel
from tests.asynchronous import eventually, in_db, run_in, working
from tests.factories import make_run, make_server, make_team
from tests.scripted_server import MANNERS, ScriptedRun, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Backoff(first_s=0.1, longest_s=0.1)
    for name in ("BEGUN", "DUE"):
        monkeypatch.setattr(f"dashboard.worker.execution.connection.{name}", quick)


class Scheduling(ScriptedServer):
    """Its runs wait until the test starts them."""

    def begin(self, run: ScriptedRun) -> None:
        run.thread.status = "busy"


async def launch(server: ScriptedServer, after_seconds: int) -> tuple[Run, ScriptedRun]:
    team = await in_db(make_team)
    ours = await in_db(make_server, team, url=server.url)
    params: dict[str, Any] = {"input": {}, "after_seconds": after_seconds}
    run = await in_db(lambda: make_run(team=team, server=ours, params=params))
    return await run_in(run, "scheduled"), await server.run_created()


@pytest.mark.parametrize("manner", ["langgraph dev", "no heartbeats", "headers at the end"])
async def test_a_run_that_starts_later_is_asked_about_a_handful_of_times(manner: str) -> None:
    async with Scheduling(run_s=None, manner=MANNERS[manner]) as server, working():
        run, remote = await launch(server, 4)
        before = len(server.requests)
        await eventually(lambda: in_db(is_due, run), "the run is due")
        asked = [f"{request.method} {request.path}" for request in server.requests[before:]]
        remote.start()
        await run_in(run, "running")
        remote.finish({"whole": 1})
        ended = await run_in(run, "succeeded")

    about = [line for line in asked if remote.run_id in line or remote.thread_id in line]
    assert len(about) <= 5, about
    assert ended.finished_at - ended.started_at < timedelta(seconds=3)


def is_due(run: Run) -> bool:
    banner = run_banner(Run.objects.get(pk=run.pk))
    return banner is not None and banner.title.startswith("It is due")


async def test_the_page_says_when_it_starts() -> None:
    async with Scheduling(run_s=None) as server, working():
        run, _ = await launch(server, 3600)
        banner = await in_db(lambda: run_banner(Run.objects.get(pk=run.pk)))

    assert banner is not None
    assert banner.next_at == run.status_at + timedelta(seconds=3600)
    assert f"{banner.next_at:%H:%M:%S} UTC" in banner.title


async def test_a_run_that_was_cancelled_before_it_was_due_took_no_time() -> None:
    async with Scheduling(run_s=None) as server, working():
        run, _ = await launch(server, 3600)
        await in_db(lambda: run_cancel(run=run, by=run.launched_by))
        ended = await run_in(run, "cancelled")

    assert ended.started_at is None


async def test_a_run_that_nobody_saw_begin_is_timed_from_when_it_was_due() -> None:
    async with Scheduling(run_s=None) as server, working():
        run, remote = await launch(server, 2)
        await eventually(lambda: in_db(is_due, run), "the run is due")
        remote.finish({"whole": 1})
        ended = await run_in(run, "succeeded")

    assert ended.finished_at - ended.started_at < timedelta(seconds=1.5)
