"""The progress of a run, from the usual runs of its assistant. None without a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_low
from typing import Final

from django.db.models import Count, Q

from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.runs.usual import LEAST, ByAssistant, Usual, usual_of
from dashboard.servers.selectors import assistant_ids_like
from dashboard.steps.models import Step, StepLog

RUNS: Final = 20


@dataclass(frozen=True)
class Progress:
    """The progress of a run that goes on.

    Attributes:
        number: the step it is in, from 1; None before the first.
        of: how many steps such runs usually have; None when that is not known, or it has more already.
        nodes: the steps that go on.
        usually_done_at, late_at: None when it is not known how long such runs take.
    """

    number: int | None
    of: int | None
    nodes: tuple[str, ...]
    usual: Usual | None
    usually_done_at: datetime | None
    late_at: datetime | None


def progress_of(run: Run, steps: Sequence[Step]) -> Progress | None:
    """The run's progress; None when it does not run."""
    if run.status != RunStatus.RUNNING or run.started_at is None:
        return None
    top = [step for step in steps if not step.path]
    of = usual_steps(run)
    usual = usual_of(run)
    return Progress(
        number=len(top) or None,
        of=of if of is not None and of >= len(top) else None,
        nodes=tuple(dict.fromkeys(step.node for step in top if step.status == "running")),
        usual=usual,
        usually_done_at=run.started_at + timedelta(seconds=usual.median_s) if usual else None,
        late_at=run.started_at + timedelta(seconds=usual.late_s) if usual else None,
    )


def usual_steps(run: Run) -> int | None:
    """How many steps the last runs that succeeded had; None when there are too few. Kept for a minute."""
    return _kept.of(run)


def _usual_steps(run: Run) -> int | None:
    like = Run.objects.filter(team_id=run.team_id, server_id=run.server_id, status=RunStatus.SUCCEEDED)
    like = like.filter(step_log__state=StepLog.State.READ, step_log__why="").order_by("-created_at", "-id")
    meant = assistant_ids_like(run.server_id, run.assistant_id)
    found = [row for one in meant for row in like.filter(assistant_id=one).values_list("created_at", "pk")[:RUNS]]
    ids = [pk for _, pk in sorted(found, reverse=True)[:RUNS]]
    counted = Step.objects.filter(run_id__in=ids).values("run_id").annotate(count=Count("pk", filter=Q(path__len=0)))
    counts = [row["count"] for row in counted]
    return median_low(counts) if len(counts) >= LEAST else None


_kept = ByAssistant(_usual_steps)
