"""Final states larger than a worker takes: the outcome is stored anyway, and nobody runs out of memory."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from django.test import Client

from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.statuses import ENDS
from tests.asynchronous import in_db, kill, launch, run_in, working
from tests.factories import make_run, make_user
from tests.scripted_server import Fault, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

LARGE = {"text": "x" * 1_200_000}
SENTENCE = "It is larger than 1 MB (RUNBOARD_STATE_MAX_MB), the most that Runboard takes here."


@pytest.fixture(autouse=True)
def one_megabyte(settings: Any) -> None:
    """The most that a worker takes."""
    settings.ENV = dataclasses.replace(settings.ENV, state_max_mb=1)


async def ended(server: ScriptedServer, end: str, *arguments: Any, **order: Any) -> Run:
    """A run that ended so, by the name of the method of `ScriptedRun`."""
    fields = order.pop("fields", {})
    async with working():
        run = await launch(server, **order)
        remote = await server.run_created()
        await run_in(run, "running")
        getattr(remote, end)(*arguments, **fields)
        return await run_in(run, *ENDS)


def has_result(run: Run) -> bool:
    return hasattr(run, "result")


async def test_how_it_ended_is_known_and_the_page_says_why_there_is_no_state(scripted: ScriptedServer) -> None:
    run = await ended(scripted, "finish", LARGE)

    assert (run.status, run.error_type, run.error_message) == ("succeeded", "Final state not kept", SENTENCE)
    assert not has_result(run)
    assert scripted.count("wait") == 1

    def page() -> str:
        browser = Client()
        browser.force_login(make_user(run.team))
        return browser.get(f"/runs/{run.pk}/").content.decode()

    assert SENTENCE in await in_db(page)


async def test_a_question_is_shown_although_its_state_is_too_large(scripted: ScriptedServer) -> None:
    run = await ended(scripted, "interrupt", "go on?", fields={"values": LARGE})

    assert run.status == "needs_input"
    assert [asked["value"] for asked in run.ending["interrupts"]] == ["go on?"]
    assert not has_result(run)


@pytest.mark.parametrize(
    ("end", "fields", "status"),
    [("pause", {"next": ["review"]}, "paused"), ("cancel", {}, "cancelled"), ("time_out", {}, "timed_out")],
)
async def test_every_other_end_is_stored_too(
    scripted: ScriptedServer, end: str, fields: dict[str, Any], status: str
) -> None:
    run = await ended(scripted, end, LARGE, fields=fields)

    assert (run.status, run.error_type, has_result(run)) == (status, "Final state not kept", False)


async def test_a_server_that_only_has_it_with_its_values_is_not_guessed_about(scripted: ScriptedServer) -> None:
    scripted.script("threads_search", Fault(status=200, body=b"[]"), times=None)

    run = await ended(scripted, "finish", LARGE)

    assert run.status == "lost"
    assert "not whether it finished" in run.error_message
    assert "larger than 1 MB" in run.error_message


async def test_another_thread_that_the_search_found_says_nothing(scripted: ScriptedServer) -> None:
    scripted.script("threads_search", Fault(status=200, body=b'[{"thread_id": "?", "status": "idle"}]'), times=None)

    run = await ended(scripted, "finish", LARGE)

    assert run.status == "lost"


async def test_one_answer_that_fails_does_not_make_it_unknown(scripted: ScriptedServer) -> None:
    scripted.script("threads_search", Fault(status=503))
    scripted.script("runs", Fault(status=503))

    run = await ended(scripted, "finish", LARGE)

    assert (run.status, run.error_type) == ("succeeded", "Final state not kept")


async def test_it_is_rolled_back_although_its_answer_was_too_large(scripted: ScriptedServer) -> None:
    run = await ended(scripted, "roll_back", LARGE)

    assert (run.status, run.error_type) == ("cancelled", "Final state not kept")
    assert run.ending["rolled_back"] is True


@pytest.mark.parametrize("end", ["finish", "pause"])
@pytest.mark.parametrize("follower", ["interrupt", "finish"])
async def test_what_a_run_that_follows_left_on_the_thread_does_not_count_for_this_one(
    scripted: ScriptedServer, end: str, follower: str
) -> None:
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        run = await run_in(run, "running")
        place = {"thread": ThreadChoice.EXISTING, "thread_id": run.remote_thread_id}
        await in_db(lambda: make_run(team=run.team, server=run.server, **place))
        other = await scripted.run_created(2)
        scripted.script("state", Fault(delay_s=0.3))
        getattr(remote, end)(LARGE, **({"next": ["review"]} if end == "pause" else {}))
        other.start()
        getattr(other, follower)(*(["delete it?"] if follower == "interrupt" else []), values=LARGE)
        run = await run_in(run, *ENDS)

    assert run.status == "lost"
    assert not run.ending
    assert "larger than 1 MB" in run.error_message


async def test_questions_that_are_too_large_are_still_questions(scripted: ScriptedServer) -> None:
    run = await ended(scripted, "interrupt", "y" * 1_200_000, fields={"values": LARGE})

    assert run.status == "needs_input"
    assert run.ending["interrupts"] == [{}]


async def test_a_stateless_launch_is_found_whatever_it_left_on_its_thread(scripted: ScriptedServer) -> None:
    scripted.copies_metadata, scripted.run_s, scripted.result = True, 0, lambda _: LARGE
    scripted.script("wait", Fault(cut_before_headers=True))
    async with working():
        run = await launch(scripted, thread=ThreadChoice.STATELESS)
        run = await run_in(run, *ENDS)

    assert (run.status, run.error_type) == ("succeeded", "Final state not kept")


async def test_an_answer_that_came_is_kept_although_its_run_is_not_found(scripted: ScriptedServer) -> None:
    scripted.script("wait", Fault(headers={"Location": None, "Content-Location": None}))
    found = json.dumps([{"thread_id": "x", "values": LARGE}]).encode()
    scripted.script("threads_search", Fault(body=found), times=None)
    async with working():
        run = await launch(scripted, thread=ThreadChoice.STATELESS)
        (await scripted.run_created()).finish({"kept": 1})
        run = await run_in(run, *ENDS)

    assert run.status == "lost"
    assert json.loads(run.result.body) == {"kept": 1}


async def test_a_run_of_which_nothing_can_be_read_is_lost_and_says_so(scripted: ScriptedServer) -> None:
    for endpoint in ("runs", "run"):
        scripted.script(endpoint, Fault(status=200, body=b" " * 1_200_000), times=None)

    run = await ended(scripted, "finish", {"small": 1})

    assert (run.status, run.error_type) == ("lost", "Not known")
    assert "is larger than 1 MB" in run.error_message
    assert json.loads(run.result.body) == {"small": 1}


async def test_a_launch_is_found_among_runs_with_large_inputs(scripted: ScriptedServer) -> None:
    async with working():
        first = await launch(scripted, params={"input": "x" * 900_000})
        (await scripted.run_created()).finish({"first": 1})
        first = await run_in(first, "succeeded")
        scripted.script("wait", Fault(cut_before_headers=True))
        place = {"thread": ThreadChoice.EXISTING, "thread_id": first.remote_thread_id}
        second = await launch(scripted, params={"input": "y" * 900_000}, **place)
        (await scripted.run_created(2)).finish({"second": 1})
        second = await run_in(second, *ENDS)

    assert (second.status, scripted.count("wait")) == ("succeeded", 2)


async def test_what_is_not_kept_here_stays_on_the_server(scripted: ScriptedServer) -> None:
    run = await ended(scripted, "finish", LARGE, thread=ThreadChoice.STATELESS)

    assert run.status == "succeeded"
    assert scripted.count("thread_delete") == 0


async def test_it_does_not_go_from_worker_to_worker(scripted: ScriptedServer) -> None:
    async with working() as first:
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
        await kill(first)
    await in_db(Run.objects.filter(pk=run.pk).update, lease_expires_at="2020-01-01T00:00:00Z")
    remote.finish(LARGE)
    async with working():
        other = await launch(scripted)
        run = await run_in(run, *ENDS)
        await scripted.run_created(2)
        scripted.created[1].finish({"small": 1})
        other = await run_in(other, "succeeded")

    assert (run.status, run.error_type, has_result(run)) == ("succeeded", "Final state not kept", False)
    assert has_result(other)
    assert scripted.count("join") == 1
