"""An answer whose run fails, is cancelled or lost: the question says so, and opens again if its server still waits."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from dashboard.answers.services import run_answer, run_continue
from dashboard.runs.leases import run_created_on_server, run_sending
from dashboard.runs.models import Run, WaitState
from dashboard.runs.outcomes import Outcome, RunError, run_finish
from dashboard.runs.services import LaunchOrder, run_cancel, run_launch
from dashboard.runs.statuses import RunStatus
from dashboard.runs.waiting import wait_check_ask
from dashboard.servers.models import Server
from dashboard.teams.models import User
from dashboard.worker import wait_checks
from tests.asynchronous import eventually, in_db, run_in, working
from tests.factories import claim, make_run, make_server, make_team, make_user
from tests.scripted_server import ScriptedServer
from tests.scripted_server.runs import ScriptedRun
from tests.words import flat

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def person() -> User:
    return make_user(make_team(), username="ada", role="admin")


@pytest.fixture
def server(person: User, scripted: ScriptedServer) -> Server:
    return make_server(person.teams.get(), url=scripted.url)


async def asked(server: Server, person: User, scripted: ScriptedServer) -> Run:
    """A run that asks, with the worker at work."""
    run = await in_db(run_launch, team=server.team, by=person, order=LaunchOrder(server=server, assistant_id="chat"))
    await run_in(run, RunStatus.RUNNING)
    (remote,) = scripted.created
    remote.interrupt("Go?")
    return await run_in(run, RunStatus.NEEDS_INPUT)


async def answer(run: Run, person: User, word: str = "yes") -> Run:
    ids = [question.interrupt_id async for question in run.questions.all()]
    run = await Run.objects.select_related("server", "request", "team").aget(pk=run.pk)
    return await in_db(run_answer, run=run, by=person, answers={ids[0]: word}, key=None)


async def wait_state(run: Run, state: str) -> Run:
    async def look() -> Run | None:
        fresh = await Run.objects.aget(pk=run.pk)
        return fresh if fresh.wait_state == state else None

    return await eventually(look, f"{run.pk} is {state}")


def run_page(person: User, run: Run) -> str:
    browser = Client()
    browser.force_login(person)
    return flat(browser.get(reverse("run-detail", args=[run.pk])))


def remote_of(scripted: ScriptedServer, run: Run) -> ScriptedRun:
    return next(each for each in scripted.created if each.run_id == run.remote_run_id)


async def test_one_that_the_graph_raised_over_stays_the_answer(
    server: Server, person: User, scripted: ScriptedServer
) -> None:
    async with working():
        run = await asked(server, person, scripted)
        child = await run_in(await answer(run, person), RunStatus.RUNNING)
        remote_of(scripted, child).fail("TypeError", "no such decision")
        await run_in(child, RunStatus.FAILED)

        async def is_checked() -> bool:
            fresh = await Run.objects.aget(pk=run.pk)
            return fresh.wait_check_asked_at is None and fresh.wait_checked_at is not None

        await eventually(is_checked, "the server was asked")

    assert (await Run.objects.aget(pk=run.pk)).wait_state == WaitState.ANSWERED
    page = await in_db(run_page, person, run)
    assert "Answered by ada, but the run that carried the answer failed." in page
    assert "ignores another one" in page


async def test_one_that_was_cancelled_leaves_the_question_open_where_the_server_waits(
    server: Server, person: User, scripted: ScriptedServer
) -> None:
    async with working():
        run = await asked(server, person, scripted)
        child = await run_in(await answer(run, person), RunStatus.RUNNING)
        question = await run.questions.aget()
        # What `langgraph dev` says of the thread then, and it takes another answer.
        remote_of(scripted, child).thread.interrupts = [{"id": question.interrupt_id, "value": "Go?"}]
        await in_db(run_cancel, run=child, by=person)
        await run_in(child, RunStatus.CANCELLED)

        fresh = await wait_state(run, WaitState.OPEN)
        again = await run_in(await answer(fresh, person, "no"), RunStatus.RUNNING)

    assert again.answers_id == run.pk
    kinds = [event.kind async for event in run.events.all()]
    assert kinds[-3:] == ["answer_came_to_nothing", "reopened", "answered"]


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.LOST])
def test_the_question_says_how_the_answers_run_ended(person: User, status: RunStatus, client: Client) -> None:
    """Also before anybody has asked the server; and every open page shows it."""
    server = make_server(person.teams.get())
    ending: dict[str, Any] = {"interrupts": [{"id": "q", "value": "Go?"}]}
    run = make_run(by=person, server=server, status=RunStatus.NEEDS_INPUT, ending=ending)
    child = run_answer(run=run, by=person, answers={"q": "yes"}, key=None, is_checked=True)
    version = Run.objects.get(pk=run.pk).version

    finish(child, status)

    client.force_login(person)
    assert Run.objects.get(pk=run.pk).version > version
    assert "but the run that carried the answer" in run_page(person, run)
    assert "which did not finish" in flat(client.get(reverse("run-list")))
    document = client.get(reverse("run-json", args=[run.pk])).json()["question"]
    assert (document["state"], document["answered_by"]["status"]) == ("answered", status)


def test_a_continuation_that_failed_is_said_and_promises_nothing(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.answers.services.CHECK_S", 0.0)
    run = make_run(
        by=person, server=make_server(person.teams.get()), status=RunStatus.PAUSED, ending={"next": ["review"]}
    )
    child = run_continue(run=run, by=person, key=None)

    finish(child, RunStatus.FAILED)

    page = run_page(person, run)
    assert "Continued by ada, but the run that went on failed." in page
    assert "ignores another one" not in page


def finish(run: Run, status: RunStatus) -> None:

    error = RunError("ValueError", "no") if status == RunStatus.FAILED else None
    lease = claim(run)
    run_sending(lease)
    run_created_on_server(lease, remote_run_id=str(uuid.uuid4()), remote_thread_id=str(run.remote_thread_id))
    run_finish(lease, Outcome(status, error=error))


async def test_what_a_server_said_of_a_question_outlives_an_outage(
    server: Server, person: User, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, tries = wait_checks._checked, []

    def away_once(run: Run) -> None:
        tries.append(run.pk)
        if len(tries) == 1:
            raise OperationalError("away")
        keep(run)

    monkeypatch.setattr(wait_checks, "_checked", away_once)
    async with working():
        run = await asked(server, person, scripted)
        await in_db(wait_check_ask, [run])

        async def is_checked() -> bool:
            return (await Run.objects.aget(pk=run.pk)).wait_checked_at is not None

        await eventually(is_checked, "the server was asked once, and its word is kept")

    assert len(tries) == 2
