"""Refusals of a server: each ends in the right status, with a sentence that says what is known."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from dashboard.runs.models import Run, ThreadChoice
from tests.asynchronous import eventually, in_db, launch, run_in, working
from tests.scripted_server import HTML_PAGE, Fault, ScriptedServer

pytestmark = [pytest.mark.django_db(transaction=True)]

ENDED = ("succeeded", "failed", "lost", "cancelled", "paused", "needs_input", "timed_out")
SECRET = "s3cret-of-the-team"


@pytest.fixture
async def honest() -> AsyncIterator[ScriptedServer]:
    """A server whose runs end at once with {"kept": 1}."""
    async with ScriptedServer(heartbeat_s=0.02, run_s=0.02, result=lambda _: {"kept": 1}) as server:
        yield server


async def ended(server: ScriptedServer, **order: Any) -> Run:
    run = await launch(server, headers={"X-Api-Key": SECRET}, **order)
    async with working():
        return await run_in(run, *ENDED, deadline_s=40)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 501])
async def test_a_refused_launch_has_failed_with_the_servers_sentence(honest: ScriptedServer, status: int) -> None:
    honest.script("wait", Fault(status=status, detail=f"Not today, {status}."))

    run = await ended(honest)

    assert (run.status, run.error_type) == ("failed", f"Refused with HTTP {status}")
    assert run.error_message == f"Not today, {status}."
    assert (honest.count("wait"), len(honest.created)) == (1, 0)


@pytest.mark.parametrize("status", [408, 425, 429, 503])
async def test_a_launch_refused_for_now_is_sent_again_when_the_server_says(honest: ScriptedServer, status: int) -> None:
    honest.script("wait", Fault(status=status, detail="Later.", headers={"Retry-After": "1"}), times=2)

    run = await ended(honest)

    assert (run.status, run.result.body) == ("succeeded", b'{"kept": 1}')
    assert (honest.count("wait"), len(honest.created)) == (3, 1)
    refusals = await in_db(lambda: [event.data for event in run.events.filter(kind="server_unreachable")])
    assert [each["retry_in_s"] >= 1 for each in refusals] == [True, True]
    assert all("Later." in each["message"] for each in refusals)


# A 504 without a run proves nothing: the server may still begin it, so it is never sent again (test_manners.py).
@pytest.mark.parametrize(
    ("status", "creates"),
    [(500, True), (500, False), (502, True), (502, False), (504, True), (520, True), (520, False)],
)
async def test_a_launch_that_failed_on_the_server_is_looked_up_and_never_doubled(
    honest: ScriptedServer, status: int, creates: bool
) -> None:
    honest.script("wait", Fault(status=status, creates=creates))

    run = await ended(honest)

    assert (run.status, run.result.body) == ("succeeded", b'{"kept": 1}')
    assert len(honest.created) == 1
    assert honest.count("wait") == (1 if creates else 2)
    assert honest.count("runs") >= 1


async def test_a_stateless_launch_that_failed_on_the_server_is_lost_and_says_so(honest: ScriptedServer) -> None:
    honest.script("wait", Fault(status=500, creates=True))

    run = await ended(honest, thread=ThreadChoice.STATELESS)

    assert run.status == "lost"
    assert "may or may not have run" in run.error_message
    assert (honest.count("wait"), len(honest.created)) == (1, 1)


def only(server: ScriptedServer, endpoint: str) -> None:
    """A run is asked about by itself only where it is not the newest of its thread."""
    if endpoint == "run":
        server.script("runs", Fault(body=b"[]"), times=None)


@pytest.mark.parametrize("endpoint", ["join", "runs", "run", "state"])
@pytest.mark.parametrize("status", [302, 401, 403, 408, 429, 500, 502, 503, 504])
async def test_questions_refused_for_now_are_asked_again(honest: ScriptedServer, endpoint: str, status: int) -> None:
    if endpoint == "join":
        honest.script("wait", Fault(cut_after_headers=True))
    only(honest, endpoint)
    honest.script(endpoint, Fault(status=status, headers={"Retry-After": "0.01"}), times=3)

    run = await ended(honest)

    assert (run.status, run.result.body) == ("succeeded", b'{"kept": 1}')
    assert (honest.count("wait"), len(honest.created)) == (1, 1)
    # A list that answers 500 is not needed: the run itself says how it ended.
    assert honest.count(endpoint) > (1 if (endpoint, status) == ("runs", 500) else 3)


@pytest.mark.parametrize(
    ("endpoint", "status", "ends"),
    [
        ("join", 400, "succeeded"),
        ("join", 405, "succeeded"),
        ("join", 422, "succeeded"),
        ("state", 400, "succeeded"),
        ("state", 422, "succeeded"),
        ("runs", 400, "succeeded"),
        ("runs", 405, "succeeded"),
        ("run", 400, "lost"),
        ("run", 422, "lost"),
    ],
)
async def test_what_is_known_survives_questions_refused_for_good(
    honest: ScriptedServer, endpoint: str, status: int, ends: str
) -> None:
    honest.run_s = 0.3
    if endpoint == "join":
        honest.script("wait", Fault(cut_after_headers=True))
    only(honest, endpoint)
    honest.script(endpoint, Fault(status=status, detail="Never."), times=None)

    run = await ended(honest)

    assert (run.status, run.result.body) == (ends, b'{"kept": 1}')
    if ends == "lost":
        assert (run.error_type, run.error_message) == (f"Refused with HTTP {status}", "Never.")
    assert (honest.count("wait"), len(honest.created)) == (1, 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(honest: ScriptedServer, status: int) -> None:
    async with ScriptedServer() as elsewhere:
        honest.script("wait", Fault(status=status, body=b"", headers={"Location": f"{elsewhere.url}/runs/wait"}))
        run = await ended(honest)

        assert (elsewhere.connections_accepted, elsewhere.requests) == (0, [])
    assert (run.status, run.error_type) == ("failed", f"Refused with HTTP {status}")
    assert "does not follow redirects" in run.error_message
    assert SECRET not in run.error_message


@pytest.mark.parametrize("endpoint", ["join", "runs", "run", "state"])
async def test_a_question_sent_elsewhere_stays_here(honest: ScriptedServer, endpoint: str) -> None:
    async with ScriptedServer() as elsewhere:
        honest.script("wait", Fault(cut_after_headers=True))
        only(honest, endpoint)
        honest.script(endpoint, Fault(status=307, body=b"", headers={"Location": elsewhere.url}), times=2)
        run = await ended(honest)

        assert (elsewhere.connections_accepted, elsewhere.requests) == (0, [])
    assert (run.status, run.result.body) == ("succeeded", b'{"kept": 1}')


async def test_of_a_location_the_ids_are_used_and_never_the_host(scripted: ScriptedServer) -> None:
    async with ScriptedServer() as elsewhere:
        thread_id, run_id = "6f3b9a52-9a30-4e0c-a0cf-4d6e1ad1a111", "6f3b9a52-9a30-4e0c-a0cf-4d6e1ad1a222"
        there = f"{elsewhere.url}/threads/{thread_id}/runs/{run_id}"
        headers: dict[str, str | None] = {"Location": f"{there}/join", "Content-Location": there}
        scripted.script("wait", Fault(headers=headers, cut_after_headers=True))
        async with working():
            run = await launch(scripted, thread=ThreadChoice.STATELESS)
            await eventually(lambda: _asked(scripted, f"/threads/{thread_id}/runs/{run_id}"), "asked here")
            run = await run_in(run, *ENDED, deadline_s=40)

        assert (elsewhere.connections_accepted, elsewhere.requests) == (0, [])
    assert run.status == "lost"
    assert run.remote_run_id == run_id
    assert len(scripted.created) == 1


async def _asked(server: ScriptedServer, path: str) -> bool:
    return any(request.path.startswith(path) for request in server.requests)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(drip_s=0.001),
        Fault(end_after_beats=0),
        Fault(end_after_beats=1),
        Fault(end_after_beats=1, body=b"{}"),
        Fault(end_in_document=3),
        Fault(body=HTML_PAGE),
        Fault(cut_after_beats=1),
    ],
    ids=["a byte at a time", "ends at once", "ends early", "an early {}", "ends in the JSON", "HTML", "cut early"],
)
async def test_an_answer_that_comes_oddly_ends_right(honest: ScriptedServer, fault: Fault) -> None:
    honest.run_s = 0.5
    honest.script("wait", fault)

    run = await ended(honest)

    assert (run.status, json.loads(run.result.body)) == ("succeeded", {"kept": 1})
    assert (honest.count("wait"), len(honest.created)) == (1, 1)
