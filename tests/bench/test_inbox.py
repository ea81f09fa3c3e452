"""The inbox with ten thousand open questions: its first page, its JSON, and what a push of it takes."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test import Client

from dashboard.answers.fragments import inbox_live_html
from dashboard.answers.selectors import InboxFilters
from dashboard.runs.models import Question, Run, RunRequest
from dashboard.runs.statuses import RunStatus
from tests.bench.measuring import table, times_of
from tests.bench.rows import LiveWorkers, make_crew
from tests.factories import make_run

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = 10_000
WANTED_MS = 30
REQUESTS = 15


def test_inbox() -> None:
    with table(f"Inbox, {OPEN:,} open questions") as figures:
        crew = make_crew()
        _ask(crew, OPEN)
        client = Client()
        client.force_login(crew.user)
        wanted = f"under {WANTED_MS} ms"
        list_ms = _ms(lambda: client.get("/runs/"))
        figures.ratio("first page", _ms(lambda: client.get("/inbox/")), list_ms, "ms", than="list of runs", at_most=2.0)
        for name, path in {
            "first page": "/inbox/",
            "first page, assigned to me": "/inbox/?assigned=me",
            "first page, one assistant": "/inbox/?assistant=report",
        }.items():
            taken = _ms(lambda path=path: client.get(path))  # type: ignore[misc]
            figures.figure(name, taken, "ms", wanted=wanted, is_met=taken < WANTED_MS)
        json_ms = _ms(lambda: client.get("/inbox/", headers={"Accept": "application/json"}))
        figures.figure("first page as JSON", json_ms, "ms", wanted=wanted, is_met=json_ms < WANTED_MS)
        figures.figure("pushed list", _ms(lambda: inbox_live_html(crew.team, InboxFilters())), "ms")


def _ask(crew: LiveWorkers, count: int) -> None:
    """So many runs that ask, made in bulk after one that a worker made."""
    ending = {"interrupts": [{"id": "q", "value": {"question": "Approve 180 euros?", "order": 8841}}], "next": ["ask"]}
    first = make_run(
        server=crew.server, by=crew.user, status=RunStatus.NEEDS_INPUT, ending=ending, assistant_id="report"
    )
    fields = [field.attname for field in Run._meta.concrete_fields if not field.generated]
    values = {name: getattr(first, name) for name in fields}
    question = first.questions.get()
    runs = [Run(**{**values, "id": uuid.uuid4(), "remote_thread_id": str(uuid.uuid4())}) for _ in range(count - 1)]
    Run.objects.bulk_create(runs, batch_size=1_000)
    RunRequest.objects.bulk_create([RunRequest(run=run, params_json="{}") for run in runs], batch_size=1_000)
    asked = [
        Question(run=run, position=0, interrupt_id="q", value_json=question.value_json, state="open") for run in runs
    ]
    Question.objects.bulk_create(asked, batch_size=1_000)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE runs_run, runs_question")


def _ms(call: object) -> float:
    """The fastest of some calls: what it takes when nothing else is at work on the machine."""
    return 1000 * min(times_of(call, REQUESTS))  # type: ignore[arg-type]
