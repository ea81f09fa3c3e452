"""Every end says in plain words what happened and what can be done next."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from dashboard.runs.holding import RunError
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.selectors import run_get
from dashboard.runs.services import run_cancel
from dashboard.runs.statuses import RunStatus
from dashboard.runs.wording import Banner, run_banner
from tests.factories import make_run, make_user

pytestmark = pytest.mark.django_db

TWO = {"interrupts": [{"id": "a", "value": 1}, {"id": "b", "value": 2}]}
ONE = {"interrupts": [{"id": "a", "value": 1}]}


def banner_of(run: Run) -> Banner:
    fresh = run_get(run.team, run.pk)
    assert fresh is not None
    banner = run_banner(fresh)
    assert banner is not None
    return banner


@pytest.mark.parametrize(
    ("status", "ending", "title", "text"),
    [
        (RunStatus.FAILED, {}, "ValueError in node n", "Launch again"),
        (RunStatus.TIMED_OUT, {}, "time limit", "Launch again"),
        (RunStatus.LOST, {}, "not known", "before you launch it again"),
        (RunStatus.NEEDS_INPUT, ONE, "asks a question", "answers"),
        (RunStatus.NEEDS_INPUT, TWO, "asks 2 questions", "answers"),
        (RunStatus.PAUSED, {"next": ["write", "x"]}, "next is write, x", "continued"),
        (RunStatus.CANCELLED, {"note": "Stopped on the server."}, "Stopped on the server.", "kept"),
        (RunStatus.CANCELLED, {"rolled_back": True}, "Cancelled.", "undone"),
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


def test_the_next_step_fills_the_form_for_the_same_thread() -> None:
    one = make_run(status=RunStatus.NEEDS_INPUT, ending=ONE)
    two = make_run(status=RunStatus.NEEDS_INPUT, ending=TWO)
    paused = make_run(status=RunStatus.PAUSED, ending={"next": ["write"]})

    steps = [banner_of(run).step for run in (one, two, paused)]
    queries = [parse_qs(step.query) for step in steps if step]

    assert [step.label for step in steps if step] == ["Answer", "Answer", "Continue"]
    assert queries[0]["thread_id"] == [one.remote_thread_id]
    assert '"resume": ""' in queries[0]["command"][0]
    assert '"a": ""' in queries[1]["command"][0]
    assert '"b": ""' in queries[1]["command"][0]
    assert "command" not in queries[2]


def test_the_answer_is_prefilled_as_the_graph_wants_it() -> None:
    schema = {"type": "object", "properties": {"decision": {"type": "string", "examples": ["approve"]}}}
    run = make_run(status=RunStatus.NEEDS_INPUT, ending={"interrupts": [{"id": "a", "response_schema": schema}]})

    step = banner_of(run).step

    assert step is not None
    assert json.loads(parse_qs(step.query)["command"][0]) == {"resume": {"decision": "approve"}}


def test_what_cannot_be_answered_offers_no_step() -> None:
    run = make_run(status=RunStatus.NEEDS_INPUT, ending=ONE, thread=ThreadChoice.STATELESS)

    assert banner_of(run).step is None
    assert "nobody can answer" in banner_of(run).text
