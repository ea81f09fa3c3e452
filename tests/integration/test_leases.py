"""Only the holder of a run's lease may write about it and send it: not even the same worker with an earlier lease."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, connections, transaction
from django.db.models.functions import Now

from dashboard.runs import leases, outcomes
from dashboard.runs.leases import LeaseLost, lease_of
from dashboard.runs.models import Run
from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from tests.asynchronous import in_db, kill, launch, run_in, working
from tests.factories import make_run
from tests.scripted_server import Fault, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
LONG_AGO = "2020-01-01T00:00:00Z"


def writes_of(lease: leases.Lease) -> list[Callable[[], object]]:
    return [
        lambda: leases.run_sending(lease),
        lambda: leases.run_created_on_server(lease, remote_run_id="r", remote_thread_id="t"),
        lambda: leases.run_requeue(lease, reason="", delay_s=0, patience_s=9),
        lambda: outcomes.run_finish(lease, Outcome(RunStatus.LOST)),
        lambda: leases.cancel_action_of(lease),
    ]


def test_a_worker_that_handed_a_run_back_writes_nothing_more() -> None:
    run = make_run()
    (claimed,) = leases.run_claim(owner=uuid.uuid4(), limit=1)
    lease = lease_of(claimed)
    leases.run_sending(lease)
    leases.leases_hand_back(owner=lease.owner)

    for write in writes_of(lease):
        with pytest.raises(LeaseLost):
            write()

    assert Run.objects.get(pk=run.pk).status == "starting"


def test_an_earlier_hold_of_the_same_worker_is_gone() -> None:
    run, owner = make_run(), uuid.uuid4()
    earlier = lease_of(leases.run_claim(owner=owner, limit=1)[0])
    Run.objects.filter(pk=run.pk).update(lease_expires_at=LONG_AGO)
    later = lease_of(leases.run_adopt(owner=owner, limit=1)[0])

    for write in writes_of(earlier):
        with pytest.raises(LeaseLost):
            write()

    assert leases.leases_renew(owner=owner, holds=[earlier]) == set()
    assert leases.leases_renew(owner=owner, holds=[later]) == {run.pk}


def test_a_worker_does_not_renew_the_lease_of_another() -> None:
    run = make_run()
    lease = lease_of(leases.run_claim(owner=uuid.uuid4(), limit=1)[0])
    Run.objects.update(lease_expires_at=LONG_AGO)
    stranger = uuid.uuid4()

    assert leases.leases_renew(owner=stranger, holds=[leases.Lease(run.pk, stranger, lease.fence)]) == set()
    assert not is_leased(run)
    assert leases.leases_renew(owner=lease.owner, holds=[lease]) == {run.pk}
    assert is_leased(run)


def test_a_claim_leaves_alone_what_another_is_just_taking() -> None:
    first, second = make_run(), make_run()
    taken: list[Run] = []
    is_taken, may_commit = threading.Event(), threading.Event()

    def take_slowly() -> None:
        try:
            with transaction.atomic():
                taken.extend(leases.run_claim(owner=uuid.uuid4(), limit=1))
                is_taken.set()
                may_commit.wait(30)
        finally:
            connections.close_all()

    slow = threading.Thread(target=take_slowly)
    slow.start()
    try:
        assert is_taken.wait(10)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            others = leases.run_claim(owner=uuid.uuid4(), limit=2)
    finally:
        may_commit.set()
        slow.join()

    assert [run.pk for run in taken] == [first.pk]
    assert [run.pk for run in others] == [second.pk]


def elsewhere(database_url: str, hours: int, work: str) -> None:
    """Do `work` in a process whose clock is off by so many hours."""
    begin = "import django, uuid; django.setup(); from dashboard.runs import leases; from uuid import UUID\n"
    clock = {"TESTS_CLOCK_OFF_S": str(hours * 3600), "PYTHONPATH": str(ROOT / "tests" / "clock_off")}
    env = {**os.environ, **clock, "DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "dashboard.settings"}
    subprocess.run([sys.executable, "-c", begin + work], cwd=ROOT, env=env, check=True, timeout=60)


def is_leased(run: Run) -> bool:
    """Whether its lease lasts about as long as leases do, by the database's clock."""
    near = (Now() - timedelta(minutes=10), Now() + timedelta(minutes=10))
    return Run.objects.filter(pk=run.pk, lease_expires_at__range=near).exists()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_lease_is_taken_and_renewed_by_the_databases_clock(database_url: str, hours: int) -> None:
    run = make_run()
    elsewhere(database_url, hours, "leases.run_claim(owner=uuid.uuid4(), limit=1)")
    assert is_leased(run)

    lease = lease_of(Run.objects.get(pk=run.pk))
    Run.objects.update(lease_expires_at=LONG_AGO)
    held = f"leases.Lease(UUID('{lease.run_id}'), UUID('{lease.owner}'), {lease.fence})"
    elsewhere(database_url, hours, f"leases.leases_renew(owner=UUID('{lease.owner}'), holds=[{held}])")
    assert is_leased(run)


def test_a_run_is_taken_over_when_the_database_says_that_its_lease_is_over(database_url: str) -> None:
    first, second = make_run(), make_run()
    leases.run_claim(owner=uuid.uuid4(), limit=2)
    Run.objects.filter(pk=second.pk).update(lease_expires_at=Now() - timedelta(minutes=10))
    Run.objects.filter(pk=first.pk).update(lease_expires_at=Now() + timedelta(minutes=10))

    elsewhere(database_url, 1, "leases.run_adopt(owner=uuid.uuid4(), limit=2)")
    assert [run.fence for run in Run.objects.order_by("created_at")] == [1, 2]

    Run.objects.filter(pk=second.pk).update(lease_expires_at=Now() - timedelta(minutes=10))
    elsewhere(database_url, -1, "leases.run_adopt(owner=uuid.uuid4(), limit=2)")
    assert [run.fence for run in Run.objects.order_by("created_at")] == [1, 3]


async def test_a_run_whose_worker_was_killed_while_it_was_sent_is_created_once(scripted: ScriptedServer) -> None:
    scripted.script("wait", Fault(delay_s=60))  # the server has it, and its headers never come
    async with working() as first:
        run = await launch(scripted)
        remote = await scripted.run_created()
        await kill(first)
    await in_db(Run.objects.filter(pk=run.pk).update, lease_expires_at=LONG_AGO)
    async with working():
        await run_in(run, "running")
        remote.finish({"kept": 1})
        ended = await run_in(run, "succeeded")

    assert ended.remote_run_id == remote.run_id
    assert (len(scripted.created), scripted.count("wait")) == (1, 1)


async def test_a_cancel_that_no_worker_noticed_is_delivered(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.worker.worker.RENEW_S", 0.1)
    async with working():
        run = await launch(scripted)
        await scripted.run_created()
        await run_in(run, "running")
        asked = {"status": RunStatus.CANCELLING, "cancel_action": "interrupt", "cancel_requested_at": Now()}
        await in_db(Run.objects.filter(pk=run.pk).update, **asked)

        await run_in(run, "cancelled")
