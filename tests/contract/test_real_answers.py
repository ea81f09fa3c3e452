"""Answers on the real server, for every shape of a question, sent by the worker as pages and programs send them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import AsyncClient
from django.urls import reverse

from dashboard.langgraph import get_client
from dashboard.runs.models import Run
from dashboard.runs.services import LaunchOrder, run_launch
from dashboard.runs.statuses import ACTIVE, RunStatus
from dashboard.servers.models import Server
from dashboard.teams.models import User
from dashboard.worker.execution.answer_check import OPEN, Verdict
from tests.asynchronous import eventually, in_db, run_in, working

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("coroutine_connections")]

ENDED = [status for status in RunStatus if status not in ACTIVE]
JSON = {"headers": {"Accept": "application/json"}}
ORDER = {"messages": [{"role": "user", "content": "Refund order 8841, 120.50 euros"}]}
MAIL = {"sender": "bob@example.org", "text": "Can we meet?"}
REQUEST = {"request": "A monitor", "amount": 180}


@pytest.fixture
async def browser(async_client: AsyncClient, person: User, static_files: None) -> AsyncClient:
    await async_client.aforce_login(person)
    return async_client


async def asked(server: Server, by: User, assistant_id: str, **params: Any) -> Run:
    """A run of the graph, once it has stopped."""
    order = LaunchOrder(server=server, assistant_id=assistant_id, params=params)
    return await run_in(await in_db(run_launch, team=server.team, by=by, order=order), *ENDED, deadline_s=30)


async def answer(browser: AsyncClient, run: Run, answers: Any) -> Any:
    return await browser.post(reverse("run-answer", args=[run.pk]), {"answers": json.dumps(answers)}, **JSON)


async def answered(browser: AsyncClient, run: Run, answers: Any) -> Run:
    """The run that answered, once it has ended."""
    response = await answer(browser, run, answers)
    assert response.status_code == 201, response.content
    return await run_in(await Run.objects.aget(pk=response.json()["id"]), *ENDED, deadline_s=30)


async def ids_of(run: Run) -> list[str]:
    return [question.interrupt_id async for question in run.questions.all()]


async def question_state(browser: AsyncClient, run: Run) -> Any:
    return (await browser.get(reverse("run-json", args=[run.pk]))).json()["question"]["state"]


async def test_a_graph_that_raises_over_its_answer_keeps_it(browser: AsyncClient, server: Server, person: User) -> None:
    """Its server names no question then: it would ignore a second answer, so the question does not open again."""
    async with working():
        run = await asked(server, person, "refunds", input=ORDER)
        child = await answered(browser, run, {(await ids_of(run))[0]: "a word where decisions are awaited"})

        async def is_checked() -> bool:
            fresh = await Run.objects.aget(pk=run.pk)
            return fresh.wait_check_asked_at is None and fresh.wait_checked_at is not None

        await eventually(is_checked, "the server was asked", deadline_s=30)

    assert child.status == RunStatus.FAILED
    assert await question_state(browser, run) == "answered"


APPROVED = {"type": "approve"}
EDITED = {"type": "edit", "edited_action": {"name": "send_letter", "args": {"to": "x@example.org", "text": "Sorry"}}}
SHAPES = {
    "approval": ({"input": REQUEST}, {"decision": "approve", "comment": "fine"}, "approved"),
    "refunds": ({"input": ORDER}, {"decisions": [APPROVED, EDITED]}, "Wrote to x@example.org"),
    "mail": ({"input": MAIL}, [{"type": "response", "args": "shorter"}], "Drafted anew: shorter"),
}


@pytest.mark.parametrize("graph", SHAPES)
async def test_each_shape_is_answered_as_its_graph_expects(
    server: Server, person: User, browser: AsyncClient, graph: str
) -> None:
    params, value, said = SHAPES[graph]
    async with working():
        run = await asked(server, person, graph, **params)
        assert run.status == "needs_input"
        child = await answered(browser, run, {(await ids_of(run))[0]: value})

    assert child.status == "succeeded", child.error_message
    assert said in child.result.body.decode()
    assert await question_state(browser, run) == "answered"


async def test_several_questions_and_each_falsy_answer(server: Server, person: User, browser: AsyncClient) -> None:
    asks = [None, "", False, [], {}, 0]
    async with working():
        for inside in (False, True):
            run = await asked(server, person, "questions", input={"ask": asks, "inside": inside})
            assert [json.loads(question.value_json) async for question in run.questions.all()] == asks
            ids = await ids_of(run)
            child = await answered(browser, run, dict(zip(ids, [[], {}, 0, None, False, ""], strict=True)))
            assert child.status == "succeeded", child.error_message
            given = [one["answer"] for one in json.loads(child.result.body)["answers"]]
            assert given == [[], {}, 0, None, False, ""]


async def test_what_is_left_out_is_asked_again(server: Server, person: User, browser: AsyncClient) -> None:
    async with working():
        run = await asked(server, person, "refunds_per_call", input=ORDER)
        first, second = await ids_of(run)
        child = await answered(browser, run, {first: APPROVED})
        assert (child.status, await ids_of(child)) == ("needs_input", [second])
        last = await answered(browser, child, {second: {"type": "reject", "message": "no"}})

    assert last.status == "succeeded"
    assert b"Refunded 120.50" in last.result.body
    assert b"with reason: no" in last.result.body


async def test_one_answered_on_the_server_is_refused_at_once(
    server: Server, person: User, browser: AsyncClient
) -> None:
    async with working():
        run = await asked(server, person, "approval", input=REQUEST)
        (interrupt_id,) = await ids_of(run)
        async with get_client(server.url) as client:
            thread_id = str(run.remote_thread_id)
            await client.runs.wait(thread_id, "approval", command={"resume": {interrupt_id: True}})
            before = await client.runs.list(thread_id)
            response = await answer(browser, run, {interrupt_id: False})
            assert response.status_code == 409
            assert response.json()["answered_by"] is None
            assert await client.runs.list(thread_id) == before
        assert await question_state(browser, run) == "gone"


async def test_one_that_is_too_late_for_the_check_is_not_sent(
    server: Server, person: User, browser: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody checked before the launch: the worker checks in the last moment before it sends."""
    monkeypatch.setattr("dashboard.answers.services.is_sure", lambda run: True)
    async with working():
        run = await asked(server, person, "approval", input=REQUEST)
        (interrupt_id,) = await ids_of(run)
        async with get_client(server.url) as client:
            await client.threads.delete(str(run.remote_thread_id))
        child = await answered(browser, run, {interrupt_id: False})

    assert (child.status, child.error_type) == ("failed", "Answer not sent")
    assert await question_state(browser, run) == "gone"


