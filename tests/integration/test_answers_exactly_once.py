"""A worker is killed between sending an answer and the server's reply: delivered once, or called lost."""

from __future__ import annotations

import pytest

from dashboard.answers.services import run_answer
from dashboard.runs.models import Run, WaitState
from dashboard.runs.services import LaunchOrder, run_launch
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import User
from tests.asynchronous import in_db, kill, run_in, working
from tests.factories import make_server, make_team, make_user
from tests.integration.adopting import lease_ends
from tests.scripted_server import Fault, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def person() -> User:
    return make_user(make_team(), username="ada")


async def asked(person: User, scripted: ScriptedServer) -> Run:
    """A run that asks; a worker must be at work."""

    def launch() -> Run:
        server = make_server(person.teams.get(), url=scripted.url)
        order = LaunchOrder(server=server, assistant_id="chat")
        return run_launch(team=server.team, by=person, order=order)

    run = await in_db(launch)
    (await scripted.run_created()).interrupt("Go?")
    await run_in(run, RunStatus.NEEDS_INPUT)
    found: Run = await Run.objects.select_related("server", "request", "team").aget(pk=run.pk)
    return found


@pytest.mark.parametrize("took_it", [True, False])
async def test_a_worker_killed_before_the_confirmation_delivers_the_answer_once(
    person: User, scripted: ScriptedServer, took_it: bool
) -> None:
    async with working() as first:
        run = await asked(person, scripted)
        question = await run.questions.aget()
        scripted.script("wait", Fault(cut_before_headers=True, hang=True, creates=took_it))
        child = await in_db(run_answer, run=run, by=person, answers={question.interrupt_id: "yes"}, key=None)
        await scripted.requested("wait", 2)
        await kill(first)
    assert (await Run.objects.aget(pk=child.pk)).remote_run_id is None

    await lease_ends(child)
    async with working():
        await run_in(child, RunStatus.RUNNING)
        remote = await scripted.run_created(2)
        remote.finish({"went": "on"})
        await run_in(child, RunStatus.SUCCEEDED)

    sent = [each.payload.get("command") for each in scripted.created]
    assert sent == [None, {"resume": {question.interrupt_id: "yes"}}]
    assert (await Run.objects.aget(pk=run.pk)).wait_state == WaitState.ANSWERED


async def test_one_of_which_nobody_can_say_whether_it_arrived_is_lost_and_the_question_says_so(
    person: User, scripted: ScriptedServer
) -> None:
    async with working() as first:
        run = await asked(person, scripted)
        question = await run.questions.aget()
        scripted.script("wait", Fault(cut_before_headers=True, hang=True, creates=True))
        child = await in_db(run_answer, run=run, by=person, answers={question.interrupt_id: "yes"}, key=None)
        await scripted.requested("wait", 2)
        await kill(first)
    # It never says which runs there are, and its patience is over.
    scripted.script("runs", Fault(status=500), times=None)
    await in_db(type(run.server).objects.filter(pk=run.server_id).update, retry_for_s=1)

    await lease_ends(child)
    async with working():
        await run_in(child, RunStatus.LOST, deadline_s=20)

    found = await Run.objects.select_related("answer").aget(pk=run.pk)
    assert (found.wait_state, found.answer.status) == (WaitState.ANSWERED, RunStatus.LOST)
    assert [event.kind async for event in run.events.all()][-1] == "answer_came_to_nothing"
    assert len(scripted.created) == 2
