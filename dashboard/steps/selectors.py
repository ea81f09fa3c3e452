"""Every read about steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.selectors import run_result
from dashboard.runs.state.cache import Stored
from dashboard.steps.models import LiveText, RunCheckpoint, Step, StepLog, StepStatus, Watch

READING_LASTS = timedelta(minutes=2)
WRITES_INLINE_BYTES = 2_000_000
"""The most of all steps in one answer; further ones are null there, with their sizes."""


def steps_list(run: Run) -> QuerySet[Step]:
    """The run's steps in order, without what they wrote."""
    return Step.objects.filter(run=run).defer("writes_json")


_COLUMNS = ", ".join(str(field.column) for field in Step._meta.concrete_fields if field.name != "writes_json")
_STEPS = f"SELECT {_COLUMNS} FROM steps_step WHERE run_id = %s ORDER BY index"  # noqa: S608 - names of our columns
"""As `steps_list`, for every page of a run."""


def steps_of(run: Run) -> list[Step]:
    """The same, read once for each run object."""
    kept: list[Step] | None = getattr(run, "_steps", None)
    if kept is None:
        kept = list(Step.objects.raw(_STEPS, [run.pk]))
        run._steps = kept  # type: ignore[attr-defined]
    return kept


def step_get(run: Run, index: int) -> Step | None:
    """One step with what it wrote."""
    return Step.objects.filter(run=run, index=index).first()


def step_log(run: Run) -> StepLog | None:
    """The run's steps as a whole; read once for each run object."""
    return getattr(run, "step_log", None)


def step_failed(run: Run) -> Step | None:
    """The innermost step that failed last; None when that is not known."""
    failed = steps_list(run).filter(status=StepStatus.FAILED).order_by("-index")
    return max(failed[:20], key=lambda step: (len(step.path), step.index), default=None)


def fork_point(run: Run, step: Step) -> str:
    """The checkpoint from which a fork repeats this step, or the one around it; "" when that is not known."""
    if not step.path:
        return step.checkpoint_id
    around = steps_list(run).filter(path=[], node=step.path[0], index__lt=step.index).order_by("-index").first()
    return around.checkpoint_id if around else ""


def any_checkpoint(run: Run) -> str:
    """A checkpoint from which a fork can repeat one of the run's steps; "" when none is known."""
    return next((step.checkpoint_id for step in steps_of(run) if not step.path and step.checkpoint_id), "")


def checkpoint_list(run: Run) -> list[RunCheckpoint]:
    """The run's checkpoints, oldest first, without their states."""
    return list(_checkpoints(run))


def checkpoints_of(run_ids: Sequence[UUID]) -> list[RunCheckpoint]:
    """The checkpoints of several runs, without their states."""
    return list(RunCheckpoint.objects.filter(run_id__in=run_ids).defer("compressed"))


def checkpoint_get(run: Run, checkpoint_id: str) -> RunCheckpoint | None:
    """One of the run's checkpoints, without its state."""
    return _checkpoints(run).filter(checkpoint_id=checkpoint_id.replace("\x00", "")).first()


def _checkpoints(run: Run) -> QuerySet[RunCheckpoint]:
    is_kept = ExpressionWrapper(Q(compressed__isnull=False), output_field=BooleanField())
    return RunCheckpoint.objects.filter(run=run).defer("compressed").annotate(is_kept=is_kept)


def checkpoint_state(run: Run, checkpoint: RunCheckpoint) -> Stored | None:
    """The state at a checkpoint; None when it is not stored."""
    if checkpoint.is_kept:  # type: ignore[attr-defined]
        return checkpoint
    result = run_result(run)
    if result is None or checkpoint.path:
        return None
    is_result = checkpoint.sha256 is not None and bytes(checkpoint.sha256) == bytes(result.sha256)
    return result if is_result else None


def live_text(run: Run) -> LiveText | None:
    """The text that models are writing in it; None when nobody watches or nothing is being written."""
    return None if run.is_terminal else LiveText.objects.filter(run=run).first()


def watched_runs(*, within: timedelta) -> set[UUID]:
    """The runs whose pages somebody has open."""
    return set(Watch.objects.filter(seen_at__gt=Now() - within).values_list("run_id", flat=True))


def is_to_be_read(run: Run, log: StepLog | None) -> bool:
    """Whether the run has just ended, so that a worker is about to read its steps from the server."""
    return (
        run.finished_at is not None
        and timezone.now() - run.finished_at < READING_LASTS
        and run.remote_run_id is not None
        and run.thread_choice != ThreadChoice.STATELESS
        and (log is None or log.state != StepLog.State.READ)
    )


def why_not_all(run: Run, log: StepLog | None) -> str:
    """Why steps are missing, in a sentence; "" when they are complete."""
    if not run.is_terminal:
        return "The run is still going on."
    if run.remote_run_id is None:
        return "The run never began on its server."
    if run.thread_choice == ThreadChoice.STATELESS:
        return "A stateless run leaves no history on its server."
    if run.request.params.get("durability") == "exit":
        return "The run was launched with durability “exit”: its server kept the last state only."
    if log is not None and log.state == StepLog.State.READ:
        return log.why
    if not is_to_be_read(run, log):
        return "The steps have not been read from the server."
    return "The steps are being read from the server."


def steps_document(run: Run) -> dict[str, Any]:
    """The run's steps as `steps.json` gives them."""
    left = WRITES_INLINE_BYTES
    found = []
    for step in Step.objects.filter(run=run):
        is_inline = len(step.writes_json) <= left
        left -= len(step.writes_json) if is_inline else 0
        duration_s = step.duration_s
        found.append(
            {
                "index": step.index,
                "node": step.node,
                "path": step.path,
                "started_at": step.started_at.isoformat() if step.started_at else None,
                "finished_at": step.finished_at.isoformat() if step.finished_at else None,
                "duration_ms": round(duration_s * 1000) if duration_s is not None else None,
                "status": step.status,
                "error": step.error or None,
                "attempt": step.attempt,
                "writes": step.writes if is_inline else None,
            }
        )
    why = why_not_all(run, step_log(run))
    return {"steps": found, "complete": not why, "why": why or None}
