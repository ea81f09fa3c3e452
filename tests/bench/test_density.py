"""One worker holds thousands of waits; the same number held by httpx alone is the baseline."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from dashboard.local.postgres import EmbeddedPostgres
from tests.bench.measuring import FULL, HOLD_S, Table, Usage, children_of, clock, eventually, table, usage_of
from tests.bench.programs import LangGraphStandIn, Program, Worker
from tests.bench.rows import make_crew, statuses

pytestmark = pytest.mark.django_db(transaction=True)

BURST = 200


@pytest.mark.parametrize("waits", [2_000, 5_000] if FULL else [2_000])
def test_density(waits: int, database_url: str, postgres: EmbeddedPostgres) -> None:
    with table(f"Worker, {waits:,} waits held for {HOLD_S:g} s") as figures:
        bare = _hold_bare(waits)
        _hold_in_worker(figures, waits, bare, database_url, postgres)


@dataclass(frozen=True)
class Held:
    """What holding took: CPU in percent of a core while nothing but heartbeats came, memory at the end of it."""

    begun_in_s: float
    cpu_percent: float
    memory_mb: float


def _hold_bare(waits: int) -> Held:
    with LangGraphStandIn() as server, Program("-m", "tests.bench.waits", "bare", server.url) as script:
        start = clock()
        script.tell(f"{waits} {waits}")
        eventually(lambda: server.created() == waits, "all waits have begun")
        begun_in_s = clock() - start
        before, after = _hold(script)
        assert server.ask(f"finish {waits}") == waits
        assert script.hear()["failures"] == {}
    return Held(begun_in_s, after.cpu_percent_since(before), after.memory_mb)


def _hold(program: Program) -> tuple[Usage, Usage]:
    before = program.usage()
    time.sleep(HOLD_S)
    return before, program.usage()


def _hold_in_worker(figures: Table, waits: int, bare: Held, database_url: str, postgres: EmbeddedPostgres) -> None:
    with LangGraphStandIn() as server, Worker(database_url, concurrency=waits) as worker:
        crew = make_crew(server.url)
        crew.launch(1)
        eventually(lambda: statuses() == {"running": 1}, "the worker works")
        start = clock()
        crew.launch(waits - 1)
        eventually(lambda: statuses() == {"running": waits}, "all runs are held", every_s=0.1, within_s=300)
        begun_in_s = clock() - start
        assert postgres.pid is not None
        backends = children_of(postgres.pid)
        database_before = usage_of(*backends)
        before, after = _hold(worker)
        database = usage_of(*backends).cpu_percent_since(database_before)
        assert statuses() == {"running": waits}, "waits were lost while nothing happened"

        figures.ratio(
            "CPU while held", after.cpu_percent_since(before), bare.cpu_percent, "%", at_most=2, than="bare httpx"
        )
        figures.ratio("memory", after.memory_mb, bare.memory_mb, "MB", at_most=1.5, than="bare httpx")
        figures.ratio("CPU of Postgres beside it", database, bare.cpu_percent, "%", than="bare httpx")
        figures.ratio("until all are held (launching included)", begun_in_s, bare.begun_in_s, "s", than="bare httpx")

        stored = _finish(server, BURST, BURST)
        figures.figure(f"{BURST} results at once: all stored in", stored, "s", wanted="2 s", is_met=stored <= 2)
        rest = waits - BURST
        stored = _finish(server, rest, waits)
        figures.figure(f"{rest:,} results at once: all stored in", stored, "s")
        figures.figure("results stored in a second", rest / stored, "/s")
        failures = waits - statuses().get("succeeded", 0) + abs(server.created() - waits)
        figures.figure("failures", failures, wanted="0", is_met=failures == 0)
        assert statuses() == {"succeeded": waits}
        assert server.created() == waits, "a run was created twice, or never"


def _finish(server: LangGraphStandIn, count: int, ended: int) -> float:
    """End `count` runs on the server at once; gives the seconds until `ended` runs are stored."""
    start = clock()
    assert server.ask(f"finish {count}") == count
    eventually(lambda: statuses().get("succeeded", 0) == ended, "the results are stored", within_s=300)
    return clock() - start
