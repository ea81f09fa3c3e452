"""Every read about workers and the work that waits for them. Counts cover the whole installation, not a team."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Min, Q
from django.db.models.functions import Greatest

from dashboard.monitoring.database_outage import outages
from dashboard.runs.leases import LEASE
from dashboard.runs.limits import servers_at_work_with_a_limit
from dashboard.runs.models import Run, RunEvent
from dashboard.runs.statuses import HELD, RunStatus
from dashboard.servers.models import Server
from dashboard.teams.models import Team
from dashboard.worker.models import Worker

SILENT_AFTER = LEASE * 0.75
"""Three heartbeats. Time in which the database was away does not count: nobody could report."""
STUCK_AFTER = timedelta(seconds=60)
"""How long a run may be due, while a worker has room, before something must be wrong."""
SETTLED_AFTER = timedelta(seconds=10)
"""A worker that has just started may find old runs in the queue, which is no fault."""
RECENT_CLAIM = timedelta(seconds=15)
TAKEN_AGAIN_WITHIN = timedelta(seconds=10)
"""How long a run whose pause is over counts as retried; if nobody claims it by then, it waits like any other."""
RECENT_EVENTS = 500
SHOW_STOPPED = timedelta(hours=1)
SHOW_SILENT = timedelta(days=1)
ROWS = 50

State = Literal["working", "stopping", "silent", "died", "stopped"]


@dataclass(frozen=True)
class WorkerStatus:
    """One worker, from its own reports and its leases. `held` is counted, not reported."""

    id: UUID
    host: str
    pid: int
    state: State
    started_at: datetime
    heartbeat_at: datetime
    stopped_at: datetime | None
    held: int
    concurrency: int
    had_room: bool
    has_settled: bool

    @property
    def has_room(self) -> bool:
        """Whether it would claim a run: it had room when it last reported, and has room now."""
        return self.state == "working" and self.had_room and self.held < self.concurrency


@dataclass(frozen=True)
class WorkState:
    """What workers do and what waits for them, at one moment by the database's clock.

    `waiting` runs are due now; `retrying` ones were refused or found no server and are tried again, later or just now;
    `orphaned` ones have no live worker; `disconnected` ones go on, but the connection to their server is
    lost. `unanswered` is how many servers did not answer when a worker last looked; their names are given only
    where everybody who reads this may know them.
    """

    at: datetime
    workers: tuple[WorkerStatus, ...]
    waiting: int
    waiting_since: datetime | None
    retrying: int
    next_try_at: datetime | None
    retrying_since: datetime | None
    orphaned: int
    disconnected: int
    unanswered: int
    is_stuck: bool
    unanswered_names: tuple[str, ...] = ()

    @property
    def living(self) -> tuple[WorkerStatus, ...]:
        return tuple(worker for worker in self.workers if worker.state == "working")

    @property
    def is_full(self) -> bool:
        """Whether every live worker is full."""
        return bool(self.living) and all(worker.held >= worker.concurrency for worker in self.living)

    @property
    def is_unheard(self) -> bool:
        """Whether no worker has reported since the database is back, which is too short a time to call one silent."""
        return bool(self.living) and all(worker.heartbeat_at <= self.at - SILENT_AFTER for worker in self.living)

    @property
    def waiting_s(self) -> float | None:
        """How long the oldest run that is due has waited; None when none waits."""
        return max(0.0, (self.at - self.waiting_since).total_seconds()) if self.waiting_since else None


@dataclass(frozen=True)
class LiveWorkers:
    """Which workers are alive, and whether one of them has room: all that most pages need.

    `ids` are those that take runs; `stopping` ones only wait for some that they still hold.
    """

    ids: frozenset[UUID]
    is_full: bool
    stopping: frozenset[UUID] = frozenset()

    def looks_after(self, run: Run) -> bool:
        """Whether one of them holds the run."""
        return run.lease_owner in self.ids | self.stopping


def live_workers() -> LiveWorkers:
    """The live workers, by their last reports. One short query."""
    with connection.cursor() as cursor:
        cursor.execute(_LIVING, [_silent_after().total_seconds()])
        living = cursor.fetchall()
    working = [(pk, held >= concurrency) for pk, held, concurrency, stopping_at in living if stopping_at is None]
    return LiveWorkers(
        ids=frozenset(pk for pk, _ in working),
        is_full=bool(working) and all(is_full for _, is_full in working),
        stopping=frozenset(pk for pk, _, _, stopping_at in living if stopping_at is not None),
    )


_LIVING = """
SELECT id, held, concurrency, stopping_at FROM worker_worker
WHERE stopped_at IS NULL AND heartbeat_at > statement_timestamp() - make_interval(secs => %s)
"""


def workers_alive() -> int:
    """How many workers have not stopped and have reported lately."""
    return len(live_workers().ids)


def _silent_after() -> timedelta:
    return SILENT_AFTER + timedelta(seconds=outages.grace_s())


def work_state(*, for_members: bool = False) -> WorkState:
    """Everything an operator must know, in a few indexed queries.

    Servers are named only `for_members`, and only where there is one team: other teams must not see their names.
    """
    at = _now()
    workers = _workers(at)
    living = [worker.id for worker in workers if worker.state in ("working", "stopping")]
    unanswered = list(Server.objects.exclude(problem="").order_by("name").values_list("name", flat=True))
    is_named = for_members and bool(unanswered) and Team.objects.count() == 1
    queue, held = _queue(at), _held(at, living)
    return WorkState(
        at=at,
        workers=workers,
        waiting=queue["waiting"],
        waiting_since=queue["waiting_since"],
        retrying=queue["again"] + held["again"],
        next_try_at=queue["next_try_at"],
        retrying_since=min(filter(None, (queue["again_since"], held["again_since"])), default=None),
        orphaned=held["orphaned"],
        disconnected=held["disconnected"],
        unanswered=len(unanswered),
        unanswered_names=tuple(unanswered) if is_named else (),
        is_stuck=_is_stuck(at, workers),
    )


def _queue(at: datetime) -> dict[str, Any]:
    """Counts of queued runs: those that wait, and those (`again`) that are retried."""
    later = Q(not_before__gt=at)
    # When its pause is over, a run is claimed within a moment; it must not count as waiting for just that moment.
    again = later | Q(unreachable_since__isnull=False, due_at__gt=at - TAKEN_AGAIN_WITHIN)
    # Since when a run could have been claimed: when it was queued, or when its pause was over.
    queued = Run.objects.filter(status=RunStatus.QUEUED).annotate(due_at=Greatest("not_before", "status_at"))
    return queued.aggregate(
        waiting=Count("pk", filter=~again),
        waiting_since=Min("due_at", filter=~again),
        again=Count("pk", filter=again),
        again_since=Min("unreachable_since", filter=again),
        next_try_at=Min("not_before", filter=later),
    )


def _held(at: datetime, living: list[UUID]) -> dict[str, Any]:
    """Counts of runs that a worker should hold: without one, without a connection, and (`again`) just retried."""
    abandoned = Q(lease_owner=None) | Q(lease_expires_at__lt=at) | ~Q(lease_owner__in=living)
    again = Q(status=RunStatus.STARTING, unreachable_since__isnull=False)
    return Run.objects.filter(status__in=sorted(HELD)).aggregate(
        orphaned=Count("pk", filter=abandoned),
        disconnected=Count("pk", filter=Q(reconnecting_since__isnull=False)),
        again=Count("pk", filter=again),
        again_since=Min("unreachable_since", filter=again),
    )


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (at,) = cursor.fetchone()
    return at  # type: ignore[no-any-return]


def _workers(at: datetime) -> tuple[WorkerStatus, ...]:
    shown = Q(stopped_at=None, heartbeat_at__gt=at - SHOW_SILENT) | Q(stopped_at__gt=at - SHOW_STOPPED)
    rows = list(Worker.objects.filter(shown).order_by(F("stopped_at").desc(nulls_first=True), "-heartbeat_at")[:ROWS])
    held = dict(
        Run.objects.filter(status__in=sorted(HELD), lease_owner__in=[row.pk for row in rows])
        .values_list("lease_owner")
        .annotate(count=Count("pk"))
    )
    silent_after = _silent_after()
    lines = [_line(row, held.get(row.pk, 0), at, silent_after) for row in rows]
    order = {"working": 0, "stopping": 1, "silent": 2, "died": 3, "stopped": 3}
    return tuple(sorted(lines, key=lambda line: (order[line.state], line.host, line.started_at)))


def _line(row: Worker, held: int, at: datetime, silent_after: timedelta) -> WorkerStatus:
    state: State = "working"
    if row.stopped_at is not None:
        # A worker that stops says so with a last heartbeat; for one that was killed, the next one on its machine does.
        state = "died" if row.heartbeat_at < row.stopped_at else "stopped"
    elif row.heartbeat_at <= at - silent_after:
        state = "silent"
    elif row.stopping_at is not None:
        state = "stopping"
    return WorkerStatus(
        id=row.pk,
        host=row.host,
        pid=row.pid,
        state=state,
        started_at=row.started_at,
        heartbeat_at=row.heartbeat_at,
        stopped_at=row.stopped_at,
        held=held,
        concurrency=row.concurrency,
        had_room=row.held < row.concurrency,
        has_settled=row.started_at < at - SETTLED_AFTER,
    )


def queue_is_stuck() -> bool:
    """Whether runs that have been due for long are passed over although a worker has room."""
    at = _now()
    return _is_stuck(at, _workers(at))


def _is_stuck(at: datetime, workers: tuple[WorkerStatus, ...]) -> bool:
    """Whether runs are passed over: due for long, a worker has room, and nothing as old is being claimed.

    A long queue that shrinks is not stuck: workers claim the oldest first, so what they claimed lately is older
    than what waits. A run that only younger ones overtake is.
    """
    # While the database was away nothing could be claimed, so runs have been due for long.
    if outages.grace_s() or not any(worker.has_room and worker.has_settled for worker in workers):
        return False
    due = Q(not_before=None) | Q(not_before__lt=at - STUCK_AFTER)
    waiting = Run.objects.filter(due, status=RunStatus.QUEUED, status_at__lt=at - STUCK_AFTER)
    waiting = waiting.exclude(server__in=servers_at_work_with_a_limit())
    abandoned = Run.objects.filter(status__in=sorted(HELD), lease_expires_at__lt=at - STUCK_AFTER)
    oldest = [
        created_at
        for runs in (waiting, abandoned)
        for created_at in runs.order_by("created_at").values_list("created_at", flat=True)[:1]
    ]
    if not oldest:
        return False
    latest = RunEvent.objects.order_by("-pk").values_list("pk", flat=True)[:RECENT_EVENTS]
    return not RunEvent.objects.filter(
        Q(kind="status", data__to=RunStatus.STARTING) | Q(kind="adopted"),
        pk__in=list(latest),
        at__gt=at - RECENT_CLAIM,
        run__created_at__lte=min(oldest),
    ).exists()
