"""A long history: every filter, two together, any depth, and counts, against the same at 10,000 runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.history.counts import run_count
from dashboard.history.filters import RunFilters
from dashboard.history.insights import insights
from dashboard.history.selectors import cursor_of, run_page
from dashboard.runs.models import Run
from dashboard.runs.seeding import runs_seed
from tests.bench.measuring import HISTORY, Table, clock, percentile, table, times_of
from tests.bench.rows import LiveWorkers, make_crew
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)

READS = 20
WANTED_MS = 50
MOST_TIMES = 1.5
SMALL = 10_000
SINGLE = {
    "status": "status=failed",
    "two statuses": "status=failed&status=timed_out",
    "active (none is)": "status=active",
    "assistant": "assistant=chat",
    "assistant nobody used": "assistant=nobody",
    "graph": "graph=report",
    "person": "person=ada",
    "person without runs": "person=nobody",
    "tag": "tag=weekly",
    "rare tag": "tag=vip",
    "error": "error=TimeoutError",
    "starred": "starred=1",
    "last 24 hours": "since=24h",
    "a month long ago": "since=2026-01-01&until=2026-02-01",
    "over 10 minutes": "min_s=600",
    "a value of the input": "input.language=pl",
    "a value that is nowhere": "input.language=xx",
    "a common word": "q=tides",
    "two words": "q=tides+hamburg",
    "a phrase": "q=%22suppliers+of+salt%22",
    "a word that is nowhere": "q=zeppelin",
    "without a word": "q=-tides",
    "an emoji": "q=%F0%9F%8C%8A",
    "longest first": "sort=-duration",
}


def test_history() -> None:
    crew = make_crew()
    make_user(crew.team, username="ada")
    seeded = _seed(crew, SMALL)
    with table(f"History, {SMALL:,} runs") as figures:
        small = _measure(figures, crew, {})
    with table(f"History, {HISTORY:,} runs") as figures:
        seeded += _seed(crew, HISTORY - SMALL)
        figures.figure("seeded", HISTORY / seeded, "/s")
        _measure(figures, crew, small)


def _seed(crew: LiveWorkers, count: int) -> float:
    began = clock()
    runs_seed(server=crew.server, count=count, days=365)
    took = clock() - began
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE runs_run")
    return took


def _measure(figures: Table, crew: LiveWorkers, small: dict[str, float]) -> dict[str, float]:
    found = {}
    for name, call in _calls(crew).items():
        wanted = 200 if name == "insights" else WANTED_MS
        found[name] = percentile(times_of(call, READS), 95) * 1000
        if name in small:
            most = MOST_TIMES if name != "insights" else None
            figures.ratio(name, found[name], small[name], "ms", than="10,000 runs", below=wanted, at_most=most)
        else:
            figures.figure(name, found[name], "ms", wanted=f"under {wanted} ms", is_met=found[name] < wanted)
        if scans := _scans(call):
            figures.figure(f"{name}, plan", scans, wanted="no sequential scan", is_met=False)
    return found


def _calls(crew: LiveWorkers) -> dict[str, Callable[[], object]]:
    deep = Run.objects.order_by("-created_at", "-id")[int(Run.objects.count() * 0.9)]
    calls: dict[str, Callable[[], object]] = {"first page": _page(crew, ""), "deep page": _page(crew, "", deep)}
    calls |= {name: _page(crew, query) for name, query in SINGLE.items()}
    calls |= {f"{name}, deep": _page(crew, query, deep) for name, query in SINGLE.items() if "sort" not in query}
    for (one, first), (two, second) in itertools.combinations(SINGLE.items(), 2):
        if not {"q", "status"} & (_names(first) & _names(second)):
            calls[f"{one} + {two}"] = _page(crew, f"{first}&{second}")
    for name, text in {"our id": str(deep.pk), "how the server's id begins": str(deep.remote_run_id)[:8]}.items():
        calls[name] = _page(crew, f"q={text}")
        assert deep.pk in [run.pk for run in run_page(crew.team, RunFilters.from_text(f"q={text}")).runs]
    for name in ("status", "a common word", "tag"):
        calls[f"count: {name}"] = _count(crew, SINGLE[name])
    calls["insights"] = lambda: insights(crew.team, RunFilters(), "12mo")
    return calls


def _names(query: str) -> set[str]:
    return {pair.split("=")[0] for pair in query.split("&")}


def _page(crew: LiveWorkers, query: str, after: Run | None = None) -> Callable[[], object]:
    filters = RunFilters.from_text(query)
    return lambda: run_page(crew.team, filters, before=cursor_of(after) if after else "")


def _count(crew: LiveWorkers, query: str) -> Callable[[], object]:
    return lambda: run_count(crew.team.pk, RunFilters.from_text(query))


def _scans(call: Callable[[], object]) -> str:
    """The sequential scans on runs_run in the plans of what a page asks; "" when there is none."""
    with CaptureQueriesContext(connection) as asked:
        call()
    found = []
    for query in asked.captured_queries:
        if "runs_run" in query["sql"] and query["sql"].lstrip("(").startswith(("SELECT", "WITH")):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {query['sql']}")
                found += [line for (line,) in cursor.fetchall() if "Seq Scan on runs_run " in line]
    return "; ".join(line.strip(" ->").split("  (")[0] for line in found)
