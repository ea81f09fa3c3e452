"""The worker's threads for Postgres: what is retried, and which connections are replaced."""

from __future__ import annotations

import asyncio
import os
import resource

import pytest
from django.db import DataError, IntegrityError, connection

from dashboard.runs.models import Run
from dashboard.worker.database import THREADS, Database
from tests.asynchronous import in_db

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_worker_with_more_than_a_thousand_connections_can_use_a_new_connection() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    taken = [os.open(os.devnull, os.O_RDONLY)]
    database = Database()
    try:
        while taken[-1] < 1100:
            taken.append(os.dup(taken[0]))
        for _ in range(2 * THREADS + 1):  # each thread's connection, new and used
            assert await database.call(Run.objects.count) == 0
    finally:
        database.close()
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _raise(sqlstate: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'scripted' USING ERRCODE = '{sqlstate}'; END $$")


@pytest.mark.parametrize("sqlstate", ["54000", "22021", "23514"])
async def test_what_no_later_try_can_change_is_not_tried_again(sqlstate: str) -> None:
    database = Database()

    with pytest.raises((DataError, IntegrityError)):
        await asyncio.wait_for(database.call_with_retry(_raise, sqlstate), 5)
    database.close()


@pytest.mark.parametrize("sqlstate", ["25006", "57P01", "57P03", "40P01", "53300", "08006"])
async def test_what_passes_is_tried_again(sqlstate: str) -> None:
    database, tries = Database(), [sqlstate, sqlstate]

    await asyncio.wait_for(database.call_with_retry(lambda: _raise(tries.pop()) if tries else None), 5)
    database.close()

    assert tries == []


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _end_backend(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


async def test_a_connection_that_dies_in_the_middle_of_a_call_is_replaced() -> None:
    database, tries = Database(threads=1), [True]

    def die_once() -> int:
        pid = _backend()
        if tries:
            tries.pop()
            _end_backend(pid)
        return pid

    first = await database.call(_backend)
    assert await asyncio.wait_for(database.call_with_retry(die_once), 15) != first
    database.close()


async def test_a_connection_that_postgres_ended_while_nobody_used_it_fails_no_call() -> None:
    database = Database(threads=1)
    pid = await database.call(_backend)
    await in_db(_end_backend, pid)

    assert await database.call(_backend) != pid
    database.close()
