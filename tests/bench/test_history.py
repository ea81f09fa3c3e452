"""A long history: every filter and page against the unfiltered first page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.runs.models import Run
from dashboard.runs.seeding import runs_seed
from dashboard.runs.selectors import RunFilters, RunPage, run_page
from tests.bench.measuring import HISTORY, median, table, times_of
from tests.bench.rows import LiveWorkers, make_crew

pytestmark = pytest.mark.django_db(transaction=True)

READS = 15
WANTED_MS = 50


def test_history() -> None:
    with table(f"History, {HISTORY:,} runs") as figures:
        crew = make_crew()
        runs_seed(server=crew.server, count=HISTORY, days=90)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE runs_run")
        first_ms = median(times_of(_page(crew, RunFilters()), READS)) * 1000
        figures.figure("first page", first_ms, "ms", wanted=f"under {WANTED_MS} ms", is_met=first_ms < WANTED_MS)
        for name, page in _pages(crew).items():
            page_ms = median(times_of(page, READS)) * 1000
            figures.ratio(name, page_ms, first_ms, "ms", than="first page", below=WANTED_MS)
            if scans := _scans(page):
                figures.figure(f"{name}, plan", scans, wanted="no sequential scan", is_met=False)


def _page(crew: LiveWorkers, filters: RunFilters, before: str = "") -> Callable[[], RunPage]:
    return lambda: run_page(crew.team, filters, before=before)


def _pages(crew: LiveWorkers) -> dict[str, Callable[[], RunPage]]:
    deep = Run.objects.order_by("-created_at", "-id")[int(HISTORY * 0.9)]
    key = f"{deep.created_at.isoformat()}~{deep.pk}"
    named = {
        "deep page": _page(crew, RunFilters(), key),
        "status: failed (9 %)": _page(crew, RunFilters(statuses=("failed",))),
        "status: failed, deep": _page(crew, RunFilters(statuses=("failed",)), key),
        "status: two": _page(crew, RunFilters(statuses=("failed", "timed_out"))),
        "status: active (none is)": _page(crew, RunFilters(statuses=("active",))),
        "assistant": _page(crew, RunFilters(assistant="chat")),
        "assistant nobody used": _page(crew, RunFilters(assistant="nobody")),
        "person": _page(crew, RunFilters(person=crew.user.username)),
        "person who launched nothing": _page(crew, RunFilters(person="nobody")),
        "text: common word (10 %)": _page(crew, RunFilters(text="tides")),
        "text: two words": _page(crew, RunFilters(text="tides report")),
        "text: no such word": _page(crew, RunFilters(text="zeppelin")),
        "text: our id": _page(crew, RunFilters(text=str(deep.pk))),
        "text: the server's run id": _page(crew, RunFilters(text=str(deep.remote_run_id))),
        "text: how the server's run id begins": _page(crew, RunFilters(text=str(deep.remote_run_id)[:8])),
        "status, assistant and text": _page(crew, RunFilters(statuses=("failed",), assistant="chat", text="gales")),
    }
    for name in ("text: our id", "text: the server's run id"):
        assert [run.pk for run in named[name]().runs] == [deep.pk], f"{name} does not find its run"
    assert all(run.created_at < deep.created_at for run in named["deep page"]().runs)
    return named


def _scans(page: Callable[[], RunPage]) -> str:
    """The sequential scans on runs_run in the plans of what a page asks; "" when there is none."""
    with CaptureQueriesContext(connection) as asked:
        page()
    found = []
    for query in asked.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {query['sql']}")
            found += [line for (line,) in cursor.fetchall() if "Seq Scan on runs_run " in line]
    return "; ".join(line.strip(" ->").split("  (")[0] for line in found)
