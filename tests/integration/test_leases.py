"""Who holds a run may write about it and send it, and nobody else: not even the same worker by an earlier hold."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pytest
from django.db import connection, connections, transaction
from django.db.models.functions import Now

from dashboard.runs import holding
from dashboard.runs.holding import LeaseLost, Outcome, hold_of
from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from tests.asynchronous import in_db, kill, run_in, working
from tests.factories import make_run, make_server, make_team
from tests.scripted_server import Fault, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = "2020-01-01T00:00:00Z"


async def launch(server: ScriptedServer) -> Run:
    team = await in_db(make_team)
    ours = await in_db(make_server, team, url=server.url)
    return await in_db(make_run, team=team, server=ours)


def writes_of(hold: holding.Hold) -> list[Callable[[], object]]:
    return [
        lambda: holding.run_sending(hold),
        lambda: holding.run_created_on_server(hold, remote_run_id="r", remote_thread_id="t"),
        lambda: holding.run_requeue(hold, reason="", delay_s=0, patience_s=9),
        lambda: holding.run_finish(hold, Outcome(RunStatus.LOST)),
        lambda: holding.cancel_action_of(hold),
    ]


def test_a_worker_that_handed_a_run_back_writes_nothing_more() -> None:
    run = make_run()
    (claimed,) = holding.run_claim(owner=uuid.uuid4(), limit=1)
    hold = hold_of(claimed)
    holding.run_sending(hold)
    holding.leases_hand_back(owner=hold.owner)

    for write in writes_of(hold):
        with pytest.raises(LeaseLost):
            write()

    assert Run.objects.get(pk=run.pk).status == "starting"


def test_an_earlier_hold_of_the_same_worker_is_gone() -> None:
    run, owner = make_run(), uuid.uuid4()
    earlier = hold_of(holding.run_claim(owner=owner, limit=1)[0])
    Run.objects.filter(pk=run.pk).update(lease_expires_at=LONG_AGO)
    later = hold_of(holding.run_adopt(owner=owner, limit=1)[0])

    for write in writes_of(earlier):
        with pytest.raises(LeaseLost):
            write()

    assert holding.leases_renew(owner=owner, holds=[earlier]) == set()
    assert holding.leases_renew(owner=owner, holds=[later]) == {run.pk}


def test_a_claim_leaves_alone_what_another_is_just_taking() -> None:
    first, second = make_run(), make_run()
    taken: list[Run] = []
    is_taken, may_commit = threading.Event(), threading.Event()

    def take_slowly() -> None:
        try:
            with transaction.atomic():
                taken.extend(holding.run_claim(owner=uuid.uuid4(), limit=1))
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
            others = holding.run_claim(owner=uuid.uuid4(), limit=2)
    finally:
        may_commit.set()
        slow.join()

    assert [run.pk for run in taken] == [first.pk]
    assert [run.pk for run in others] == [second.pk]


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


async def test_a_cancel_that_nobody_was_told_of_is_delivered(
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
