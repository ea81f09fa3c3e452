"""How long runs of an assistant usually take, from the team's own history."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final
from uuid import UUID

from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus

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


_Key = tuple[UUID, UUID, str]
_kept: dict[_Key, tuple[float, Usual | None]] = {}


def usual_of(run: Run) -> Usual | None:
    """How long the assistant's last runs that succeeded took; None when there are too few. A minute old at most."""
    key = (run.team_id, run.server_id, run.assistant_id)
    kept = _kept.get(key)
    if kept is not None and time.monotonic() - kept[0] < KEPT_S:
        return kept[1]
    if len(_kept) >= KEPT:
        _kept.clear()
    found = _usual(run)
    _kept[key] = (time.monotonic(), found)
    return found


def _usual(run: Run) -> Usual | None:
    recent = Run.objects.filter(team_id=run.team_id, assistant_id=run.assistant_id).order_by("-created_at", "-id")
    rows = recent.values_list("server_id", "status", "started_at", "finished_at")[:LOOKED_AT]
    took = [
        max(0.0, (finished_at - started_at).total_seconds())
        for server_id, status, started_at, finished_at in rows
        if server_id == run.server_id and status == RunStatus.SUCCEEDED and started_at and finished_at
    ][:COUNTED]
    if len(took) < LEAST:
        return None
    low, _, high = quantiles(took, n=4, method="inclusive")
    late = max(quantiles(took, n=10, method="inclusive")[-1], high * 1.2)
    return Usual(round(median(took), 1), round(low, 1), round(high, 1), round(late, 1))
