"""A server that takes only so many runs at once never gets more, however many workers claim."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection

from dashboard.monitoring.banners import run_notice
from dashboard.monitoring.selectors import LiveWorkers
from dashboard.runs import leases, outcomes
from dashboard.runs.leases import lease_of
from dashboard.runs.models import Run
from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.servers.models import Server
from tests.asynchronous import eventually, in_db, run_in, working
from tests.factories import make_run, make_server, make_team, make_user
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)


def limited_server(most: int, url: str = "http://127.0.0.1:9") -> Server:
    server = make_server(make_team(), url=url)
    server.max_runs = most
    server.save()
    return server


def claim(limit: int = 50) -> list[Run]:
    return leases.run_claim(owner=uuid.uuid4(), limit=limit)


def test_no_more_are_claimed_than_the_server_takes_and_others_pass() -> None:
    narrow = limited_server(2)
    wide = make_server(narrow.team)
    waiting = [make_run(server=narrow, by=make_user(narrow.team)) for _ in range(4)]
    others = [make_run(server=wide, by=make_user(narrow.team)) for _ in range(3)]

    first, second = claim(), claim()

    assert {run.pk for run in first} == {run.pk for run in [*waiting[:2], *others]}
    assert second == []


def test_an_end_makes_room_for_the_next_oldest() -> None:
    server = limited_server(1)
    waiting = [make_run(server=server, by=make_user(server.team)) for _ in range(3)]

    (run,) = claim()
    outcomes.run_finish(lease_of(run), Outcome(RunStatus.FAILED))

    assert [found.pk for found in claim()] == [waiting[1].pk]


def test_workers_that_claim_at_the_same_time_do_not_take_more() -> None:
    server = limited_server(3)
    for _ in range(30):
        make_run(server=server, by=make_user(server.team))
    taken: list[Run] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        try:
            for _ in range(3):
                taken.extend(claim(limit=2))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == 3
    assert Run.objects.filter(server=server, status=RunStatus.STARTING).count() == 3


def test_the_page_of_a_run_that_waits_for_its_turn_says_so() -> None:
    server = limited_server(1)
    make_run(server=server, by=make_user(server.team))
    waiting = make_run(server=server, by=make_user(server.team))
    claim()

    notice = run_notice(waiting, LiveWorkers(ids=frozenset({uuid.uuid4()}), is_full=False))

    assert notice is not None
    assert notice.title == f"{server.name} takes 1 run at a time and has no room now."


async def test_a_worker_keeps_to_the_limit_and_works_the_queue_off(
    scripted: ScriptedServer, quick_worker: None
) -> None:
    server = await in_db(limited_server, 1, scripted.url)
    user = await in_db(make_user, server.team)
    runs = [await in_db(make_run, server=server, by=user) for _ in range(3)]

    async with working():
        for number, run in enumerate(runs, start=1):
            created = await scripted.run_created(number)
            assert len(scripted.created) == number
            created.finish({"done": number})
            await run_in(run, "succeeded")

    async def nothing_waits() -> bool:
        return not await in_db(Run.objects.filter(status=RunStatus.QUEUED).exists)

    await eventually(nothing_waits, "the queue worked off")
