"""A server that ends a run and then will not say how: the page says so, and finally shows what is known."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dashboard.runs.models import Run, ThreadChoice
from tests.asynchronous import eventually, in_db, kinds, launch, run_in, working
from tests.factories import make_run
from tests.scripted_server import Fault, ScriptedRun, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

BROKEN, AWAY = Fault(status=500), Fault(status=503)
ENDS: dict[str, tuple[Callable[[ScriptedRun], object], str]] = {
    "failed": (lambda run: run.fail("ValueError", "no tides"), "failed"),
    "timed out": (lambda run: run.time_out({"half": 1}), "timed_out"),
    "cancelled there": (lambda run: run.cancel({"half": 1}), "cancelled"),
    "a question": (lambda run: run.interrupt("go on?"), "needs_input"),
    "well": (lambda run: run.finish({"whole": 1}), "succeeded"),
    "at a node": (lambda run: run.pause({"half": 1}, next=["review"]), "paused"),
}


@pytest.mark.parametrize(
    ("fault", "end"),
    [*((BROKEN, end) for end in ENDS), (AWAY, "well")],
    ids=[*(f"broken-{end}" for end in ENDS), "away-well"],
)
async def test_a_state_that_never_comes_does_not_keep_a_run_running(
    scripted: ScriptedServer, fault: Fault, end: str
) -> None:
    finish, status = ENDS[end]
    scripted.script("state", fault, times=None)
    async with working():
        run = await launch(scripted, retry_for_s=1)
        remote = await scripted.run_created()
        await run_in(run, "running")
        finish(remote)
        ended = await run_in(run, "failed", "timed_out", "cancelled", "needs_input", "paused", "succeeded", "lost")

    assert ended.status == status


@pytest.mark.parametrize("thread", [BROKEN, Fault(body=b'{"status": "busy"}'), Fault(body=b"{}")])
async def test_an_end_without_an_error_is_not_called_success_on_the_runs_word_alone(
    scripted: ScriptedServer, thread: Fault
) -> None:
    scripted.script("state", BROKEN, times=None)
    scripted.script("threads_search", BROKEN, times=None)
    scripted.script("thread", thread, times=None)
    async with working():
        run = await launch(scripted, retry_for_s=1)
        remote = await scripted.run_created()
        await run_in(run, "running")
        remote.finish({"whole": 1})
        ended = await run_in(run, "succeeded", "lost")

    assert ended.status == "lost"
    assert "not whether it finished" in ended.error_message
    assert json.loads(ended.result.body) == {"whole": 1}


@pytest.mark.parametrize(
    "history",
    [
        Fault(status=405, detail="no"),
        Fault(status=404, detail="Not Found"),
        Fault(body=b'[{"values": {"of": "another"}, "next": [], "tasks": [], "metadata": {"run_id": "another"}}]'),
    ],
    ids=["none", "not there", "of another run"],
)
@pytest.mark.parametrize(
    ("end", "status"), [("a question", "needs_input"), ("at a node", "lost"), ("cancelled there", "cancelled")]
)
async def test_what_another_run_left_is_not_taken_for_its_own(
    scripted: ScriptedServer, history: Fault, end: str, status: str
) -> None:
    """Another run has used the thread since, and the server has no history to tell whose state is whose."""
    async with working():
        run = await launch(scripted, retry_for_s=1)
        remote = await scripted.run_created()
        await run_in(run, "running")
        run = await in_db(Run.objects.get, pk=run.pk)
        place = {"thread": ThreadChoice.EXISTING, "thread_id": run.remote_thread_id}
        await in_db(lambda: make_run(team=run.team, server=run.server, **place))
        follower = await scripted.run_created(2)
        scripted.script("history", history, times=None)
        scripted.script("run", Fault(delay_s=0.3))
        ENDS[end][0](remote)
        follower.start()
        follower.finish({"of": "the follower"})
        run = await run_in(run, "succeeded", "paused", "needs_input", "cancelled", "lost")

    assert run.status == status  # a question is in the run's own answer
    assert "no_state" not in run.ending


@pytest.mark.parametrize(("graph", "status"), [("chat", "succeeded"), ("other", "lost"), (None, "succeeded")])
async def test_that_nothing_waits_is_not_believed_of_another_graph(
    scripted: ScriptedServer, graph: str | None, status: str
) -> None:
    """LangGraph renders all states of a thread with its latest run's graph: with another graph no node ever waits."""
    async with working():
        run = await launch(scripted, retry_for_s=1)
        remote = await scripted.run_created()
        await run_in(run, "running")
        own = {"values": {}, "next": [], "tasks": [], "metadata": {"run_id": remote.run_id, "graph_id": "chat"}}
        scripted.script("state", Fault(body=json.dumps(own).encode()))
        scripted.script("runs", Fault(body=b'[{"run_id": "a later one"}]'))
        thread = {"thread_id": remote.thread_id, "metadata": {"graph_id": graph} if graph else {}}
        scripted.script("threads_search", Fault(body=json.dumps([thread]).encode()))
        remote.finish({"whole": 1})
        run = await run_in(run, "succeeded", "lost")

    assert run.status == status
    assert json.loads(run.result.body) == {"whole": 1}


