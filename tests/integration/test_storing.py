"""Storing large states leaves the rest of the worker its turn."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import tracemalloc
import uuid
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from dashboard.runs import leases, outcomes
from dashboard.runs.leases import Lease
from dashboard.runs.models import Run
from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.worker.database import Database
from dashboard.worker.outcomes.spool import Spool
from dashboard.worker.outcomes.store import LARGE_BYTES, OutcomeStore
from tests.asynchronous import eventually, in_db, run_in
from tests.factories import claim, make_run


@pytest.mark.parametrize("is_away", [False, True], ids=["at once", "after an outage"])
@pytest.mark.django_db(transaction=True)
async def test_large_states_leave_the_database_threads_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_away: bool
) -> None:
    is_stored, began = threading.Event(), []

    def finish(lease: Lease, outcome: Outcome) -> None:
        began.append(lease)
        is_stored.wait(30)

    monkeypatch.setattr(outcomes, "run_finish", finish)
    database = Database()
    database.is_away = is_away
    store = OutcomeStore(database, Spool(tmp_path))
    large = Outcome(RunStatus.SUCCEEDED, body=b"1" * (LARGE_BYTES + 1))
    storing = [
        asyncio.create_task(store.store(Lease(uuid.uuid4(), uuid.uuid4(), number), "r", large)) for number in range(8)
    ]
    try:
        await eventually(lambda: _is_there(began), "one is being stored")
        async with asyncio.timeout(10):
            assert await database.call(lambda: "renewed") == "renewed"
        assert len(began) == 1
    finally:
        is_stored.set()
        await asyncio.gather(*storing)
        database.close()

    assert len(began) == 8


def locked_run() -> tuple[Run, Lease]:
    run = make_run()
    lease = claim(run)
    leases.run_sending(lease)
    leases.run_created_on_server(lease, remote_run_id="remote", remote_thread_id="thread")
    return run, lease


async def _is_there(found: list[Lease]) -> bool:
    return bool(found)


async def is_on_disk(folder: Path) -> bool:
    return await asyncio.to_thread(lambda: any(path.stat().st_size for path in folder.glob("*.outcome")))


@pytest.mark.django_db(transaction=True)
async def test_an_outcome_that_waited_on_disk_outlives_its_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object) -> None:
        raise OperationalError("away")

    run, lease = await in_db(locked_run)
    database = Database()
    with monkeypatch.context() as outage:
        outage.setattr(outcomes, "run_finish", away)
        store = OutcomeStore(database, Spool(tmp_path))
        storing = asyncio.create_task(store.store(lease, "remote", Outcome(RunStatus.SUCCEEDED, body=b'{"kept": 1}')))
        await eventually(lambda: is_on_disk(tmp_path), "the outcome is on disk")
        storing.cancel()
        await asyncio.gather(storing, return_exceptions=True)

    await OutcomeStore(database, Spool(tmp_path)).store_left_behind()
    database.close()

    assert (await run_in(run, "succeeded")).result.body == b'{"kept": 1}'


@pytest.mark.django_db(transaction=True)
async def test_while_postgres_is_known_to_be_away_an_outcome_goes_to_disk_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_back = threading.Event()
    monkeypatch.setattr(outcomes, "run_finish", lambda *args: is_back.wait(60))  # as a line that nobody answers
    database = Database()
    database.is_away = True
    outcome = Outcome(RunStatus.SUCCEEDED, body=b"{}")
    lease = Lease(uuid.uuid4(), uuid.uuid4(), 1)
    storing = asyncio.create_task(OutcomeStore(database, Spool(tmp_path)).store(lease, "r", outcome))
    try:
        await eventually(lambda: is_on_disk(tmp_path), "the outcome is on disk")
    finally:
        is_back.set()
        await storing
        database.close()

    assert not await is_on_disk(tmp_path)


@pytest.mark.django_db(transaction=True)
async def test_a_late_outcome_of_another_of_the_servers_runs_is_not_stored(tmp_path: Path) -> None:
    run, lease = await in_db(locked_run)
    await in_db(Run.objects.filter(pk=run.pk).update, lease_expires_at="2020-01-01T00:00:00Z")
    await in_db(leases.run_adopt, owner=uuid.uuid4(), limit=1)
    spool, database = Spool(tmp_path), Database()
    spool.put(lease, "an earlier one", Outcome(RunStatus.FAILED, body=b"{}")).close()

    await OutcomeStore(database, spool).store_left_behind()
    database.close()

    assert (await in_db(Run.objects.get, pk=run.pk)).status == "running"
    assert list(spool.take()) == []


@pytest.mark.django_db(transaction=True)
async def test_a_large_outcome_that_waited_on_disk_is_in_memory_once_and_packed(tmp_path: Path) -> None:
    run, lease = await in_db(locked_run)
    body = random.Random(1).randbytes(20_000_000)
    database = Database()
    database.is_away = True
    outcome = Outcome(RunStatus.SUCCEEDED, body=body)
    tracemalloc.start()
    try:
        await OutcomeStore(database, Spool(tmp_path)).store(lease, "remote", outcome)
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        database.close()

    assert (await run_in(run, "succeeded")).result.size_bytes == len(body)
    assert used < 2.3 * len(body)


@pytest.mark.django_db(transaction=True)
async def test_a_call_that_finds_postgres_away_lets_go_of_what_it_had_in_hand() -> None:
    def store() -> None:
        body = b"1" * 20_000_000
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid()), length(%s)", [body])

    database = Database()
    await database.call(Run.objects.count)
    gc.collect()
    gc.disable()  # in a process that waits it comes by seldom
    tracemalloc.start()
    try:
        with pytest.raises(OperationalError):
            await database.call(store)
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        gc.enable()
        database.close()

    assert kept < 1_000_000
