"""Runs from before questions had rows get them, with what became of each."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from dashboard.runs.models import Question, Run, ThreadChoice
from dashboard.runs.statuses import RunStatus
from tests.factories import make_run

pytestmark = pytest.mark.django_db

ASKED = {"interrupts": [{"id": "a", "value": {"question": "Go?"}, "response_schema": {"type": "boolean"}}]}
migration = import_module("dashboard.runs.migrations.0021_questions_of_earlier_runs")


def test_questions_are_made_from_what_is_stored() -> None:
    still_open = make_run(status=RunStatus.NEEDS_INPUT, ending=ASKED)
    answered = make_run(status=RunStatus.NEEDS_INPUT, ending=ASKED)
    left = make_run(status=RunStatus.NEEDS_INPUT, ending=ASKED)
    stateless = make_run(status=RunStatus.NEEDS_INPUT, ending=ASKED, thread=ThreadChoice.STATELESS)
    place = {"thread": ThreadChoice.EXISTING, "thread_id": answered.remote_thread_id}
    answer = make_run(server=answered.server, params={"command": {"resume": {"a": False}}}, **place)
    make_run(server=left.server, thread=ThreadChoice.EXISTING, thread_id=left.remote_thread_id)
    Question.objects.all().delete()
    Run.objects.update(wait_state="", answers=None)

    migration.questions_from_ends(apps, None)

    states = {run.pk: run.wait_state for run in Run.objects.exclude(wait_state="")}
    assert states == {still_open.pk: "open", answered.pk: "answered", left.pk: "gone", stateless.pk: "gone"}
    assert Run.objects.get(answers=answered) == answer
    question = answered.questions.get()
    assert (question.interrupt_id, question.state, question.answer) == ("a", "answered", False)
    assert still_open.questions.get().response_schema == {"type": "boolean"}
