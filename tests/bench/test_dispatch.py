"""From a launch to the request at the LangGraph server, and how many runs a worker gets through."""

from __future__ import annotations

import json
import time
import uuid

import httpx
import psycopg
import pytest
from django.conf import settings

from dashboard.runs.models import Run, RunResult
from dashboard.runs.notifications import RUN_CHANNEL
from tests.bench.measuring import clock, eventually, median, percentile, table
from tests.bench.programs import LangGraphStandIn, Program, Worker
from tests.bench.rows import LiveWorkers, make_crew, statuses

pytestmark = pytest.mark.django_db(transaction=True)

LAUNCHES = 100
RUNS = 600
AT_ONCE = 300


def test_one_at_a_time(database_url: str) -> None:
    with table("Dispatch, one run at a time") as figures, LangGraphStandIn(run_s=0) as server:
        bare = _post_bare(server)
        with Worker(database_url, concurrency=AT_ONCE):
            crew = make_crew(server.url)
            crew.launch(1)
            eventually(lambda: statuses() == {"succeeded": 1}, "the worker works")
            ours = [_launch(crew) for _ in range(LAUNCHES)]
        assert statuses() == {"succeeded": LAUNCHES + 1}
        for percent in (50, 99):
            mine, httpx_alone = (percentile([one[0] for one in times], percent) * 1000 for times in (ours, bare))
            what = f"launch committed to POST arrived, p{percent}"
            figures.ratio(what, mine, httpx_alone, "ms", than="bare httpx POST")
        stored, answered = (median([one[1] for one in times]) * 1000 for times in (ours, bare))
        figures.ratio("launch committed to final state stored, p50", stored, answered, "ms", than="its answer")
        figures.figure("added to the run, p50", stored - answered, "ms", wanted="60 ms", is_met=stored - answered <= 60)


def _post_bare(server: LangGraphStandIn) -> list[tuple[float, float]]:
    """Seconds until a POST has arrived, and until its answer is there."""
    found = []
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        for _ in range(LAUNCHES):
            start = clock()
            body = {"assistant_id": "report", "input": {"topic": "tides"}, "if_not_exists": "create"}
            answer = client.post(f"/threads/{uuid.uuid4()}/runs/wait", json=body)
            found.append((answer.json()["arrived_at"] - start, clock() - start))
    return found


def _launch(crew: LiveWorkers) -> tuple[float, float]:
    """Seconds from the commit until the POST has arrived, and until the end is stored."""
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as line:
        line.execute(f"LISTEN {RUN_CHANNEL}")
        run, committed_at = crew.launch_timed()
        for _ in line.notifies(timeout=20):
            heard_at = clock()
            if Run.objects.filter(pk=run.pk, status="succeeded").exists():
                break
    state = json.loads(RunResult.objects.get(run=run).body)
    time.sleep(0.01)
    return state["arrived_at"] - committed_at, heard_at - committed_at


def test_many(database_url: str) -> None:
    with table(f"Dispatch, {RUNS:,} runs that end at once, {AT_ONCE} at a time") as figures:
        with LangGraphStandIn(run_s=0) as server, Program("-m", "tests.bench.waits", "bare", server.url) as script:
            script.ask("1 1")
            bare_before = script.usage()
            bare = script.ask(f"{RUNS} {AT_ONCE}")
            bare_cpu_s = script.usage().cpu_s - bare_before.cpu_s
            assert bare["failures"] == {}
            server.ask("forget")
            crew = make_crew(server.url)
            start = clock()
            crew.launch(RUNS)
            launched_in_s = clock() - start
            with Worker(database_url, concurrency=AT_ONCE) as worker:
                eventually(lambda: statuses().get("succeeded", 0), "the worker works")
                before, first = worker.usage(), statuses()["succeeded"]
                eventually(lambda: statuses() == {"succeeded": RUNS}, "all runs have ended", within_s=120)
                after = worker.usage()
            assert server.created() == RUNS, "a run was created twice, or never"
        runs, seconds = RUNS - first, after.at - before.at
        figures.ratio("runs a second, one worker", runs / seconds, RUNS / bare["seconds"], "/s", than="bare httpx")
        cpu_ms, bare_cpu_ms = (after.cpu_s - before.cpu_s) / runs * 1000, bare_cpu_s / RUNS * 1000
        figures.ratio("CPU of the worker for a run", cpu_ms, bare_cpu_ms, "ms", than="bare httpx")
        figures.ratio(
            "launches a second, one process", RUNS / launched_in_s, runs / seconds, "/s", than="ended a second"
        )
