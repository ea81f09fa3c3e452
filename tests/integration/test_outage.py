"""Postgres goes away and comes back: no result is lost, no run is stuck, and nothing needs a restart."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection, connections
from django.db.models.functions import Now
from django.test import Client

from dashboard.runs import leases, outcomes
from dashboard.runs.leases import lease_of
from dashboard.runs.models import Run
from dashboard.runs.outcomes import Outcome, RunError
from dashboard.runs.statuses import RunStatus
from dashboard.worker.database import Database
from dashboard.worker.outcomes.spool import Spool
from dashboard.worker.outcomes.store import OutcomeStore
from tests.asynchronous import in_db, kinds, run_in, working
from tests.factories import make_run, make_server, make_team, make_user
from tests.scripted_server import ScriptedServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("postgres_comes_back")]

RECOVERY_S = 10.0


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def _waiting(folder: Path, count: int) -> bool:
    return len(list(folder.glob("*.outcome"))) >= count


async def test_connections_killed_one_by_one_in_mid_wait_hurt_nobody(scripted: ScriptedServer) -> None:
    team = await in_db(make_team)
    server = await in_db(make_server, team, url=scripted.url)
    async with working():
        runs = [await in_db(make_run, team=team, server=server) for _ in range(6)]
        await scripted.run_created(len(runs))
        for run in runs:
            await run_in(run, "running")
        killed = 0
        for number, remote in enumerate(scripted.created):  # while each comes to its end another one is cut
            remote.finish({"number": number})
            for pid in (await in_db(_other_connections))[:1]:
                killed += await in_db(_kill, pid)
        for run in runs:
            await run_in(run, "succeeded", deadline_s=RECOVERY_S)
        other = await in_db(make_run, team=team, server=server)
        (await scripted.run_created(len(runs) + 1)).finish({})
        await run_in(other, "succeeded", deadline_s=RECOVERY_S)

    assert killed > 1
    assert len(scripted.created) == scripted.count("wait") == len(runs) + 1


async def test_all_connections_killed_at_once_in_mid_wait_hurt_nobody(scripted: ScriptedServer) -> None:
    team = await in_db(make_team)
    server = await in_db(make_server, team, url=scripted.url)
    run = await in_db(make_run, team=team, server=server)
    async with working():
        remote = await scripted.run_created()
        await run_in(run, "running")
        for pid in await in_db(_other_connections):
            await in_db(_kill, pid)
        remote.finish({"a": 1})
        await run_in(run, "succeeded", deadline_s=RECOVERY_S)


def _other_connections() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in cursor.fetchall()]


def _kill(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        return bool(cursor.fetchone()[0])


async def test_a_restart_of_postgres_in_mid_wait_is_only_a_pause(scripted: ScriptedServer, postgres: Any) -> None:
    team = await in_db(make_team)
    server = await in_db(make_server, team, url=scripted.url)
    run = await in_db(make_run, team=team, server=server)
    async with working():
        remote = await scripted.run_created()
        await run_in(run, "running")
        await in_db(postgres.stop)
        await in_db(postgres.start)
        await in_db(connections.close_all)
        remote.finish({"a": 1})
        await run_in(run, "succeeded", deadline_s=RECOVERY_S)
        other = await in_db(make_run, team=team, server=server)
        (await scripted.run_created(2)).finish({})
        await run_in(other, "succeeded", deadline_s=RECOVERY_S)

    assert len(scripted.created) == 2


def test_pages_say_so_while_postgres_is_away_and_are_back_with_it(postgres: Any) -> None:
    browser = Client()
    browser.force_login(make_user(make_team()))
    connections.close_all()
    postgres.stop()

    page = browser.get("/runs/")
    document = browser.get("/runs/", headers={"Accept": "application/json"})
    health = browser.get("/healthz")
    postgres.start()
    connections.close_all()

    assert page.status_code == document.status_code == 503
    assert "Nothing is lost" in page.content.decode()
    assert "Traceback" not in page.content.decode()
    assert document.json()["error"]
    assert (health.status_code, health.json()["database"]) == (503, False)
    assert browser.get("/runs/").status_code == 200


def _held_run() -> tuple[Run, leases.Lease]:
    make_run()
    (run,) = leases.run_claim(owner=uuid.uuid4(), limit=1)
    lease = lease_of(run)
    leases.run_sending(lease)
    leases.run_created_on_server(lease, remote_run_id="remote", remote_thread_id="thread")
    return run, lease


async def test_an_outcome_left_on_disk_is_stored_by_the_next_worker(spool: Spool) -> None:
    run, lease = await in_db(_held_run)
    outcome = Outcome(RunStatus.FAILED, RunError("E", "m\x00", "n"), b'{"kept": 1}', {"next": ["a"]}, 2)
    spool.put(lease, "remote", outcome).close()
    database = Database()

    await OutcomeStore(database, spool).store_left_behind()
    database.close()

    ended = await run_in(run, "failed")
    assert (ended.result.body, ended.error_node, ended.ending, ended.executions) == (
        b'{"kept": 1}',
        "n",
        {"next": ["a"]},
        2,
    )
    assert list(spool.take()) == []


async def test_a_worker_stores_by_itself_what_another_left_on_disk() -> None:
    run, lease = await in_db(_held_run)
    Spool(settings.ENV.data_dir / "spool").put(
        lease, "remote", Outcome(RunStatus.SUCCEEDED, body=b'{"kept": 1}')
    ).close()

    async with working():
        ended = await run_in(run, "succeeded")

    assert ended.result.body == b'{"kept": 1}'
    assert "adopted" not in await in_db(kinds, ended)


@pytest.mark.parametrize(("started_s_ago", "lasted_s"), [(3600, 3540), (10, 0)])
async def test_an_outcome_that_waited_is_dated_when_it_was_known(
    spool: Spool, started_s_ago: int, lasted_s: int
) -> None:
    run, lease = await in_db(_held_run)
    started_at = Now() - timedelta(seconds=started_s_ago)
    await in_db(Run.objects.filter(pk=run.pk).update, started_at=started_at)
    spool.put(lease, "remote", Outcome(RunStatus.SUCCEEDED, body=b"{}", known_at=time.time() - 60)).close()
    database = Database()

    await OutcomeStore(database, spool).store_left_behind()
    database.close()

    ended = await run_in(run, "succeeded")
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert abs((ended.finished_at - ended.started_at).total_seconds() - lasted_s) < 5  # never before it began


async def test_a_late_outcome_is_stored_although_another_worker_has_taken_over(spool: Spool) -> None:
    run, lease = await in_db(_held_run)
    await in_db(Run.objects.filter(pk=run.pk).update, lease_expires_at="2020-01-01T00:00:00Z")
    (taken,) = await in_db(leases.run_adopt, owner=uuid.uuid4(), limit=1)
    spool.put(lease, "remote", Outcome(RunStatus.SUCCEEDED, body=b"{}")).close()
    database = Database()

    await OutcomeStore(database, spool).store_left_behind()
    database.close()

    await run_in(run, "succeeded")
    with pytest.raises(leases.LeaseLost):
        await in_db(outcomes.run_finish, lease_of(taken), Outcome(RunStatus.LOST))


async def test_a_late_outcome_of_an_ended_run_changes_nothing(spool: Spool) -> None:
    run, lease = await in_db(_held_run)
    await in_db(outcomes.run_finish, lease, Outcome(RunStatus.SUCCEEDED, body=b'{"first": 1}'))
    spool.put(lease, "remote", Outcome(RunStatus.FAILED, body=b'{"second": 1}')).close()
    database = Database()

    await OutcomeStore(database, spool).store_left_behind()
    database.close()

    assert (await run_in(run, "succeeded")).result.body == b'{"first": 1}'
    assert list(spool.take()) == []


async def test_a_file_that_is_cut_short_is_dropped_and_the_run_stays_to_be_adopted(spool: Spool) -> None:
    run, lease = await in_db(_held_run)
    spooled = spool.put(lease, "remote", Outcome(RunStatus.SUCCEEDED, body=b'{"whole": 1}'))
    spooled.path.write_bytes(spooled.path.read_bytes()[:-3])
    spooled.close()
    database = Database()

    await OutcomeStore(database, spool).store_left_behind()
    database.close()

    assert (await in_db(Run.objects.get, pk=run.pk)).status == "running"
    assert list(spool.take()) == []


async def test_a_file_in_work_is_left_alone(spool: Spool) -> None:
    _, lease = await in_db(_held_run)
    spooled = spool.put(lease, "remote", Outcome(RunStatus.SUCCEEDED))

    assert list(spool.take()) == []

    spooled.close()
    assert len([each.close() for each in spool.take()]) == 1


async def test_when_the_disk_is_full_too_the_outcome_waits_in_memory(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, lease = await in_db(_held_run)
    failing = iter([OperationalError("away"), OperationalError("away")])
    original = outcomes.run_finish

    def finish(*args: Any) -> None:
        error = next(failing, None)
        if error is not None:
            raise error
        original(*args)

    def full(*args: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(outcomes, "run_finish", finish)
    monkeypatch.setattr(spool, "put", full)
    database = Database()

    await OutcomeStore(database, spool).store(lease, "remote", Outcome(RunStatus.SUCCEEDED, body=b"{}"))
    database.close()

    assert (await run_in(run, "succeeded")).result.body == b"{}"
