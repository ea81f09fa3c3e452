"""Runs for benches: launched by the real service, and read back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count

from dashboard.runs.models import Run
from dashboard.runs.services import LaunchOrder, run_launch
from dashboard.servers.models import Server
from dashboard.teams.models import Team, User
from tests.bench.measuring import clock
from tests.factories import make_server, make_team, make_user

IN_ONE_TRANSACTION = 100


@dataclass(frozen=True)
class LiveWorkers:
    """Who launches, and where."""

    team: Team
    user: User
    server: Server

    def launch(self, count: int = 1) -> list[Run]:
        """Launch runs, a hundred in a transaction."""
        runs: list[Run] = []
        while len(runs) < count:
            with transaction.atomic():
                runs += [self._launch() for _ in range(min(IN_ONE_TRANSACTION, count - len(runs)))]
        return runs

    def launch_timed(self) -> tuple[Run, float]:
        """Launch a run; also returns the moment just before its transaction was committed."""
        with transaction.atomic():
            run = self._launch()
            return run, clock()

    def _launch(self) -> Run:
        order = LaunchOrder(server=self.server, assistant_id="report", params={"input": {"topic": "tides"}})
        return run_launch(team=self.team, by=self.user, order=order)


def make_crew(url: str = "http://127.0.0.1:9") -> LiveWorkers:
    team = make_team()
    return LiveWorkers(team, make_user(team), make_server(team, url=url))


def statuses() -> dict[str, int]:
    """How many runs there are in each status."""
    return dict(Run.objects.order_by().values_list("status").annotate(Count("pk")))


@contextmanager
def all_succeed(count: int) -> Iterator[None]:
    """Afterwards there are `count` runs and every one has succeeded: nothing lost, nothing twice."""
    yield
    assert statuses() == {"succeeded": count}
