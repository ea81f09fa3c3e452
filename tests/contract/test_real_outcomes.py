"""Ends that need more than one run, or another start of the real server. The others are in test_every_end.py."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest
from django.test import Client

from dashboard.langgraph import get_client
from dashboard.runs import services
from dashboard.runs.banners import run_banner
from dashboard.runs.models import Run
from dashboard.servers.models import Server
from dashboard.teams.models import User
from dashboard.worker.execution.connection import BEGUN
from tests.asynchronous import eventually, in_db, kinds, run_in, working
from tests.contract.langgraph_dev import SAMPLES, LangGraphDev
from tests.contract.test_every_end import follow
from tests.contract.test_real_runs import ENDED, SLOW, ended, launch, state
from tests.factories import make_server

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("coroutine_connections", "static_files"),
]

QUICK = json.dumps({"topic": "x", "seconds": 0})


async def going_on(server: Server, by: User, **fields: str) -> Run:
    """A run that goes on at the server, not only accepted."""
    run = await in_db(launch, server, by, assistant_id="report", **{"input": SLOW, **fields})
    run = await run_in(run, "running")
    async with get_client(server.url) as client:

        async def at_work() -> bool:
            found = await client.runs.get(str(run.remote_thread_id), str(run.remote_run_id))
            return found["status"] == "running"

        await eventually(at_work, "at work on the server")
    return run


async def test_cancelled_while_it_waited_on_the_server(server: Server, person: User) -> None:
    async with working():
        first = await going_on(server, person, input=json.dumps({"topic": "x", "seconds": 12}))
        waiting = await in_db(
            launch,
            server,
            person,
            assistant_id="report",
            input=QUICK,
            thread="existing",
            thread_id=str(first.remote_thread_id),
            multitask_strategy="enqueue",
        )
        await run_in(waiting, "running")
        await in_db(services.run_cancel, run=waiting, by=person)
        waiting = await run_in(waiting, *ENDED, deadline_s=20)
        first = await run_in(first, *ENDED, deadline_s=40)

    assert (first.status, waiting.status) == ("succeeded", "cancelled")
    assert waiting.ending["no_state"] is True
    assert not hasattr(waiting, "result"), "what its answer brings is what the first has left on the thread"


async def test_a_run_deleted_on_the_server_is_not_called_rolled_back(server: Server, person: User) -> None:
    async with working():
        run = await going_on(server, person)
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as somebody:
            deleted = await somebody.delete(f"/threads/{run.remote_thread_id}/runs/{run.remote_run_id}")
        run = await run_in(run, *ENDED, deadline_s=20)

    assert deleted.status_code == 204
    assert run.status == "lost"
    assert "does not stop it" in run.error_message
    assert not hasattr(run, "result"), "the server's own error is no final state"


def answered_on_its_page(run: Run, by: User, answers: dict[str, Any]) -> Run:
    """The run that answers, sent to where the form on the run's page is."""
    browser = Client()
    browser.force_login(by)
    url = f"/runs/{run.pk}/answer/"
    assert f'action="{url}"' in browser.get(f"/runs/{run.pk}/").content.decode()
    sent = browser.post(url, {"answers": json.dumps(answers)}, headers={"Accept": "application/json"})
    assert sent.status_code == 201, sent.content
    return Run.objects.get(pk=sent.json()["id"])


async def test_a_question_is_answered_by_its_id(server: Server, person: User) -> None:
    async with working():
        asked = await ended(server, person, assistant_id="approval", input='{"request": "a chair", "amount": 90}')
        (question,) = asked.ending["interrupts"]
        assert await in_db(run_banner, asked) is None, "the form says it all"
        answer = await in_db(answered_on_its_page, asked, person, {question["id"]: {"decision": "approve"}})
        done = await run_in(answer, *ENDED, deadline_s=30)

    assert done.status == "succeeded"
    assert state(done)["decision"] == "approved"


