"""Proxies and servers with false answers: no run is called lost, or launched twice, because of them."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError

from dashboard.langgraph import Backoff
from dashboard.runs import leases
from dashboard.runs.banners import run_banner
from dashboard.runs.leases import Lease
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.services import run_cancel
from dashboard.runs.statuses import ENDS
from tests.asynchronous import in_db, launch, run_in, working
from tests.factories import make_user
from tests.scripted_server import HTML_PAGE, Fault, ScriptedRun, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

# What an ingress says while the server behind it is being replaced.
PROXY_404 = Fault(status=404, body=HTML_PAGE, headers={"content-type": "text/html"})
SIGN_IN_PAGE = Fault(status=302, headers={"Location": "http://127.0.0.1:9/login"})
NO_IDS: dict[str, str | None] = {"Location": None, "Content-Location": None}


async def test_a_proxys_404_says_nothing_about_an_unconfirmed_launch(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.worker.execution.launch_lookup.LOOKUP", Backoff(first_s=0.02, longest_s=0.02))
    scripted.script("wait", Fault(cut_before_headers=True, creates=True))
    scripted.script("runs", PROXY_404, times=5)
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
        remote.finish({"once": 1})
        ended = await run_in(run, "succeeded")

    assert ended.remote_run_id == remote.run_id
    assert (len(scripted.created), scripted.count("wait")) == (1, 1)


@pytest.mark.parametrize("fault", [PROXY_404, SIGN_IN_PAGE, Fault(body=b""), Fault(body=b"[]"), Fault(body=HTML_PAGE)])
async def test_a_run_is_not_forgotten_because_something_else_answered(scripted: ScriptedServer, fault: Fault) -> None:
    scripted.script("runs", fault, times=2)
    scripted.script("run", fault, times=2)
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
        remote.finish({"kept": 1})
        ended = await run_in(run, "succeeded", "lost", "cancelled", "failed")

    assert ended.status == "succeeded"
    assert json.loads(ended.result.body) == {"kept": 1}


async def test_a_thread_is_not_gone_because_a_proxy_says_so(scripted: ScriptedServer) -> None:
    scripted.script("state", PROXY_404, times=2)
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
        remote.pause({"half": 1}, next=["review"])
        ended = await run_in(run, "paused", "succeeded", "lost")

    assert ended.status == "paused"


@pytest.mark.parametrize(
    "headers", [NO_IDS, {"Content-Location": None, "Location": "/runs/6f3b9a52-9a30-4e0c-a0cf-4d6e1ad1a111"}]
)
async def test_the_answer_to_a_stateless_run_that_cannot_be_asked_about_is_kept(
    scripted: ScriptedServer, headers: dict[str, str | None]
) -> None:
    scripted.script("wait", Fault(headers=headers))
    async with working():
        run = await launch(scripted, thread=ThreadChoice.STATELESS)
        remote = await scripted.run_created()
        remote.finish({"kept": 1})
        ended = await run_in(run, "lost")

    assert json.loads(ended.result.body) == {"kept": 1}
    assert "connection broke" not in ended.error_message


@pytest.mark.parametrize("state", [None, Fault(status=500)], ids=["with its state", "without"])
async def test_an_empty_object_is_not_believed_at_once_although_the_run_is_over(
    scripted: ScriptedServer, state: Fault | None
) -> None:
    """Its state decides; without it, the run is joined to ask again."""
    scripted.script("wait", Fault(body=b"{}"))
    if state is not None:
        scripted.script("state", state, times=None)
    async with working():
        run = await launch(scripted, retry_for_s=1)
        (await scripted.run_created()).finish({"kept": 1})
        ended = await run_in(run, "succeeded")

    assert json.loads(ended.result.body) == {"kept": 1}


async def test_an_empty_object_is_believed_when_the_state_is_empty_too(scripted: ScriptedServer) -> None:
    async with working():
        run = await launch(scripted)
        (await scripted.run_created()).finish({})
        ended = await run_in(run, "succeeded")

    assert (ended.result.body, ended.ending) == (b"{}", {})
    assert scripted.count("join") == 0


def fail_without_a_word(remote: ScriptedRun) -> None:
    """As Aegra does: only the run's status shows it."""
    remote.finish({})
    remote.status = remote.thread.status = "error"


