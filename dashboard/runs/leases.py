"""What a worker writes about the runs it holds. Every write is fenced: a worker that lost its lease writes nothing.

A lease is `lease_owner`, `fence` and `lease_expires_at`, all by the database's clock. Claiming and adopting raise the
fence, so a worker that wakes from a long freeze finds its lease gone (LeaseLost) even if it owns the run again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from dashboard.runs.events import EventKind
from dashboard.runs.limits import runs_with_room
from dashboard.runs.models import Run, RunEvent
from dashboard.runs.notifications import WORK_CHANNEL, notify
from dashboard.runs.statuses import HELD, RunStatus
from dashboard.runs.transitions import Changed, Event, event_append, fields_of_move, moved, run_move, runs_change
from dashboard.runs.waiting import notify_thread_waiters
from dashboard.servers.models import Server

LEASE = timedelta(seconds=settings.ENV.lease_s)

# With the ids as one value: Django's `pk__in` takes time by the square of their number, and a worker holds thousands.
_RENEWAL = """
UPDATE runs_run SET lease_expires_at = statement_timestamp() + make_interval(secs => %s)
WHERE id = ANY(%s) AND lease_owner = %s
RETURNING id, fence
"""

_UNHEARD = """
UPDATE runs_run SET lease_expires_at = statement_timestamp()
WHERE lease_owner = %s AND status = ANY(%s) AND id <> ALL(%s)
"""


class LeaseLost(Exception):
    """This worker no longer holds the run; another may. Nothing was written."""


@dataclass(frozen=True)
class Lease:
    """A worker's right to write about a run, as the database gave it."""

    run_id: UUID
    owner: UUID
    fence: int


class PreviousOwner(NamedTuple):
    """Who held a run that is about to be adopted; `owner` is None when nobody does."""

    run_id: UUID
    owner: UUID | None
    fence: int


def run_claim(*, owner: UUID, limit: int) -> list[Run]:
    """Claim up to `limit` queued runs that are due, oldest first. Two workers never get the same run.

    A server that takes only so many runs at once never gets more, however many workers claim at the same time.
    """
    if limit < 1:
        return []
    with transaction.atomic():
        return _take(owner, limit, runs_with_room(limit), _claim)


def run_adopt(*, owner: UUID, limit: int, held: Mapping[UUID, Lease] | None = None) -> list[Run]:
    """Adopt up to `limit` runs whose worker handed them back or stopped renewing its lease.

    Those that `owner` itself still holds (their leases ran out while Postgres was away, and nobody took them) stay in
    its hands: their leases are renewed, and they are not returned.
    """
    orphaned = Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lt=Now())
    return _take(owner, limit, Q(status__in=HELD) & orphaned, partial(_adopt, held or {}))


def _take(owner: UUID, limit: int, which: Q, write: Callable[[list[PreviousOwner], UUID], list[Changed]]) -> list[Run]:
    if limit < 1:
        return []
    with transaction.atomic(savepoint=False):
        found = (
            Run.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(which)
            .order_by("created_at")
            .values_list("pk", "lease_owner", "fence")[:limit]
        )
        holders = [PreviousOwner(*row) for row in found]
        taken = [changed.run_id for changed in write(holders, owner)] if holders else []
        # Read after the write, so that each comes with its new fence.
        runs = list(Run.objects.filter(pk__in=taken).select_related("server", "request").order_by("created_at"))
    servers: dict[UUID, Server] = {}
    for run in runs:  # one object for all the runs of a server, of which a worker may hold thousands
        run.server = servers.setdefault(run.server_id, run.server)
    return runs


def _lease(owner: UUID) -> dict[str, Any]:
    return {"lease_owner": owner, "lease_expires_at": Now() + LEASE, "fence": F("fence") + 1}


def _claim(queued: list[PreviousOwner], owner: UUID) -> list[Changed]:
    fields = fields_of_move(RunStatus.STARTING, attempts=F("attempts") + 1, not_before=None, sent_at=None)
    events = [moved(RunStatus.QUEUED, RunStatus.STARTING)]
    return runs_change(_these(queued), events, **fields, **_lease(owner))


