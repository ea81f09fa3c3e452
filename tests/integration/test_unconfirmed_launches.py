"""Launches and joins at an awkward moment of the server: a run found there is ours, or is left alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from dashboard.langgraph import Backoff
from dashboard.runs.models import ThreadChoice
from tests.asynchronous import eventually, in_db, launch, run_in, working
from tests.scripted_server import Fault, ScriptedServer
from tests.scripted_server.wire import Request

pytestmark = pytest.mark.django_db(transaction=True)

NEVER_CREATED = Fault(cut_before_headers=True, creates=False)


@pytest.fixture(autouse=True)
def _quick_lookups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.worker.execution.launch_lookup.LOOKUP", Backoff(first_s=0.2, longest_s=0.2))


class SlowToTake(ScriptedServer):
    """Loses the connection of the first launch, and creates its run a moment after a lookup found nothing."""

    def __init__(self) -> None:
        super().__init__(heartbeat_s=0.05, run_s=0.0)
        self._request: Request | None = None
        self._is_taken = False

    def choose_fault(self, endpoint: str, ids: Sequence[str], request: Request) -> Fault:
        if endpoint == "wait" and self._request is None:
            self._request = request
            return NEVER_CREATED
        if endpoint == "runs" and self._request is not None and not self._is_taken:
            self._is_taken = True
            self.in_background(self._take(self._request, list(ids)))
        return Fault()

    async def _take(self, request: Request, ids: list[str]) -> None:
        await asyncio.sleep(0.05)
        await self._create(request, ids)


async def test_a_launch_that_the_server_is_slow_to_take_is_found_by_a_later_look() -> None:
    async with SlowToTake() as server, working():
        run = await launch(server)
        ended = await run_in(run, "succeeded")

    assert ended.remote_run_id == server.created[0].run_id
    assert (len(server.created), server.count("wait")) == (1, 1)


@pytest.mark.parametrize("is_created", [True, False])
@pytest.mark.parametrize("status", [400, 405, 422])
async def test_a_launch_that_the_server_will_not_be_asked_about_is_lost_and_never_sent_again(
    scripted: ScriptedServer, status: int, is_created: bool
) -> None:
    scripted.script("wait", Fault(cut_before_headers=True, creates=is_created))
    scripted.script("runs", Fault(status=status, detail="Never."), times=None)
    async with working():
        run = await launch(scripted)
        ended = await run_in(run, "lost", "failed", "succeeded")

    assert (ended.status, ended.error_type) == ("lost", "Not known")
    assert f"would not say whether it has it (HTTP {status}: Never.)" in ended.error_message
    assert "may or may not have run" in ended.error_message
    assert (scripted.count("wait"), len(scripted.created)) == (1, int(is_created))


async def test_another_run_on_the_thread_is_not_taken_for_ours(scripted: ScriptedServer) -> None:
    async with working():
        first = await launch(scripted)
        (await scripted.run_created()).finish({"first": 1})
        first = await run_in(first, "succeeded")

        scripted.script("wait", NEVER_CREATED)
        second = await launch(scripted, thread=ThreadChoice.EXISTING, thread_id=first.remote_thread_id)
        (await scripted.run_created(2)).finish({"second": 1})
        second = await run_in(second, "succeeded")

    assert second.remote_run_id == scripted.created[1].run_id
    assert second.result.body == b'{"second": 1}'


async def test_the_values_of_the_run_that_followed_are_not_stored(scripted: ScriptedServer) -> None:
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
    remote.finish({"own": 1})
    remote.thread.values, remote.thread.last_run_id = {"of another": 2}, "the run that followed"
    async with working():
        ended = await run_in(run, "succeeded")

    assert scripted.count("join") == 1
    assert ended.result.body == b'{"own": 1}'


async def test_how_a_run_ended_does_not_come_from_the_run_that_followed(scripted: ScriptedServer) -> None:
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
        remote.pause({"half": 1}, next=["review"])
        remote.thread.next, remote.thread.last_run_id = [], "the run that followed"
        ended = await run_in(run, "paused", "succeeded", "lost")

    assert (ended.status, ended.ending["next"]) == ("paused", ["review"])


@pytest.mark.real_pauses
async def test_a_server_that_stays_away_is_tried_less_and_less_often(scripted: ScriptedServer) -> None:
    await scripted.stop()
    async with working():
        run = await launch(scripted)
        events = run.events.filter(kind="server_unreachable").order_by("seq")
        refused = events.values_list("data__retry_in_s", flat=True)
        await eventually(lambda: in_db(lambda: refused.count() >= 4), "tried four times")
        pauses = (await in_db(lambda: list(refused)))[:4]

    assert pauses == sorted(pauses)
    assert pauses[0] < 1.0 < 2.0 < pauses[3]


async def test_an_unconfirmed_launch_that_took_effect_is_found_and_joined(scripted: ScriptedServer) -> None:
    scripted.script("wait", Fault(cut_before_headers=True, creates=True))
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        running = await run_in(run, "running")
        remote.finish({"found": True})
        ended = await run_in(run, "succeeded")

    assert running.remote_run_id == remote.run_id
    assert json.loads(ended.result.body) == {"found": True}
    assert (len(scripted.created), scripted.count("wait")) == (1, 1)


async def test_an_unconfirmed_launch_that_took_no_effect_is_sent_again_once_that_is_sure(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.worker.execution.launch_lookup.LOOKUP", Backoff(first_s=0.05, longest_s=0.05))
    scripted.script("wait", Fault(cut_before_headers=True, creates=False))
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created(timeout_s=10)
        remote.finish({})
        await run_in(run, "succeeded")

    assert (len(scripted.created), scripted.count("wait")) == (1, 2)


async def test_an_unconfirmed_stateless_launch_is_lost_and_never_sent_again(scripted: ScriptedServer) -> None:
    scripted.script("wait", Fault(cut_before_headers=True, creates=True))
    async with working():
        run = await launch(scripted, thread=ThreadChoice.STATELESS)
        ended = await run_in(run, "lost")

    assert "has no thread with its id" in ended.error_message
    assert len(scripted.created) == 1


async def test_an_unconfirmed_stateless_launch_is_found_by_our_id_where_the_server_copies_it(
    scripted: ScriptedServer,
) -> None:
    scripted.copies_metadata = True
    scripted.script("wait", Fault(cut_before_headers=True, creates=True))
    async with working():
        run = await launch(scripted, thread=ThreadChoice.STATELESS)
        remote = await scripted.run_created()
        await run_in(run, "running")
        remote.finish({"found": 1})
        ended = await run_in(run, "succeeded", "lost")

    assert (ended.status, ended.remote_run_id) == ("succeeded", remote.run_id)
    assert (len(scripted.created), scripted.count("wait")) == (1, 1)
