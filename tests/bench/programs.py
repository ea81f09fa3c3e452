"""The processes a bench starts: the stand-in for a LangGraph server, and our web process with a count of renderings."""

from __future__ import annotations

import urllib.request
from typing import Self

from tests import processes
from tests.processes import Program, Worker

__all__ = ["LangGraphStandIn", "Program", "Web", "Worker"]


class LangGraphStandIn(Program):
    """The scripted server in a process of its own: see `stand_in.py` for its commands."""

    def __init__(self, *, heartbeat_s: float = 5.0, run_s: float | None = None) -> None:
        super().__init__("-m", "tests.bench.stand_in", str(heartbeat_s), str(run_s))

    def __enter__(self) -> Self:
        super().__enter__()
        self.url: str = self.hear()
        return self

    def created(self) -> int:
        """How many runs it was asked to create."""
        return int(self.ask("created"))


class Web(processes.Web):
    """Daphne with our application and a count of renderings: see `counted.py`."""

    application = "tests.bench.counted:application"

    def renders(self) -> int:
        """How often a run's live parts were rendered since it started."""
        with urllib.request.urlopen(f"{self.url}/bench/renders", timeout=30) as answer:
            return int(answer.read())
