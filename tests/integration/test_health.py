"""What an operator sees: every condition is real, with real processes, and /healthz and the page say so."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db.models.functions import Now
from django.test import Client

from dashboard.monitoring.banners import run_notice
from dashboard.monitoring.diagnosis import diagnose, in_words
from dashboard.monitoring.selectors import live_workers, work_state
from dashboard.runs import leases
from dashboard.runs.events import EventKind
from dashboard.runs.leases import lease_of
from dashboard.runs.models import Run, RunEvent
from dashboard.runs.statuses import RunStatus
from dashboard.servers.services import server_unreachable
from dashboard.worker.models import Worker
from tests.asynchronous import eventually, in_db, run_in
from tests.factories import claim, make_run, make_server, make_team, make_user
from tests.integration.programs import Programs, health
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

START_S = 30.0


async def said(url: str, is_so: Callable[[dict[str, Any]], bool], what: str, *, deadline_s: float = START_S) -> Any:
    """What /healthz says, once it is so."""

    async def look() -> dict[str, Any] | None:
        found = await health(url)
        return found if found and is_so(found) else None

    return await eventually(look, what, deadline_s=deadline_s)


async def launched(scripted: ScriptedServer, count: int) -> list[Run]:
    team = await in_db(make_team)
    server = await in_db(make_server, team, url=scripted.url)
    return [await in_db(lambda: make_run(team=team, server=server)) for _ in range(count)]


async def test_no_worker_is_said_with_what_waits_and_what_to_do(scripted: ScriptedServer, programs: Programs) -> None:
    runs = await launched(scripted, 3)
    url = programs.web()

    found = await said(url, lambda it: it["listener"], "the web process listens")
    assert (found["http"], found["status"], found["workers"]) == (503, "unavailable", 0)
    assert found["waiting"] == 3
    assert found["oldest_waiting_s"] >= 0
    assert found["problems"][0].startswith("No worker is running. 3 runs wait, the oldest for ")
    assert "Start one with `manage.py run_worker`" in found["problems"][0]

    worker = programs.worker()
    found = await said(url, lambda it: it["http"] == 200, "a worker is there")
    assert (found["status"], found["queue"], found["problems"]) == ("ok", "ok", [])
    for run in runs:
        await run_in(run, "running")
    # A worker that is slow to start finds runs that waited long, which is worth a note until it has taken them.
    found = await said(url, lambda it: it["notes"] == [], "all is well")
    assert (found["http"], found["status"], found["queue"], found["problems"]) == (200, "ok", "ok", [])

    worker.kill()
    found = await said(url, lambda it: it["workers"] == 0, "the silence is noticed")
    assert found["http"] == 503
    assert "No worker is running: the last one has been silent for" in found["problems"][0]
    assert found["orphaned"] == 3
    assert "3 runs wait for a worker to take them over." in found["notes"][0]


async def test_a_full_worker_is_said_and_is_no_illness(scripted: ScriptedServer, programs: Programs) -> None:
    runs = await launched(scripted, 3)
    url = programs.web()
    programs.worker(RUNBOARD_WORKER_CONCURRENCY="1")
    await in_db(Run.objects.update, status_at=Now() - timedelta(minutes=5))

    found = await said(url, lambda it: it.get("queue") == "full" and it["listener"], "it is full")
    assert (found["http"], found["status"], found["waiting"]) == (200, "ok", 2)
    assert "Every worker is full: 1 run is held, and there is room for no more." in found["notes"][0]
    assert "2 runs wait, the oldest for 5 min." in found["notes"][0]

    for number in (1, 2, 3):
        (await scripted.run_created(number)).finish({})
    for run in runs:
        await run_in(run, "succeeded")
    await said(url, lambda it: it["queue"] == "ok", "there is room again")


async def test_a_claim_that_is_blocked_is_a_stuck_queue(
    scripted: ScriptedServer, programs: Programs, database_url: str
) -> None:
    (run,) = await launched(scripted, 1)
    await in_db(Run.objects.update, status_at=Now() - timedelta(minutes=4))
    url = programs.web()
    with psycopg.connect(database_url) as holder:
        holder.execute("SELECT 1 FROM runs_run WHERE id = %s FOR UPDATE", [run.pk])
        programs.worker()
        found = await said(url, lambda it: it["http"] == 200, "a worker that has only just started is no reason")
        assert found["waiting"] == 1
        await in_db(Worker.objects.update, started_at=Now() - timedelta(minutes=5))

        found = await said(url, lambda it: it["queue"] == "stuck", "it is stuck")
        # Others go on: a run that younger ones overtake is stuck all the same.
        for other in await launched(scripted, 2):
            await run_in(other, "running")
        assert (await health(url))["queue"] == "stuck"

    assert (found["http"], found["waiting"]) == (503, 1)
    sentence = "The queue is stuck: runs have been due for more than 60 s although a worker has room."
    assert sentence in found["problems"][0]
    assert "1 run has waited for 4 min." in found["problems"][0]
    await run_in(run, "running")
    await said(url, lambda it: it["http"] == 200, "all is well again")


def test_a_long_queue_that_is_worked_off_is_not_stuck() -> None:
    Worker.objects.create(host="box", pid=1, concurrency=500, started_at=Now() - timedelta(minutes=5))
    taken, waiting = make_run(status=RunStatus.RUNNING), make_run()
    Run.objects.filter(pk=waiting.pk).update(status_at=Now() - timedelta(minutes=4))
    assert waiting.created_at > taken.created_at

    assert not work_state().is_stuck
    (note,) = [found for found in diagnose(work_state(), hears_changes=True) if "although" in found.title]
    assert not note.sick
    assert "1 run has waited for 4 min." in note.text
    waiting.refresh_from_db()
    assert run_notice(waiting, live_workers()) is None
    RunEvent.objects.filter(run=taken).update(at=Now() - timedelta(minutes=1))
    assert work_state().is_stuck, "nobody has taken one for a while"
    notice = run_notice(waiting, live_workers())
    assert notice is not None
    assert notice.title == "This run has been due for 4 min although a worker has room."
    assert run_notice(make_run(), live_workers()) is None, "it has only just come"
    Worker.objects.update(held=500)
    assert not work_state().is_stuck, "there was no room"


def test_runs_that_are_due_and_runs_that_are_tried_again_are_distinguished() -> None:
    make_run()
    retried = make_run()
    lease = claim(retried)
    leases.run_sending(lease)
    leases.run_requeue(lease, reason="refused", delay_s=25, patience_s=900)
    Run.objects.filter(pk=retried.pk).update(unreachable_since=Now() - timedelta(minutes=3))

    document = Client().get("/healthz").json()

    assert (document["waiting"], document["retrying"]) == (1, 1)
    assert document["oldest_waiting_s"] < 20
    (note,) = document["notes"]
    assert note.startswith("1 run is being retried: its server could not take it. For 3 min so far. The next attempt")


def test_a_run_that_is_tried_again_counts_as_such_while_it_is_tried() -> None:
    run = make_run()
    lease = claim(run)
    leases.run_sending(lease)
    leases.run_requeue(lease, reason="refused", delay_s=0, patience_s=900)

    between = work_state()
    claim(run)
    meanwhile = work_state()

    assert [(state.retrying, state.waiting) for state in (between, meanwhile)] == [(1, 0), (1, 0)]
    assert between.retrying_since == meanwhile.retrying_since is not None
    leases.leases_hand_back(owner=Run.objects.get().lease_owner)
    Run.objects.update(status_at=Now() - timedelta(seconds=30))
    assert (work_state().retrying, work_state().waiting) == (0, 1), "nobody takes it"


def test_servers_that_are_away_are_said_without_a_run_that_is_tried_again() -> None:
    team = make_team("Only team")
    run = make_run(server=make_server(team, name="east <1>"), status=RunStatus.RUNNING)
    Worker.objects.create(host="box", pid=1, concurrency=500)
    server_unreachable(server=run.server, problem="Nobody answers at http://127.0.0.1:9.")
    leases.connection_changed(lease_of(run), kind=EventKind.CONNECTION_LOST, data={"message": "reset"})
    member = Client()
    member.force_login(make_user(team))

    document, page = Client().get("/healthz").json(), member.get("/workers/").content.decode()

    assert document["disconnected"] == 1
    assert [note.partition(".")[0] for note in document["notes"]] == [
        "1 run waits for a worker to take it over",
        "1 server does not answer",
        "1 run has lost the connection to its server",
    ]
    assert "1 server does not answer: east &lt;1&gt;." in page
    assert "All is well" not in page
    make_team("Another team")
    assert "east" not in member.get("/workers/").content.decode(), "what one team's servers are called is its own"


def test_the_page_is_for_members_and_names_nobody_elses_runs() -> None:
    make_run(name="Theirs", server=make_server(make_team("Secret team"), name="secret server"))
    Worker.objects.create(host="box-7", pid=4711, concurrency=500)
    member = Client()
    member.force_login(make_user(make_team()))
    stranger = Client()
    stranger.force_login(make_user())

    page = member.get("/workers/").content.decode()

    assert "box-7" in page
    assert "4711" in page
    assert "0 of 500" in page
    assert "pages poll instead" in page
    assert not any(word in page for word in ("Theirs", "Secret team", "secret server"))
    assert 'id="workers-state"' in member.get("/workers/live/").content.decode()
    assert stranger.get("/workers/").status_code == 403
    assert Client().get("/workers/").status_code == 302


def test_where_debug_is_on_the_command_is_one_that_works_there(settings: Any) -> None:
    settings.ENV = dataclasses.replace(settings.ENV, debug=True)
    member = Client()
    member.force_login(make_user(make_team()))

    (problem, *_), page = Client().get("/healthz").json()["problems"], member.get("/workers/").content.decode()

    assert "`DEBUG=true .venv/bin/python manage.py run_worker`" in problem
    assert page.count("<code>DEBUG=true .venv/bin/python manage.py run_worker</code>") == 2  # also where none is listed


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (99, "99 s"), (100, "1 min"), (3599, "59 min"), (7500, "2 h 05 min"), (100_000, "1 d 03 h")],
)
def test_times_in_sentences(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
