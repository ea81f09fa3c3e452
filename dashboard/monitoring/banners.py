"""Banners about workers on run pages: only when a run has no worker although it seems to have one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from dashboard.monitoring.diagnosis import in_words
from dashboard.monitoring.selectors import STUCK_AFTER, LiveWorkers, queue_is_stuck
from dashboard.runs.leases import LEASE
from dashboard.runs.limits import is_at_limit
from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus

NO_WORKER = "No worker is running."
LAST_STOPS = "No worker takes runs: the last one is stopping."


@dataclass(frozen=True)
class WorkerBanner:
    """A sentence and its consequence."""

    title: str
    text: str


def run_notice(run: Run, live_workers: LiveWorkers) -> WorkerBanner | None:
    """The banner for the page of a run; None when a live worker has it or can take it, or it has ended."""
    if run.is_terminal:
        return None
    if run.lease_owner in live_workers.stopping:
        text = "The server ends this run with its connection, which the worker keeps for a while and then closes."
        return WorkerBanner("This run's worker is stopping.", text)
    if live_workers.looks_after(run):
        return None
    if not live_workers.ids:
        return WorkerBanner(LAST_STOPS if live_workers.stopping else NO_WORKER, _without_worker(run))
    if run.status == RunStatus.QUEUED:
        return _queued(run, live_workers)
    then = (
        "The first worker that has room takes it over"
        if live_workers.is_full
        else f"Another takes it over within {in_words(LEASE.total_seconds())}"
    )
    return WorkerBanner("This run's worker is gone.", f"{then}; the server may go on meanwhile.")


def _queued(run: Run, live_workers: LiveWorkers) -> WorkerBanner | None:
    due_for = timezone.now() - max(run.not_before or run.status_at, run.status_at)
    if due_for >= timedelta() and live_workers.is_full:
        return WorkerBanner("Every worker is full.", "The first worker with room takes this run.")
    if due_for >= timedelta() and is_at_limit(run.server):
        most = run.server.max_runs
        return WorkerBanner(
            f"{run.server.name} takes {most} run{'' if most == 1 else 's'} at a time and has no room now.",
            "This run is sent when one of them ends; older ones come first.",
        )
    if due_for > STUCK_AFTER and queue_is_stuck():
        return WorkerBanner(
            f"This run has been due for {in_words(due_for.total_seconds())} although a worker has room.",
            "The Workers page tells your administrator what to check.",
        )
    return None


def _without_worker(run: Run) -> str:
    if run.status == RunStatus.QUEUED:
        return "This run waits for a worker. Nothing has been sent."
    if run.status == RunStatus.CANCELLING:
        return "A worker delivers the cancel as soon as one runs; until then the run may go on at the server."
    if run.status == RunStatus.STARTING:
        return "As soon as a worker runs, it looks up whether the server has this run."
    return "The run may go on at the server or may have ended: a worker finds out as soon as one runs."


def list_notice(live_workers: LiveWorkers) -> WorkerBanner | None:
    """The banner above a list of runs."""
    if not live_workers.ids:
        return WorkerBanner(
            LAST_STOPS if live_workers.stopping else NO_WORKER,
            "Until one runs, nothing is sent, followed or cancelled: runs that seem to go on may have ended.",
        )
    if live_workers.is_full:
        return WorkerBanner("Every worker is full.", "New runs wait until a worker has room.")
    return None
