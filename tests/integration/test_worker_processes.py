"""Real worker processes that are stopped, killed and frozen: every run gets its right outcome, created once."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now

from dashboard.runs.models import Run
from dashboard.worker.models import Worker
from tests.asynchronous import eventually, in_db, kinds, run_in
from tests.factories import make_run, make_server, make_team
from tests.integration.programs import ROOT, Process, Programs
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

CLOCK_OFF = ROOT / "tests" / "clock_off"
HANDOVER_S = 30.0
PRODUCTS_LEASE = {"RUNBOARD_LEASE_S": "20"}
"""Also for workers that are frozen for less than a lease: a busy machine would make a short one end meanwhile."""


async def waiting_run(scripted: ScriptedServer) -> Run:
    """A run that some worker has on the scripted server."""
    team = await in_db(make_team)
    server = await in_db(make_server, team, url=scripted.url)
    run = await in_db(make_run, team=team, server=server)
    await scripted.run_created(timeout_s=20)
    return await run_in(run, "running")


async def test_a_worker_that_is_asked_to_stop_hands_over_at_once(scripted: ScriptedServer, programs: Programs) -> None:
    first = programs.worker()
    run = await waiting_run(scripted)
    programs.worker()
    await eventually(lambda: in_db(lambda: Worker.objects.count() == 2), "two workers")

    first.terminate()
    asked_at = time.monotonic()
    await scripted.requested("join", timeout_s=HANDOVER_S)
    took = time.monotonic() - asked_at
    scripted.created[0].finish({})
    ended = await run_in(run, "succeeded")

    assert await asyncio.to_thread(first.wait, 10) == 0
    assert took < 10
    assert await in_db(lambda: Worker.objects.filter(stopped_at__isnull=False).count()) == 1
    assert {"handed_back", "adopted"} <= set(await in_db(kinds, ended))
    assert len(scripted.created) == 1


async def test_a_worker_killed_outright_is_replaced_within_thirty_seconds(
    scripted: ScriptedServer, programs: Programs
) -> None:
    first = programs.worker(**PRODUCTS_LEASE)
    run = await waiting_run(scripted)
    programs.worker(**PRODUCTS_LEASE)

    first.kill()
    await scripted.requested("join", timeout_s=HANDOVER_S)
    scripted.created[0].finish({"kept": True})
    ended = await run_in(run, "succeeded")

    assert "adopted" in await in_db(kinds, ended)
    assert (len(scripted.created), scripted.count("wait")) == (1, 1)


async def test_a_worker_frozen_longer_than_its_lease_writes_nothing_when_it_wakes(
    scripted: ScriptedServer, programs: Programs
) -> None:
    first = programs.worker()
    run = await waiting_run(scripted)
    first.send_signal(signal.SIGSTOP)
    programs.worker()
    await scripted.requested("join", timeout_s=HANDOVER_S)
    adopted = await in_db(Run.objects.get, pk=run.pk)
    # Both have the answer now: the one that holds the run stores it, the one that slept finds its hold gone.
    scripted.created[0].finish({"once": True})
    ended = await run_in(run, "succeeded")
    version = ended.version

    first.send_signal(signal.SIGCONT)
    woken = await in_db(Worker.objects.get, pid=first.pid)
    await eventually(
        lambda: in_db(Worker.objects.filter(pk=woken.pk, heartbeat_at__gt=ended.finished_at).exists), "it is awake"
    )
    other = await in_db(lambda: make_run(team=run.team, server=run.server))
    await scripted.run_created(2)
    scripted.created[1].finish({})
    await run_in(other, "succeeded")

    again = await in_db(Run.objects.get, pk=run.pk)
    assert adopted.fence > run.fence
    assert again.version == version
    assert len(scripted.created) == 2


async def test_a_worker_that_wakes_writes_nothing_of_a_run_that_goes_on_elsewhere(
    scripted: ScriptedServer, programs: Programs
) -> None:
    first = programs.worker(**PRODUCTS_LEASE)
    run = await waiting_run(scripted)
    first.send_signal(signal.SIGSTOP)
    second = programs.worker(**PRODUCTS_LEASE)
    await scripted.requested("join", timeout_s=HANDOVER_S)
    await works(second)
    taken = await in_db(Run.objects.get, pk=run.pk)
    asleep = await in_db(Worker.objects.get, pid=first.pid)

    # Its line is lost and joined again, which is a remark of the timeline's: by a worker that holds the run.
    second.send_signal(signal.SIGSTOP)
    await scripted.crash()
    first.send_signal(signal.SIGCONT)
    await eventually(
        lambda: in_db(Worker.objects.filter(pk=asleep.pk, heartbeat_at__gt=Now() - timedelta(seconds=3)).exists),
        "it is awake",
    )
    await asyncio.sleep(1.0)
    assert (await in_db(Run.objects.get, pk=run.pk)).version == taken.version
    second.send_signal(signal.SIGCONT)
    scripted.created[0].finish({"once": True})
    ended = await run_in(run, "succeeded", deadline_s=HANDOVER_S)

    assert (ended.fence, ended.result.body) == (taken.fence, b'{"once": true}')
    assert len(scripted.created) == 1


async def test_a_deploy_hands_every_run_from_the_old_workers_to_the_new_ones(
    scripted: ScriptedServer, programs: Programs
) -> None:
    team = await in_db(make_team)
    server = await in_db(make_server, team, url=scripted.url)
    old = [programs.worker(), programs.worker()]
    runs = [await in_db(make_run, team=team, server=server) for _ in range(40)]
    await scripted.run_created(20, timeout_s=20)
    for _ in range(2):  # two deploys in a row; the first begins while runs are still being launched
        new = [programs.worker(), programs.worker()]
        await works(new[0])
        for worker in old:
            worker.terminate()
        for worker in old:
            assert await asyncio.to_thread(worker.wait, 20) == 0
        old = new
    await scripted.run_created(40, timeout_s=20)
    for remote in scripted.created:
        remote.finish({"created": remote.run_id})
    ended = [await run_in(run, "succeeded", deadline_s=HANDOVER_S) for run in runs]

    assert len(scripted.created) == scripted.count("wait") == len(runs)
    assert {json.loads(run.result.body)["created"] for run in ended} == {remote.run_id for remote in scripted.created}
    assert await in_db(Worker.objects.filter(stopped_at=None).count) == 2


@pytest.mark.parametrize("hours", [pytest.param(-1, marks=pytest.mark.slow), 1])
async def test_a_worker_whose_clock_is_off_by_an_hour_harms_nobody(
    scripted: ScriptedServer, programs: Programs, hours: int
) -> None:
    right = programs.worker(**PRODUCTS_LEASE)
    by_right = await waiting_run(scripted)
    wrong = programs.worker(**PRODUCTS_LEASE, TESTS_CLOCK_OFF_S=str(hours * 3600), PYTHONPATH=str(CLOCK_OFF))
    await works(wrong)
    right.send_signal(signal.SIGSTOP)
    by_wrong = await in_db(lambda: make_run(team=by_right.team, server=by_right.server))
    await run_in(by_wrong, "running")
    right.send_signal(signal.SIGCONT)

    runs = [await in_db(Run.objects.get, pk=run.pk) for run in (by_right, by_wrong)]
    for run in runs:
        until = run.lease_expires_at
        for _ in range(3):  # long enough to take the other's run, for a worker that asked its own clock
            until = await renewed(run, until)
    held = [await in_db(Run.objects.get, pk=run.pk) for run in runs]
    for remote in scripted.created:
        remote.finish({})
    ended = [await run_in(run, "succeeded") for run in runs]

    assert runs[0].lease_owner != runs[1].lease_owner
    assert [(run.lease_owner, run.fence) for run in held] == [(run.lease_owner, run.fence) for run in runs]
    assert len(scripted.created) == 2
    now = datetime.now(UTC)
    for each in ended:
        moments = [each.created_at, each.started_at, each.finished_at, *await in_db(moments_of, each)]
        assert all(abs((now - moment).total_seconds()) < 600 for moment in moments), moments
    assert all(worker.poll() is None for worker in (wrong, right))


async def works(process: Process) -> None:
    """Wait until a worker process has reported itself."""
    await eventually(lambda: in_db(Worker.objects.filter(pid=process.pid).exists), "a new worker works")


async def renewed(run: Run, until: datetime | None) -> datetime:
    """Until when the run is held, once that is later than `until`."""
    later = Run.objects.filter(pk=run.pk, lease_expires_at__gt=until).values_list("lease_expires_at", flat=True)
    return await eventually(lambda: in_db(later.first), "the lease is renewed")


def moments_of(run: Run) -> list[datetime]:
    return list(run.events.values_list("at", flat=True))