async def test_an_answer_that_is_ignored_says_so(
    server: Server, person: User, browser: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody was faster on the server between the last check and the answer: it takes the answer and does nothing."""

    async def always(*_: Any) -> Verdict:
        return OPEN

    async with working():
        run = await asked(server, person, "approval", input=REQUEST)
        (interrupt_id,) = await ids_of(run)
        async with get_client(server.url) as client:
            await client.runs.wait(str(run.remote_thread_id), "approval", command={"resume": {interrupt_id: True}})
        monkeypatch.setattr("dashboard.answers.services.is_sure", lambda run: True)
        monkeypatch.setattr("dashboard.worker.execution.launcher.ask_whether_awaited", always)
        child = await answered(browser, run, {interrupt_id: False})
        page = (await browser.get(reverse("run-detail", args=[child.pk]))).content.decode()

    assert child.status == "succeeded"
    assert "This answer met no question." in page
    assert await question_state(browser, run) == "gone"


async def test_a_paused_run_goes_on_with_a_changed_value(server: Server, person: User, browser: AsyncClient) -> None:
    async with working():
        run = await asked(
            server,
            person,
            "report",
            input={"topic": "Tides", "seconds": 0.1, "sections": 1},
            interrupt_before=["review"],
        )
        assert run.status == "paused"
        url = reverse("run-continue", args=[run.pk])
        response = await browser.post(url, {"update": '{"title": "Gales"}'}, **JSON)
        child = await run_in(await Run.objects.aget(pk=response.json()["id"]), *ENDED, deadline_s=30)

    assert child.status == "succeeded", child.error_message
    assert json.loads(child.result.body)["title"] == "Gales"


async def test_open_questions_are_looked_at_when_somebody_asks(
    server: Server, person: User, browser: AsyncClient
) -> None:
    async with working():
        run = await asked(server, person, "approval", input=REQUEST)
        async with get_client(server.url) as client:
            await client.runs.wait(str(run.remote_thread_id), "approval", input=REQUEST)
        await browser.get(reverse("run-detail", args=[run.pk]))

        async def is_gone() -> bool:
            return bool(await question_state(browser, run) == "gone")

        await eventually(is_gone, "the page's look finds out that the thread went on")
