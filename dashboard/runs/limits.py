"""How many runs a server takes at once, counted over all workers."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.servers.models import Server

AT_WORK = frozenset({RunStatus.STARTING, RunStatus.RUNNING, RunStatus.CANCELLING})
"""The statuses that count against a server's limit; a scheduled run does not until it begins."""


def runs_with_room(limit: int) -> Q:
    """Queued runs that are due, without those whose server is at its limit; inside of a transaction.

    Servers with a limit are locked first, so that of two workers the second counts what the first has taken.
    """
    queued = Q(status=RunStatus.QUEUED) & (Q(not_before__isnull=True) | Q(not_before__lte=Now()))
    waiting = Run.objects.filter(queued, server=OuterRef("pk"))
    limited = dict(
        Server.objects.select_for_update(no_key=True)
        .filter(Exists(waiting), max_runs__isnull=False)
        .order_by("pk")
        .values_list("pk", "max_runs")
    )
    if not limited:
        return queued
    taken = at_work(limited)
    mine: list[UUID] = []
    for server_id, most in limited.items():
        if (room := (most or 0) - taken.get(server_id, 0)) > 0:
            oldest = Run.objects.filter(queued, server=server_id).order_by("created_at")
            mine += oldest.values_list("pk", flat=True)[: min(room, limit)]
    return queued & (~Q(server__in=list(limited)) | Q(pk__in=mine))


def at_work(server_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many runs are at work at each of the servers that have any."""
    runs = Run.objects.filter(status__in=sorted(AT_WORK), server__in=list(server_ids))
    return dict(runs.order_by().values_list("server").annotate(count=Count("pk")))


def servers_at_work_with_a_limit() -> QuerySet[Server]:
    """Servers with a limit that have runs: others waiting their turn there are no fault."""
    there = Run.objects.filter(status__in=sorted(AT_WORK), server=OuterRef("pk"))
    return Server.objects.filter(Exists(there), max_runs__isnull=False)


def is_at_limit(server: Server) -> bool:
    """Whether the server has reached its limit of runs."""
    return server.max_runs is not None and at_work([server.pk]).get(server.pk, 0) >= server.max_runs
