"""How long `make run` takes until everything answers, the packages being there: the first time, and then."""

from __future__ import annotations

from pathlib import Path

from tests.bench.measuring import table
from tests.integration.local.test_up import Up

SECOND_S = 10.0


def test_start(tmp_path: Path) -> None:
    with table("Starting everything with manage.py up") as figures:
        times = [_start(tmp_path / "state") for _ in range(2)]
        figures.ratio("second start", times[1], times[0], "s", than="the first start")
        figures.figure(
            "second start", times[1], "s", wanted=f"under {SECOND_S:g} s", is_met=times[1] < SECOND_S
        )  # fmt: skip


def _start(state: Path) -> float:
    up = Up(state)
    try:
        return up.wait_until_healthy()
    finally:
        up.process.terminate()
        up.process.wait(30)