def _adopt(held: Mapping[UUID, Lease], orphaned: list[PreviousOwner], owner: UUID) -> list[Changed]:
    mine = {run_id for run_id, lease in held.items() if PreviousOwner(run_id, lease.owner, lease.fence) in orphaned}
    Run.objects.filter(pk__in=mine).update(lease_expires_at=Now() + LEASE)
    changed = []
    for former in {run.owner for run in orphaned}:
        group = [run for run in orphaned if run.run_id not in mine and run.owner == former]
        data = {"worker": str(owner), "handed_back": former is None, "again": former == owner}
        event = Event(EventKind.ADOPTED, data)
        changed += runs_change(_these(group), [event], **_lease(owner)) if group else []
    return changed


def _these(runs: list[PreviousOwner]) -> QuerySet[Run]:
    return Run.objects.filter(pk__in=[run.run_id for run in runs])


def lease_of(run: Run) -> Lease:
    """The lease of a run that was just claimed or adopted."""
    assert run.lease_owner is not None
    return Lease(run.pk, run.lease_owner, run.fence)


def leases_renew(*, owner: UUID, holds: Collection[Lease]) -> set[UUID]:
    """Renew the leases; returns the runs still held. Any other one belongs to another worker, or ended."""
    if not holds:
        return set()
    fences = {lease.run_id: lease.fence for lease in holds}
    with connection.cursor() as cursor:
        cursor.execute(_RENEWAL, [LEASE.total_seconds(), list(fences), owner])
        return {run_id for run_id, fence in cursor.fetchall() if fences[run_id] == fence}


