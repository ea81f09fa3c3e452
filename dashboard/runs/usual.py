"""How long runs of an assistant usually take, from the team's own history."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final, Generic, TypeVar
from uuid import UUID

from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.servers.selectors import assistant_ids_like

LOOKED_AT: Final = 200
COUNTED: Final = 50
LEAST: Final = 3
KEPT_S: Final = 60.0
KEPT: Final = 500


@dataclass(frozen=True)
class Usual:
    """Seconds: half of the runs take between `low_s` and `high_s`; one in ten takes longer than `late_s`."""

    median_s: float
    low_s: float
    high_s: float
    late_s: float


Known = TypeVar("Known")


class ByAssistant(Generic[Known]):
    """Keeps what `find` says about the runs of an assistant for a minute."""

    def __init__(self, find: Callable[[Run], Known]) -> None:
        self._find = find
        self._kept: dict[tuple[UUID, UUID, str], tuple[float, Known]] = {}

    def of(self, run: Run) -> Known:
        """The value for the run's assistant."""
        key = (run.team_id, run.server_id, run.assistant_id)
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept[0] < KEPT_S:
            return kept[1]
        if len(self._kept) >= KEPT:
            self._kept.clear()
        found = self._find(run)
        self._kept[key] = (time.monotonic(), found)
        return found


def usual_of(run: Run) -> Usual | None:
    """How long the assistant's last successful runs took; None when there are too few. At most a minute old."""
    return _kept.of(run)


def _usual(run: Run) -> Usual | None:
    recent = Run.objects.filter(team_id=run.team_id).order_by("-created_at", "-id")
    timings = recent.values_list("created_at", "server_id", "status", "started_at", "finished_at")
    # The latest of each id by its index, then the latest of all.
    ids = assistant_ids_like(run.server_id, run.assistant_id)
    rows = [row for one in ids for row in timings.filter(assistant_id=one)[:LOOKED_AT]]
    rows.sort(key=lambda row: row[0], reverse=True)
    took = [
        max(0.0, (finished_at - started_at).total_seconds())
        for _, server_id, status, started_at, finished_at in rows
        if server_id == run.server_id and status == RunStatus.SUCCEEDED and started_at and finished_at
    ][:COUNTED]
    if len(took) < LEAST:
        return None
    low, _, high = quantiles(took, n=4, method="inclusive")
    late = max(quantiles(took, n=10, method="inclusive")[-1], high * 1.2)
    return Usual(round(median(took), 1), round(low, 1), round(high, 1), round(late, 1))


_kept = ByAssistant(_usual)