@pytest.mark.parametrize("headers", [{}, NO_IDS], ids=["with ids", "without ids"])
@pytest.mark.parametrize("thread", [ThreadChoice.NEW, ThreadChoice.STATELESS])
async def test_an_empty_object_for_a_run_that_failed_is_a_failure_of_which_the_server_gave_no_reason(
    scripted: ScriptedServer, thread: ThreadChoice, headers: dict[str, str | None]
) -> None:
    scripted.copies_metadata = True  # or a stateless run without ids cannot be found
    scripted.script("wait", Fault(headers=headers))
    async with working():
        run = await launch(scripted, thread=thread)
        remote = await scripted.run_created()
        fail_without_a_word(remote)
        ended = await run_in(run, *ENDS)

    assert (ended.status, ended.remote_run_id) == ("failed", remote.run_id)
    assert (ended.error_type, ended.error_message, ended.error_node) == ("Error", "The server gave no reason.", "")
    assert (len(scripted.created), scripted.count("wait")) == (1, 1)
    banner = await in_db(lambda: run_banner(Run.objects.get(pk=run.pk)))
    assert banner is not None
    assert (banner.title, banner.code) == ("Error", "The server gave no reason.")
    assert "check its log" in banner.text


async def test_an_empty_object_for_a_run_that_cannot_be_asked_about_is_no_success(scripted: ScriptedServer) -> None:
    scripted.script("wait", Fault(headers=NO_IDS))
    async with working():
        run = await launch(scripted, thread=ThreadChoice.STATELESS)
        fail_without_a_word(await scripted.run_created())
        ended = await run_in(run, *ENDS)

    assert (ended.status, ended.remote_run_id, ended.result.body) == ("lost", None, b"{}")
    assert "lists no run of ours that could say how it ended" in ended.error_message
    banner = await in_db(lambda: run_banner(Run.objects.get(pk=run.pk)))
    assert banner is not None
    assert banner.title == "Nobody knows how this run ended."


async def test_the_answer_is_kept_when_the_server_will_not_be_asked(scripted: ScriptedServer) -> None:
    for endpoint in ("runs", "run"):
        scripted.script(endpoint, Fault(status=405, detail="Method Not Allowed"), times=None)
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        remote.finish({"kept": 1})
        ended = await run_in(run, "lost")

    assert json.loads(ended.result.body) == {"kept": 1}
    assert (ended.error_type, ended.error_message) == ("Refused with HTTP 405", "Method Not Allowed")


async def test_a_busy_server_is_asked_again_for_the_state_a_run_left_before_the_next_one(
    scripted: ScriptedServer,
) -> None:
    scripted.script("history", Fault(status=429), times=2)
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
        remote.pause({"half": 1}, next=["review"])
        remote.thread.last_run_id = "of the run that followed"
        ended = await run_in(run, "paused", "succeeded", "lost")

    assert ended.status == "paused"


@pytest.mark.parametrize("fault", [PROXY_404, SIGN_IN_PAGE])
async def test_a_cancel_is_delivered_although_a_proxy_answers_first(scripted: ScriptedServer, fault: Fault) -> None:
    scripted.script("cancel", fault)
    async with working():
        run = await launch(scripted)
        await scripted.run_created()
        await run_in(run, "running")
        await in_db(run_cancel, run=run, by=await in_db(make_user))
        await run_in(run, "cancelled")


async def test_a_rollback_is_shown_as_one_although_postgres_is_away_when_the_run_is_gone(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, asked = leases.cancel_action_of, []

    def once(lease: Lease) -> str:
        if asked:
            raise OperationalError("away")
        asked.append(lease)
        return read(lease)

    monkeypatch.setattr(leases, "cancel_action_of", once)
    scripted.script("wait", Fault(cut_after_beats=1))
    scripted.script("join", Fault(status=503, headers={"Retry-After": "1"}))
    async with working():
        run = await launch(scripted)
        await scripted.requested("join")
        await in_db(run_cancel, run=run, by=await in_db(make_user), action="rollback")
        ended = await run_in(run, "cancelled", "lost")

    assert (ended.status, ended.ending.get("rolled_back")) == ("cancelled", True)
