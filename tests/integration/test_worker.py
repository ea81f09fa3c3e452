"""The worker against a scripted server: every outcome is right, nothing is lost, nothing is launched twice."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

import pytest

from dashboard.runs import leases, outcomes, services
from dashboard.runs.banners import run_banner
from dashboard.runs.leases import LeaseLost, lease_of
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from tests.asynchronous import eventually, in_db, kill, kinds, launch, run_in, working
from tests.factories import make_run, make_server, make_team, make_user
from tests.scripted_server import Fault, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

# Bytes that come out otherwise when they are read and written again.
VALUES = b'{"b": 1.0,  "a": "\\u0000 \\ud800", "b": 2}'
LEFT = {"a": "\x00 \ud800", "b": 2}
"""The same as its thread has it. An answer with other values than these may be a subgraph's."""
ASKING = b'{"b": 1.0,  "__interrupt__": [{"id": "i1", "value": {"question": "go?"}}], "b": 2}'


async def test_a_run_goes_from_queued_to_its_final_state_byte_for_byte(scripted: ScriptedServer) -> None:
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        running = await run_in(run, "running")

        remote.finish(document=VALUES)
        ended = await run_in(run, "succeeded")

    assert (running.remote_run_id, running.remote_thread_id) == (remote.run_id, remote.thread_id)
    assert ended.result.body == VALUES
    assert ended.result.size_bytes == len(VALUES)
    assert bytes(ended.result.sha256) == hashlib.sha256(VALUES).digest()
    assert await in_db(kinds, ended) == [
        "launched", "starting", "created_on_server", "running", "succeeded"
    ]  # fmt: skip


async def test_what_goes_out_is_what_was_given_and_what_the_promises_need(scripted: ScriptedServer) -> None:
    async with working():
        run = await launch(
            scripted,
            params={
                "input": {"x": 0},
                "metadata": {"mine": True},
                "interrupt_before": ["a"],
                "params": {"k": ["1", "2"]},
            },
            headers={"X-Secret": "s3cret"},
        )
        await scripted.run_created()

        request = next(request for request in scripted.requests if request.path.endswith("/runs/wait"))

    sent = json.loads(request.body)
    # Values are asked for while the assistant's schemas are not known yet.
    assert [mode for mode in sent.pop("stream_mode") if mode != "values"] == ["updates", "messages-tuple"]
    assert sent == {
        "assistant_id": "chat",
        "input": {"x": 0},
        "metadata": {"mine": True, "runboard_run_id": str(run.pk)},
        "interrupt_before": ["a"],
        "if_not_exists": "create",
        "on_disconnect": "continue",
        "stream_subgraphs": True,
        "stream_resumable": True,
    }
    assert request.headers["x-secret"] == "s3cret"
    assert request.params == [("k", "1"), ("k", "2")]
    assert run.remote_thread_id in request.path


@pytest.mark.parametrize(
    ("end", "status", "values", "checks"),
    [
        (lambda r: r.finish({"a": 1}), "succeeded", VALUES, {}),
        (lambda r: r.fail("ValueError", "no tides", node="write"), "failed", None,
         {"error_type": "ValueError", "error_message": "no tides", "error_node": "write"}),
        (lambda r: r.interrupt({"question": "go?"}), "needs_input", ASKING, {}),
        (lambda r: r.pause({"a": 1}, next=["review"]), "paused", VALUES, {}),
        (lambda r: r.cancel(LEFT), "cancelled", VALUES, {}),
        (lambda r: r.roll_back({"a": 1}), "cancelled", VALUES, {}),
        (lambda r: r.time_out(LEFT), "timed_out", VALUES, {}),
    ],
    ids=["finished", "failed", "asks", "paused", "cancelled", "rolled back", "timed out"],
)  # fmt: skip
async def test_the_end_is_what_the_server_says_of_it(
    scripted: ScriptedServer, end: Any, status: str, values: bytes | None, checks: dict[str, str]
) -> None:
    scripted.script("wait", Fault(body=values))
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")

        end(remote)
        ended = await run_in(run, *[s for s in RunStatus.values if s not in ("running", "starting", "queued")])

    assert ended.status == status
    assert {name: getattr(ended, name) for name in checks} == checks
    assert (ended.result.body if hasattr(ended, "result") else None) == values
    if status == "needs_input":
        assert ended.ending["interrupts"][0]["value"] == {"question": "go?"}
    if status == "paused":
        assert ended.ending["next"] == ["review"]


