"""Two thousand waits at once through our client, and through httpx alone."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.measuring import FULL, Table, table
from tests.bench.programs import LangGraphStandIn, Program

WAITS = 2_000
PLAIN_WAITS = 300
ROUNDS = 2


def test_client() -> None:
    with table("Client, waits at once") as figures, LangGraphStandIn() as server:
        _compare(figures, server, WAITS, "bare")
        if FULL:
            _compare(figures, server, 5_000, "bare")
        _compare(figures, server, PLAIN_WAITS, "plain")


@dataclass(frozen=True)
class Measured:
    seconds: float
    cpu_s: float
    memory_mb: float


def _compare(figures: Table, server: LangGraphStandIn, waits: int, way: str) -> None:
    than = "httpx, one pool" if way == "plain" else "bare httpx"
    baseline, ours = _measure(server, way, waits), _measure(server, "ours", waits)
    figures.ratio(f"{waits:,} waits: wall time", ours.seconds, baseline.seconds, "s", than=than)
    figures.ratio(f"{waits:,} waits: CPU", ours.cpu_s, baseline.cpu_s, "s", than=than)
    figures.ratio(f"{waits:,} waits: memory", ours.memory_mb, baseline.memory_mb, "MB", than=than)


def _measure(server: LangGraphStandIn, way: str, waits: int) -> Measured:
    """Wall and CPU time of the best of a few rounds, and the memory after them. Fails when a wait was lost."""
    rounds: list[Measured] = []
    with Program("-m", "tests.bench.waits", way, server.url) as script:
        server.ask("gather 1")
        assert script.ask("1 1")["failures"] == {}
        server.ask(f"gather {waits}")
        for _ in range(ROUNDS):
            server.ask("forget")
            before = script.usage()
            result = script.ask(f"{waits} {waits}")
            after = script.usage()
            assert result["failures"] == {}, f"waits were lost by {way}: {result['failures']}"
            assert server.created() == waits
            rounds.append(Measured(result["seconds"], after.cpu_s - before.cpu_s, after.memory_mb))
    return Measured(
        min(one.seconds for one in rounds), min(one.cpu_s for one in rounds), max(one.memory_mb for one in rounds)
    )
