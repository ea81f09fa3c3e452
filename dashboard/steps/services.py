"""Every write about steps. None of them touches a run, so none can endanger its outcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from dashboard.runs.models import Run, RunResult, ThreadChoice
from dashboard.runs.notifications import notify
from dashboard.runs.state.storage import pack
from dashboard.runs.statuses import ACTIVE, ENDS
from dashboard.runs.text import storable
from dashboard.steps.models import LiveText, RunCheckpoint, Step, StepLog, Watch
from dashboard.steps.notifications import STEPS_CHANNEL, StepsChange
from dashboard.steps.reading import Reading
from dashboard.steps.timeline import StepFound
from dashboard.steps.tokens import tokens_of

READ_WITHIN: Final = timedelta(hours=1)
"""Runs that ended longer ago are not read: their server may well have forgotten them."""
CLAIM_LASTS: Final = timedelta(seconds=60)
TRIES: Final = 3
NEXT_NODES: Final = 50
WRITES_BYTES: Final = 8_000_000
"""The most of all steps of a run together; of later ones only the size is stored."""


def recordings_claim(*, limit: int) -> list[Run]:
    """Claim runs whose steps to read from their servers' history; no other worker gets them meanwhile."""
    wanted = (
        Q(status__in=sorted(ENDS), finished_at__gt=Now() - READ_WITHIN, remote_run_id__isnull=False)
        & ~Q(thread_choice=ThreadChoice.STATELESS)
        & (
            Q(step_log=None)
            | Q(step_log__state=StepLog.State.LIVE)
            | Q(step_log__state=StepLog.State.READING, step_log__claimed_at__lt=Now() - CLAIM_LASTS)
        )
    )
    taken = []
    with transaction.atomic():
        ids = list(Run.objects.filter(wanted).order_by("finished_at").values_list("pk", flat=True)[:limit])
        for run_id in ids:
            StepLog.objects.bulk_create([StepLog(run_id=run_id)], ignore_conflicts=True)
        logs = StepLog.objects.select_for_update(skip_locked=True).filter(pk__in=ids)
        free = logs.filter(Q(state=StepLog.State.LIVE) | Q(claimed_at__lt=Now() - CLAIM_LASTS))
        for log in free:
            if log.tries >= TRIES:
                why = "The steps could not be read from the server."
                StepLog.objects.filter(pk=log.pk).update(state=StepLog.State.READ, why=why, version=F("version") + 1)
                continue
            StepLog.objects.filter(pk=log.pk).update(
                state=StepLog.State.READING, claimed_at=Now(), tries=F("tries") + 1
            )
            taken.append(log.pk)
    return list(
        Run.objects.filter(pk__in=taken).select_related("server", "request", "result").defer("result__compressed")
    )


def steps_store(*, run: Run, reading: Reading) -> None:
    """Replace the steps that were seen while the run went on by those from the history.

    An empty reading keeps the seen steps, and stores why they are incomplete.
    """
    checkpoints = list(checkpoint_rows(run, reading))
    first = next((state.values for path, state in reading.checkpoints if not path), None)
    tokens = tokens_of((step.writes for step in reading.steps), before=first)
    with transaction.atomic():
        log = StepLog.objects.select_for_update().filter(pk=run.pk).first()
        if log is None:  # the run was deleted meanwhile
            return
        if reading.steps:
            Step.objects.filter(run=run).delete()
            Step.objects.bulk_create(_rows(run.pk, reading.steps))
            RunCheckpoint.objects.filter(run=run).delete()
            RunCheckpoint.objects.bulk_create(checkpoints, batch_size=50)
        else:
            Step.objects.filter(run=run, status="running").delete()
        LiveText.objects.filter(run=run).delete()
        StepLog.objects.filter(pk=run.pk).update(
            state=StepLog.State.READ,
            why=storable(reading.why)[:1000],
            server_wait_s=reading.server_wait_s,
            tokens=tokens,
            tokens_are_partial=bool(tokens) and (bool(reading.why) or _left_out(reading.steps)),
            claimed_at=None,
            version=F("version") + 1,
        )
        _announce(run.pk, log.version + 1)


def _left_out(steps: Iterable[StepFound]) -> bool:
    """Whether a step wrote more than could be read."""
    return any(step.writes is None and step.writes_bytes > 0 for step in steps)