async def test_raise_error_false_keeps_the_error_state_and_still_says_failed(scripted: ScriptedServer) -> None:
    async with working():
        run = await launch(scripted, params={"raise_error": False})
        (await scripted.run_created()).fail("KeyError", "x")
        ended = await run_in(run, "failed")

    assert json.loads(ended.result.body)["__error__"]["error"] == "KeyError"


async def test_a_refusal_is_a_failure_with_the_servers_sentence(scripted: ScriptedServer) -> None:
    scripted.script("wait", Fault(status=409, detail="Thread is already running a task."))
    async with working():
        run = await launch(scripted)
        ended = await run_in(run, "failed")

    assert ended.error_type == "Refused with HTTP 409"
    assert ended.error_message == "Thread is already running a task."
    assert scripted.created == []


async def test_a_server_that_is_away_gets_the_run_when_it_is_back(scripted: ScriptedServer) -> None:
    await scripted.stop()
    async with working():
        run = await launch(scripted)
        await eventually(
            lambda: in_db(Run.objects.filter(pk=run.pk, unreachable_since__isnull=False).exists), "unreachable noted"
        )
        await scripted.start()
        remote = await scripted.run_created(timeout_s=10)
        remote.finish({})
        ended = await run_in(run, "succeeded")

    assert len(scripted.created) == 1
    assert ended.unreachable_since is None
    assert "server_unreachable" in await in_db(kinds, ended)


async def test_patience_ends(scripted: ScriptedServer) -> None:
    await scripted.stop()
    team = await in_db(make_team)
    server = await in_db(make_server, team, url=scripted.url)
    server.retry_for_s = 0
    await in_db(server.save)
    async with working():
        run = await in_db(make_run, team=team, server=server)
        ended = await run_in(run, "failed")

    assert ended.error_type == "Server unreachable"