async def test_the_thread_of_a_stateless_run_that_is_lost_stays_where_somebody_may_look(
    scripted: ScriptedServer,
) -> None:
    for endpoint in ("state", "threads_search", "thread"):
        scripted.script(endpoint, BROKEN, times=None)
    async with working():
        run = await launch(scripted, retry_for_s=1, thread=ThreadChoice.STATELESS)
        remote = await scripted.run_created()
        await run_in(run, "running")
        remote.finish({"whole": 1})
        await run_in(run, "lost")
        other = await launch(scripted, retry_for_s=1, thread=ThreadChoice.STATELESS)
        scripted.clear_script()
        (await scripted.run_created(2)).finish({"whole": 2})
        await run_in(other, "succeeded")
        await scripted.requested("thread_delete")

    assert remote.thread_id in scripted.threads
    assert scripted.created[1].thread_id not in scripted.threads


@pytest.mark.parametrize("endpoint", ["runs", "state"])
async def test_the_page_says_that_the_end_is_not_known_yet(
    scripted: ScriptedServer, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.worker.retry.SAID_AFTER_S", 0.2)
    scripted.script(endpoint, Fault(status=502), times=None)
    async with working():
        run = await launch(scripted, retry_for_s=900)
        remote = await scripted.run_created()
        await run_in(run, "running")
        remote.finish({"whole": 1})

        noted = Run.objects.filter(pk=run.pk, reconnecting_since__isnull=False)
        await eventually(lambda: in_db(noted.exists), "the page says that the server does not answer")
        scripted.clear_script()
        ended = await run_in(run, "succeeded")

    messages = [event.data.get("message", "") for event in await in_db(lambda: list(ended.events.all()))]
    assert any("does not say how the run ended" in message for message in messages)
    assert ended.reconnecting_since is None


KNOWN = {
    "failed": ENDS["failed"],
    "timed out": ENDS["timed out"],
    "a question": ENDS["a question"],
}


@pytest.mark.real_pauses
@pytest.mark.parametrize("end", KNOWN)
@pytest.mark.parametrize("fault", [BROKEN, Fault(status=502), Fault(cut_before_headers=True, hang=True)])
async def test_an_outcome_that_is_known_waits_seconds_for_what_is_nice_to_have(
    scripted: ScriptedServer, end: str, fault: Fault
) -> None:
    finish, status = KNOWN[end]
    for endpoint in ("state", "history"):
        scripted.script(endpoint, fault, times=None)
    async with working():
        run = await launch(scripted, retry_for_s=900)
        remote = await scripted.run_created()
        await run_in(run, "running")
        finish(remote)
        ended = await run_in(run, "failed", "timed_out", "needs_input", "succeeded", "lost", deadline_s=6)

    assert ended.status == status
    assert "connection_lost" not in await in_db(kinds, ended)