def _rows(run_id: UUID, steps: Sequence[StepFound]) -> Iterable[Step]:
    left = WRITES_BYTES
    for index, step in enumerate(steps):
        writes = step.writes if step.writes is not None and len(step.writes) <= left else None
        left -= len(writes or b"")
        yield step_row(run_id, index, step, writes)


def step_row(run_id: UUID, index: int, step: StepFound, writes: bytes | None) -> Step:
    """A step as a row, not saved yet."""
    return Step(
        run_id=run_id,
        index=index,
        task_id=storable(step.task_id)[:200],
        node=storable(step.node)[:200],
        path=[storable(name)[:200] for name in step.path],
        status=step.status,
        started_at=step.started_at,
        finished_at=step.finished_at,
        attempt=step.attempt,
        error=storable(step.error),
        writes_json=storable(writes.decode("utf-8", "replace")) if writes is not None else "",
        writes_bytes=step.writes_bytes,
        checkpoint_id=storable(step.checkpoint_id)[:200],
        next_checkpoint_id=storable(step.next_checkpoint_id)[:200],
    )


def checkpoint_rows(run: Run, reading: Reading) -> Iterable[RunCheckpoint]:
    """The checkpoints as rows, not saved yet, their states compressed; what the run's result has is not kept twice."""
    result = RunResult.objects.filter(run=run).defer("compressed").first()
    known: set[str] = set()
    for number, (path, state) in enumerate(reading.checkpoints):
        checkpoint_id = storable(state.id)[:200]
        if not checkpoint_id or checkpoint_id in known:
            continue
        known.add(checkpoint_id)
        row = RunCheckpoint(
            run_id=run.pk,
            number=number,
            checkpoint_id=checkpoint_id,
            path=[storable(name)[:200] for name in path],
            next_nodes=[storable(task.name)[:200] for task in state.tasks][:NEXT_NODES],
            at=state.at,
            size_bytes=state.values_bytes,
        )
        if state.values is not None:
            packed = pack(state.values)
            row.sha256 = packed.sha256
            if result is None or bytes(result.sha256) != packed.sha256:
                row.compressed = b"".join(packed.pieces)
        yield row


# While somebody watches.


def runs_watch(*, run_ids: Iterable[UUID]) -> None:
    """Mark that somebody has the pages of these runs open; renew it every few seconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO steps_watch (run_id, seen_at) "
            "SELECT id, now() FROM runs_run WHERE id = ANY(%s) AND status = ANY(%s) "
            "ON CONFLICT (run_id) DO UPDATE SET seen_at = now()",
            [list(run_ids), sorted(ACTIVE)],
        )


def watches_forget(*, older_than: timedelta) -> None:
    """Remove marks that nobody renews."""
    Watch.objects.filter(seen_at__lt=Now() - older_than).delete()


def steps_observe(*, run_id: UUID, first: int, steps: Sequence[StepFound]) -> bool:
    """Store the steps of a run that goes on, from index `first` on.

    Returns False when the run has ended, and its steps are or will be read from the history: then nothing is written.
    """
    with transaction.atomic():
        StepLog.objects.bulk_create([StepLog(run_id=run_id)], ignore_conflicts=True)
        log = StepLog.objects.select_for_update().get(pk=run_id)
        if log.state != StepLog.State.LIVE:
            return False
        Step.objects.filter(run_id=run_id, index__gte=first).delete()
        Step.objects.bulk_create(step_row(run_id, first + at, step, step.writes) for at, step in enumerate(steps))
        StepLog.objects.filter(pk=run_id).update(version=F("version") + 1)
        _announce(run_id, log.version + 1)
    return True


def words_observe(*, run_id: UUID, entries: Sequence[dict[str, Any]]) -> None:
    """Store the text that models are writing in a run that goes on; nothing once its steps are being read."""
    with transaction.atomic():
        if StepLog.objects.filter(pk=run_id).exclude(state=StepLog.State.LIVE).exists():
            return
        cleaned = [{key: storable(v) if isinstance(v, str) else v for key, v in entry.items()} for entry in entries]
        text, _ = LiveText.objects.update_or_create(
            run_id=run_id,
            defaults={"entries": cleaned, "version": F("version") + 1},
            create_defaults={"entries": cleaned},
        )
        text.refresh_from_db(fields=["version"])
        _announce(run_id, text.version, words=True)


def _announce(run_id: UUID, version: int, *, words: bool = False) -> None:
    notify(STEPS_CHANNEL, StepsChange(run_id, version, words).to_payload())
