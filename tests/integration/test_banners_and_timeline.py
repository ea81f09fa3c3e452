"""Every end says in plain words what happened and what can be done next."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from dashboard.runs import leases, outcomes
from dashboard.runs.banners import Banner, run_banner
from dashboard.runs.events import EventKind
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.outcomes import Outcome, RunError
from dashboard.runs.selectors import run_get
from dashboard.runs.services import run_cancel
from dashboard.runs.statuses import ENDS, RunStatus
from dashboard.runs.timeline import event_lines, why_no_state
from tests.factories import claim, make_run, make_user

pytestmark = pytest.mark.django_db

TWO = {"interrupts": [{"id": "a", "value": 1}, {"id": "b", "value": 2}]}
ONE = {"interrupts": [{"id": "a", "value": 1}]}
FORGOTTEN = Outcome(RunStatus.LOST, RunError("Not known", "Its server forgot it."), ending={"forgotten": True})


def banner_of(run: Run) -> Banner:
    fresh = run_get(run.team, run.pk)
    assert fresh is not None
    banner = run_banner(fresh)
    assert banner is not None
    return banner


@pytest.mark.parametrize(
    ("status", "ending", "title", "text"),
    [
        (RunStatus.FAILED, {}, "ValueError in node n", "launch again"),
        (RunStatus.TIMED_OUT, {}, "time limit", "Launch again"),
        (RunStatus.LOST, {}, "Nobody knows how this run ended.", "before you launch it again"),
        (RunStatus.CANCELLED, {"note": "Stopped on the server."}, "Stopped on the server.", "kept"),
        (RunStatus.CANCELLED, {"rolled_back": True}, "Cancelled.", "The server undid its work"),
    ],
)
def test_each_end_has_its_sentence(status: RunStatus, ending: dict[str, Any], title: str, text: str) -> None:
    error = RunError("ValueError", "m", "n") if status == RunStatus.FAILED else None

    banner = banner_of(make_run(status=status, ending=ending, error=error))

    assert title in banner.title
    assert text in banner.text


def test_success_needs_no_banner() -> None:
    run = make_run(status=RunStatus.SUCCEEDED)

    assert run_banner(run) is None


def test_a_cancel_names_who_asked() -> None:
    run = make_run(status=RunStatus.RUNNING)
    person = make_user(run.team, username="ada")
    run_cancel(run=run, by=person)

    assert "by ada" in banner_of(run).title


def test_a_run_cancelled_before_it_was_sent_says_so() -> None:
    run = make_run()
    run_cancel(run=run, by=make_user(run.team))

    assert "had not been sent" in banner_of(run).text


def test_a_run_cancelled_before_it_left_anything_does_not_say_that_it_is_kept() -> None:
    nothing = make_run(status=RunStatus.CANCELLED, ending={"no_state": True})
    something = make_run(status=RunStatus.CANCELLED)

    assert "left nothing" in banner_of(nothing).text
    assert "is kept" in banner_of(something).text


def test_why_there_is_no_state() -> None:
    not_kept = make_run(status=RunStatus.SUCCEEDED, error=RunError("Final state not kept", "It is too large."))
    failed = make_run(status=RunStatus.FAILED, error=RunError("ValueError", "It is wrong."))

    assert why_no_state(not_kept) == "It is too large."
    assert why_no_state(failed) == "", "its banner says so already"


def test_a_question_that_another_run_may_have_answered_is_not_to_be_answered_again() -> None:
    one = make_run(status=RunStatus.NEEDS_INPUT, ending=ONE)
    paused = make_run(status=RunStatus.PAUSED, ending={"next": ["write"]})
    for run in (one, paused):
        version = run.version
        place = {"thread": ThreadChoice.EXISTING, "thread_id": run.remote_thread_id}
        follower = make_run(team=run.team, server=run.server, name="the next", **place)

        run.refresh_from_db()
        banner = banner_of(run)
        assert banner.other == follower
        assert "no longer" in banner.title
        assert run.version > version, "open pages must hear of it"

        run_cancel(run=follower, by=make_user(run.team))  # never sent: the question is as it was
        run.refresh_from_db()
        assert (run.wait_state, run_banner(run)) == ("open", None)
        assert [line.text for line in event_lines(run.events.all())][-2:] == [
            "Another run was launched on its thread",
            "The run that was launched on its thread never reached the server",
        ]


def pushed_out(strategy: str, outcome: Outcome, *, at: RunStatus = RunStatus.RUNNING) -> tuple[Run, Run]:
    """A run that ended so while another was launched on its thread, and that other run."""
    out = make_run(status=RunStatus.RUNNING)
    place = {"thread": ThreadChoice.EXISTING, "thread_id": out.remote_thread_id}
    pusher = make_run(team=out.team, server=out.server, params={"multitask_strategy": strategy}, status=at, **place)
    out.refresh_from_db()
    outcomes.run_finish(leases.lease_of(out), replace(outcome, known_at=time.time()))
    return out, pusher


def test_who_pushed_a_run_out_is_named_when_it_is_known() -> None:
    stopped = Outcome(RunStatus.CANCELLED, ending={"note": "Stopped on the server."})
    out, pusher = pushed_out("interrupt", stopped)

    banner = banner_of(out)

    assert "Replaced by another run" in banner.title
    assert banner.other == pusher


def test_a_lost_run_names_the_run_that_has_probably_undone_it() -> None:
    out, pusher = pushed_out("rollback", FORGOTTEN)

    banner = banner_of(out)

    assert banner.title == "Nobody knows how this run ended."
    assert "to replace it and undo its work. It probably did." in banner.text
    assert banner.other == pusher


@pytest.mark.parametrize(
    ("strategy", "outcome", "at"),
    [
        ("enqueue", FORGOTTEN, RunStatus.RUNNING),
        ("rollback", FORGOTTEN, RunStatus.QUEUED),
        ("rollback", Outcome(RunStatus.LOST), RunStatus.RUNNING),
    ],
    ids=["left alone", "not sent yet", "known to the server"],
)
def test_a_lost_run_says_nothing_of_a_run_that_has_not_undone_it(
    strategy: str, outcome: Outcome, at: RunStatus
) -> None:
    out, _ = pushed_out(strategy, outcome, at=at)

    banner = banner_of(out)

    assert "undo" not in banner.text
    assert banner.other is None


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (RunStatus.SUCCEEDED, "came too late"),
        (RunStatus.PAUSED, "came too late"),
        (RunStatus.LOST, "nobody knows whether the server got it"),
    ],
)
def test_an_end_that_came_before_a_cancel_says_what_became_of_the_cancel(status: RunStatus, sentence: str) -> None:
    run = make_run(status=RunStatus.RUNNING)
    run_cancel(run=run, by=make_user(run.team))
    run.refresh_from_db()
    outcomes.run_finish(leases.lease_of(run), Outcome(status, ending={"next": ["a"]}))

    banner = banner_of(run)

    assert sentence in f"{banner.title} {banner.text}"


def test_every_end_says_that_the_server_executed_it_twice() -> None:
    for status in ENDS:
        run = make_run(status=status, ending={"next": ["a"]})
        Run.objects.filter(pk=run.pk).update(executions=2)

        banner = banner_of(run)

        assert "executed this run 2 times" in f"{banner.title} {banner.text}", status


def test_a_cancel_that_cannot_be_delivered_says_so() -> None:
    run = make_run(status=RunStatus.CANCELLING)
    lease = leases.lease_of(run)
    leases.event_append_fenced(lease, kind=EventKind.CANCEL_FAILED, data={"message": "no connection"})

    assert "no connection" in banner_of(run).text
    leases.event_append_fenced(lease, kind=EventKind.CANCEL_DELIVERED, data={})
    assert banner_of(run).text == ""


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (RunError("ValueError", "m", "explode"), "change the input, then launch again"),
        (RunError("ValidationError", "m"), "Change the input"),
        (RunError("ValidationError", "m", "__start__"), "does not take this input"),
        (RunError("InvalidUpdateError", "m"), "The graph itself must be fixed"),
        (RunError("TypeError", "cannot pickle '_thread.lock' object"), "The graph itself must be fixed"),
        (RunError("GraphRecursionError", "m"), "only next to configurable"),
        (RunError("GraphRecursionError", "m"), "recursion_limit"),
    ],
)
def test_the_advice_for_a_failure_follows_from_what_failed(error: RunError, advice: str) -> None:
    assert advice in banner_of(make_run(status=RunStatus.FAILED, error=error)).text


def test_what_cannot_be_answered_says_so() -> None:
    run = make_run(status=RunStatus.NEEDS_INPUT, ending=ONE, thread=ThreadChoice.STATELESS)

    assert "nobody can answer" in banner_of(run).text


def _tried(run: Run, times: int) -> None:
    """Send the run that many times to a server that is away."""
    for _ in range(times):
        lease = claim(run)
        leases.run_sending(lease)
        assert leases.run_requeue(lease, reason="refused", delay_s=12, patience_s=900)


def test_attempts_that_found_no_server_are_one_line_that_counts() -> None:
    run = make_run()
    _tried(run, 1)
    one = [line.text for line in event_lines(run.events.all())]
    _tried(run, 13)
    many = [line.text for line in event_lines(run.events.all())]
    run_cancel(run=run, by=make_user(run.team))
    then = [line.text for line in event_lines(run.events.all())]

    assert one == ["Launched", "The server could not be reached; retrying in 12 s"]
    assert many[0] == "Launched"
    assert many[1].startswith("The server could not be reached 14 times, the last time at ")
    assert len(many) == 2
    assert then == [*many, "Cancelled"]


def test_a_try_that_is_going_on_is_not_counted_yet() -> None:
    run = make_run()
    _tried(run, 2)
    claim(run)

    assert [line.text for line in event_lines(run.events.all())][2:] == ["Starting"]


def test_an_unreachable_server_is_said_with_since_when_and_the_next_try() -> None:
    run = make_run()
    person = make_user(run.team)
    _tried(run, 2)
    banner = banner_of(run)
    browser = Client()
    browser.force_login(person)

    page = browser.get(f"/runs/{run.pk}/").content.decode()

    run.refresh_from_db()
    assert banner.title == f"Server unreachable since {run.unreachable_since:%H:%M:%S} UTC; retrying."
    assert banner.next_at == run.not_before
    assert "The next attempt is <time" in page
    assert "waiting for a worker" not in page
    assert "Runboard sends it again" in page