@pytest.mark.parametrize("is_followed", [False, True], ids=["alone", "followed at once"])
async def test_two_questions_answered_with_one_bare_value_is_a_failure(
    server: Server, person: User, is_followed: bool
) -> None:
    """It needs a thread with a question, so there is no stateless one."""
    async with working():
        asked = await ended(server, person, assistant_id="panel", input='{"proposal": "a new harbour"}')
        assert asked.status == "needs_input", asked.error_message
        again = {"assistant_id": "panel", "thread": "existing", "thread_id": str(asked.remote_thread_id)}
        wrong = await in_db(launch, server, person, **again, command='{"resume": "yes"}')
        if is_followed:
            await follow(await run_in(wrong, "running", *ENDED), server, "enqueue")
        wrong = await run_in(wrong, *ENDED, deadline_s=30)
        if not is_followed:  # the server still names its questions
            is_open = Run.objects.filter(pk=asked.pk, wait_state="open")
            await eventually(lambda: in_db(is_open.exists), "the questions are open again", deadline_s=30)

    assert (wrong.status, wrong.error_type, wrong.error_node) == ("failed", "RuntimeError", "")
    assert wrong.error_message.startswith(
        "When there are multiple pending interrupts, you must specify the interrupt id when resuming."
    )
    assert not hasattr(wrong, "result")
    banner = await in_db(lambda: run_banner(Run.objects.get(pk=wrong.pk)))
    assert banner is not None
    assert (banner.title, banner.code) == ("RuntimeError", wrong.error_message)
    assert "Change the input, and launch again." in banner.text
    if is_followed:
        before = await in_db(lambda: run_banner(Run.objects.get(pk=asked.pk)))
        assert before is not None
        assert before.other == wrong


async def test_two_questions_answered_by_their_ids(server: Server, person: User) -> None:
    async with working():
        asked = await ended(server, person, assistant_id="panel", input='{"proposal": "a new harbour"}')
        answers = {
            question["id"]: (question["response_schema"] or {}).get("examples", ["yes"])[0]
            for question in asked.ending["interrupts"]
        }
        done = await ended(
            server,
            person,
            assistant_id="panel",
            thread="existing",
            thread_id=str(asked.remote_thread_id),
            command=json.dumps({"resume": answers}),
        )

    assert done.status == "succeeded"


LONG = json.dumps({"topic": "x", "seconds": 30, "sections": 2})
"""Input of a run that outlives the restart of its server, also of one that is slow to start."""


async def saved_by(own: LangGraphDev, run: Run) -> None:
    """The server would know the run, and the state that it left, after a kill."""

    async def is_saved() -> bool:
        return own.has_saved(str(run.remote_run_id))

    await eventually(is_saved, "the server has saved the run", deadline_s=25)


@pytest.mark.parametrize(
    "but",
    [
        pytest.param("", id="with its states"),
        pytest.param("checkpoint", id="without its states", marks=pytest.mark.slow),
    ],
)
async def test_a_server_that_restarts_executes_again_and_we_say_so(person: User, but: str) -> None:
    with LangGraphDev(SAMPLES) as own:
        server = await in_db(make_server, await in_db(person.teams.get), url=own.url)
        async with working():
            run = await run_in(await in_db(launch, server, person, assistant_id="report", input=LONG), "running")
            moment = time.time()
            await saved_by(own, run)
            await asyncio.sleep(max(0.0, BEGUN.first_s + 2 - (time.time() - moment)))  # it has been seen running
            await in_db(own.restart, kill=True, lose=but)
            run = await run_in(run, *ENDED, deadline_s=90)

    found = await in_db(kinds, run)
    assert run.status == "succeeded"
    assert "connection_lost" in found
    assert "rejoined" in found
    assert (run.executions, found.count("executed_again")) == (2, 1)


@pytest.mark.parametrize("adopted", ["before the restart", pytest.param("after it", marks=pytest.mark.slow)])
async def test_a_run_that_changed_hands_and_was_executed_again_says_so(person: User, adopted: str) -> None:
    with LangGraphDev(SAMPLES) as own:
        server = await in_db(make_server, await in_db(person.teams.get), url=own.url)
        async with working():
            run = await run_in(await in_db(launch, server, person, assistant_id="report", input=LONG), "running")
            await saved_by(own, run)
        if adopted == "after it":
            await in_db(own.restart, kill=True)
        async with working():
            await eventually(lambda: in_db(run.events.filter(kind="adopted").exists), "adopted")
            if adopted == "before the restart":
                await in_db(own.restart, kill=True)
            run = await run_in(run, *ENDED, deadline_s=90)

    found = await in_db(kinds, run)
    assert run.status == "succeeded"
    assert (run.executions, found.count("executed_again")) == (2, 1)