def leases_unheard_end(*, owner: UUID, held: Collection[UUID]) -> None:
    """End the leases that `owner` has without knowing it, because the reply to a claim was lost.

    Nobody works on those runs. They can be adopted at once.

    Args:
        held: the runs it does know of.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNHEARD, [owner, sorted(HELD), list(held)])


def in_force(lease: Lease) -> QuerySet[Run]:
    """The run while the lease is in force; else nothing."""
    return Run.objects.filter(pk=lease.run_id, lease_owner=lease.owner, fence=lease.fence, status__in=HELD)


@contextmanager
def locked_run(lease: Lease) -> Iterator[Run]:
    """The run, locked, in a transaction.

    Raises:
        LeaseLost: the lease is no longer in force.
    """
    with transaction.atomic():
        run = in_force(lease).select_for_update(no_key=True).first()
        if run is None:
            raise _lost(lease)
        yield run


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"run {lease.run_id} is no longer held by this worker")


def run_sending(lease: Lease) -> bool:
    """Record that the request is about to go out: from now on the server may have the run.

    Returns False when somebody requested a cancel before; the run has then ended and must not be sent.
    """
    if in_force(lease).exclude(status=RunStatus.CANCELLING).update(sent_at=Now()):
        return True
    with locked_run(lease) as run:
        _cancel_unsent(run)
    return False


def _cancel_unsent(run: Run) -> None:
    run_move(run, RunStatus.CANCELLED, data={"action": run.cancel_action, "sent": False})
    notify_thread_waiters(run, is_there=False)


def run_unsent(lease: Lease, *, delay_s: float) -> None:
    """Back to the queue: it was about to be sent, and provably was not."""
    with locked_run(lease) as run:
        if run.status == RunStatus.CANCELLING:
            _cancel_unsent(run)
        else:
            run_move(run, RunStatus.QUEUED, sent_at=None, not_before=Now() + timedelta(seconds=delay_s))


def run_created_on_server(
    lease: Lease, *, remote_run_id: str, remote_thread_id: str, starts_later: bool = False
) -> RunStatus:
    """Store the server's ids. Returns the run's status, which may be `cancelling`: then the cancel must go out."""
    created = Event(EventKind.CREATED_ON_SERVER, {"run_id": remote_run_id, "thread_id": remote_thread_id})
    ids: dict[str, Any] = {
        "remote_run_id": remote_run_id,
        "remote_thread_id": remote_thread_id,
        "unreachable_since": None,
        "started_at": Now(),
    }
    to = RunStatus.SCHEDULED if starts_later else RunStatus.RUNNING
    usual = in_force(lease).filter(status=RunStatus.STARTING)
    if runs_change(usual, [created, moved(RunStatus.STARTING, to)], **fields_of_move(to, **ids)):
        return to
    with locked_run(lease) as run:
        # Called again because the first reply was lost; or somebody has requested a cancel meanwhile.
        if run.remote_run_id != remote_run_id:
            runs_change(in_force(lease), [created], **ids)
        return RunStatus(run.status)


def run_thread_made(lease: Lease, *, thread_id: str) -> None:
    """Record the thread that a stateless run is sent to, on a server that has no stateless runs."""
    if not in_force(lease).update(remote_thread_id=thread_id):
        raise _lost(lease)


def others_on_thread(lease: Lease) -> set[str]:
    """The server's ids of other runs of ours on the run's thread."""
    run = Run.objects.only("server_id", "remote_thread_id").get(pk=lease.run_id)
    others = Run.objects.filter(server_id=run.server_id, remote_thread_id=run.remote_thread_id)
    named = others.exclude(pk=run.pk).values_list("remote_run_id", flat=True)
    return {remote_run_id for remote_run_id in named if remote_run_id}


def run_begun(lease: Lease) -> None:
    """A scheduled run has started on its server."""
    with locked_run(lease) as run:
        if run.status == RunStatus.SCHEDULED:
            run_move(run, RunStatus.RUNNING, started_at=Now())


def run_requeue(lease: Lease, *, reason: str, delay_s: float, patience_s: float) -> bool:
    """Back to the queue: the server provably has no such run. Tried again after `delay_s` seconds.

    Returns False, and writes nothing, when it has been tried for `patience_s` seconds: then the caller gives up.
    """
    with locked_run(lease) as run:
        if run.status == RunStatus.CANCELLING:
            _cancel_unsent(run)
            return True
        gave_up = Q(unreachable_since__lt=Now() - timedelta(seconds=patience_s))
        if Run.objects.filter(gave_up, pk=run.pk).exists():
            return False
        unreachable = Event(EventKind.SERVER_UNREACHABLE, {"message": reason, "retry_in_s": round(delay_s, 1)})
        run_move(
            run,
            RunStatus.QUEUED,
            before=[unreachable],
            sent_at=None,
            not_before=Now() + timedelta(seconds=delay_s),
            unreachable_since=run.unreachable_since or Now(),
        )
        notify(WORK_CHANNEL, str(run.pk))
    return True


def cancel_action_of(lease: Lease) -> str:
    """The requested cancel: "interrupt", "rollback", or "" without one.

    Raises:
        LeaseLost: the lease is no longer in force.
    """
    action = in_force(lease).values_list("cancel_action", flat=True).first()
    if action is None:
        raise _lost(lease)
    return action


def connection_changed(lease: Lease, *, kind: EventKind, data: Mapping[str, Any]) -> None:
    """Record that the connection to the server was lost, or that the run was joined again."""
    with locked_run(lease) as run:
        since = run.reconnecting_since or Now() if kind == EventKind.CONNECTION_LOST else None
        event_append(run, kind, data, reconnecting_since=since)


def run_executed_again(lease: Lease, *, executions: int, data: Mapping[str, Any]) -> None:
    """Record that the server executes the run again, for the `executions`-th time in all; once for each time."""
    with locked_run(lease) as run:
        if run.executions < executions:
            event_append(run, EventKind.EXECUTED_AGAIN, data, executions=executions)


def last_execution_of(lease: Lease) -> Mapping[str, Any]:
    """What was recorded when the server last executed the run again; {} when it did not."""
    event = RunEvent.objects.filter(run=lease.run_id, kind=EventKind.EXECUTED_AGAIN).order_by("seq").last()
    return event.data if event else {}


def event_append_fenced(lease: Lease, *, kind: EventKind, data: Mapping[str, Any]) -> None:
    """Record an event of a run that is held."""
    with locked_run(lease) as run:
        event_append(run, kind, data)


def leases_hand_back(*, owner: UUID, but: Collection[UUID] = ()) -> int:
    """Hand the runs of a stopping worker back at once, except those in `but`. Returns how many.

    Runs that were never sent are queued again; the others keep their status and wait to be adopted.
    """
    count = 0
    with transaction.atomic():
        mine = Run.objects.select_for_update(no_key=True).filter(lease_owner=owner, status__in=HELD)
        for run in mine.exclude(pk__in=but):
            handed_back = Event(EventKind.HANDED_BACK, {"worker": str(owner)})
            if run.status == RunStatus.STARTING and run.sent_at is None:
                run_move(run, RunStatus.QUEUED, before=[handed_back])
            else:
                event_append(run, handed_back.kind, handed_back.data, lease_owner=None, lease_expires_at=None)
            notify(WORK_CHANNEL, str(run.pk))
            count += 1
    return count


def cancels_requested(*, owner: UUID) -> list[UUID]:
    """The runs held by this worker for which somebody requested a cancel."""
    return list(Run.objects.filter(lease_owner=owner, status=RunStatus.CANCELLING).values_list("pk", flat=True))