async def test_a_server_that_does_not_confirm_a_run_is_said_to_be_slow(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.worker.execution.launcher.SLOW_S", 0.2)
    monkeypatch.setattr("dashboard.runs.banners.SLOW_S", 0.2)
    scripted.script("wait", Fault(delay_s=3.0))
    scripted.script("runs", Fault(status=503), times=None)  # else it is found by its thread
    async with working():
        run = await launch(scripted)
        noted = Run.objects.filter(pk=run.pk, events__kind="warning")
        await eventually(lambda: in_db(noted.exists), "it is noted, and so announced to open pages")
        banner = await in_db(lambda: run_banner(Run.objects.get(pk=run.pk)))
        assert banner is not None
        assert "has not confirmed this run yet" in banner.title
        scripted.clear_script()
        (await scripted.run_created()).finish({})
        await run_in(run, "succeeded")


async def test_a_connection_cut_in_the_document_is_joined_again_and_reported(scripted: ScriptedServer) -> None:
    scripted.script("wait", Fault(cut_after_beats=2))
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await eventually(lambda: in_db(run.events.filter(kind="rejoined").exists), "joined again")
        remote.finish({"kept": 1})
        ended = await run_in(run, "succeeded")

    assert json.loads(ended.result.body) == {"kept": 1}
    assert ended.reconnecting_since is None
    assert [kind for kind in await in_db(kinds, ended) if "connection" in kind or "join" in kind] == [
        "connection_lost",
        "rejoined",
    ]
    assert len(scripted.created) == 1


async def test_an_early_empty_object_is_not_believed_while_the_run_goes_on(scripted: ScriptedServer) -> None:
    scripted.script("wait", Fault(body=b"{}", end_after_beats=1))
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await scripted.requested("runs")
        assert (await run_in(run, "running")).status == "running"
        remote.finish({"real": 1})
        ended = await run_in(run, "succeeded")

    assert json.loads(ended.result.body) == {"real": 1}


async def test_a_stateless_run_is_classified_and_its_thread_then_deleted(scripted: ScriptedServer) -> None:
    async with working():
        run = await launch(scripted, thread=ThreadChoice.STATELESS)
        remote = await scripted.run_created()
        remote.pause({"half": True}, next=["review"])
        ended = await run_in(run, "paused")
        await scripted.requested("thread_delete")

    assert ended.ending["next"] == ["review"]
    assert json.loads(ended.result.body) == {"half": True}


async def test_a_run_the_server_forgot_is_lost(scripted: ScriptedServer) -> None:
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
        scripted.forget(remote)
        await scripted.crash()
        ended = await run_in(run, "lost")

    assert "how it ended" in ended.look.meaning
    assert not hasattr(ended, "result")  # what its thread holds now is not known to be this run's


# Changes of hands.


async def test_a_stopped_worker_hands_over_and_the_next_one_joins(scripted: ScriptedServer) -> None:
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
    handed = await in_db(Run.objects.get, pk=run.pk)
    assert (handed.status, handed.lease_owner) == ("running", None)
    async with working():
        await scripted.requested("join")
        remote.finish({"v": 1})
        ended = await run_in(run, "succeeded")

    assert [kind for kind in await in_db(kinds, ended) if kind in ("handed_back", "adopted")] == [
        "handed_back",
        "adopted",
    ]
    assert scripted.count("wait") == 1


async def test_a_killed_workers_run_is_adopted_when_its_lease_has_run_out(scripted: ScriptedServer) -> None:
    async with working() as first:
        run = await launch(scripted)
        remote = await scripted.run_created()
        await run_in(run, "running")
        await kill(first)
        await in_db(Run.objects.filter(pk=run.pk).update, lease_expires_at="2020-01-01T00:00:00Z")
        async with working():
            await scripted.requested("join")
            remote.finish({"v": 2})
            ended = await run_in(run, "succeeded")

    assert json.loads(ended.result.body) == {"v": 2}
    assert len(scripted.created) == 1


async def test_a_worker_that_froze_cannot_write_after_another_took_over() -> None:
    run = await in_db(make_run)
    stale = lease_of((await in_db(leases.run_claim, owner=uuid.uuid4(), limit=1))[0])
    await in_db(Run.objects.filter(pk=run.pk).update, lease_expires_at="2020-01-01T00:00:00Z")
    (taken,) = await in_db(leases.run_adopt, owner=uuid.uuid4(), limit=1)

    for write in (
        lambda: leases.run_sending(stale),
        lambda: leases.run_created_on_server(stale, remote_run_id="r", remote_thread_id="t"),
        lambda: leases.run_requeue(stale, reason="", delay_s=0, patience_s=9),
        lambda: outcomes.run_finish(stale, Outcome(RunStatus.LOST)),
        lambda: leases.cancel_action_of(stale),
    ):
        with pytest.raises(LeaseLost):
            await in_db(write)

    assert (await in_db(Run.objects.get, pk=run.pk)).lease_owner == taken.lease_owner


async def test_a_worker_whose_lease_may_have_run_out_sends_nothing(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.worker.worker.LEASE_SURE_S", -1.0)
    async with working():
        run = await launch(scripted)
        await eventually(lambda: in_db(run.events.filter(data__to="queued").exists), "not sent, and queued again")

    assert scripted.created == []


async def test_two_workers_launch_each_run_once(scripted: ScriptedServer) -> None:
    scripted.run_s = 0.0
    team = await in_db(make_team)
    server = await in_db(make_server, team, url=scripted.url)
    runs = [await in_db(make_run, team=team, server=server) for _ in range(40)]
    async with working(), working():
        for run in runs:
            await run_in(run, "succeeded")

    assert len(scripted.created) == 40
    assert {created.payload["metadata"]["runboard_run_id"] for created in scripted.created} == {
        str(run.pk) for run in runs
    }


async def test_no_event_sequence_has_a_hole(scripted: ScriptedServer) -> None:
    scripted.script("wait", Fault(cut_after_beats=1))
    async with working():
        run = await launch(scripted)
        remote = await scripted.run_created()
        await eventually(lambda: in_db(run.events.filter(kind="rejoined").exists), "joined again")
        await in_db(services.run_cancel, run=run, by=await in_db(make_user))
        await run_in(run, "cancelled")
        assert remote

    seqs = await in_db(lambda: list(run.events.values_list("seq", flat=True)))
    assert seqs == list(range(1, len(seqs) + 1))


async def test_a_scheduled_run_says_so_until_it_begins(scripted: ScriptedServer) -> None:
    async with working():
        run = await launch(scripted, params={"after_seconds": 1})
        remote = await scripted.run_created()
        remote.status = "pending"
        assert (await run_in(run, "scheduled")).remote_run_id == remote.run_id
        remote.status = "running"
        await run_in(run, "running")
        remote.finish({})
        await run_in(run, "succeeded")


async def test_the_directory_of_assistants_is_kept(scripted: ScriptedServer) -> None:
    team = await in_db(make_team)
    server = await in_db(make_server, team, url=scripted.url)
    async with working():
        await eventually(lambda: in_db(server.assistants.exists), "assistants known")

    assert await in_db(lambda: all(assistant.graph_id for assistant in server.assistants.all()))
