"""Cancelled runs that may be executed again: a server that restarts soon after a cancel forgets it.

A worker checks each of them a few times in the minutes after its end, and longer while the server is away. A run that
goes on again says so on its page, and can be cancelled again. The status stays: how the run ended is known.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from dashboard.runs.events import EventKind
from dashboard.runs.models import Run
from dashboard.runs.transitions import event_append

CHECKS_S: Final = (10.0, 30.0, 60.0, 120.0)
"""When to check it, in seconds after its end. `langgraph dev` writes its data to disk every ten seconds."""
GOES_ON_S: Final = 15.0
AWAY_S: Final = 15.0
AWAY_FOR: Final = timedelta(hours=1)
"""How long to wait for a server that is away."""
CLAIMED_S: Final = 60.0
"""When another worker repeats a check whose worker died."""


def checks_claim(*, limit: int) -> list[Run]:
    """Take the runs that are due, with their servers and requests. Two workers never take the same one."""
    with transaction.atomic():
        due = Run.objects.select_for_update(skip_locked=True, no_key=True).filter(look_again_at__lte=Now())
        ids = list(due.order_by("look_again_at").values_list("pk", flat=True)[:limit])
        Run.objects.filter(pk__in=ids).update(look_again_at=Now() + timedelta(seconds=CLAIMED_S))
    return list(Run.objects.filter(pk__in=ids).select_related("server", "request")) if ids else []


def check_found_going_on(run_id: UUID) -> None:
    """Record that the server executes it."""
    with transaction.atomic():
        run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
        again: dict[str, Any] = {"look_again_at": Now() + timedelta(seconds=GOES_ON_S)}
        if run.going_on_since is None:
            message = "It was cancelled before that."
            again |= {"going_on_since": Now(), "executions": F("executions") + 1}
            event_append(run, EventKind.EXECUTED_AGAIN, {"message": message}, **again)
        else:
            Run.objects.filter(pk=run_id).update(**again)


def check_found_over(run_id: UUID) -> None:
    """The server does not execute it (any more): the next check is later, or this was the last."""
    with transaction.atomic():
        run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
        next_at: Any = None
        elapsed_s = _elapsed_s(run)
        later = [seconds for seconds in CHECKS_S if seconds > elapsed_s]
        if later:
            next_at = Coalesce(F("finished_at"), Now()) + timedelta(seconds=later[0])
        if run.going_on_since is not None:
            event_append(run, EventKind.STOPPED_AGAIN, going_on_since=None, look_again_at=next_at)
        else:
            Run.objects.filter(pk=run_id).update(look_again_at=next_at)


def check_found_nothing(run_id: UUID) -> None:
    """The server did not say."""
    with transaction.atomic():
        run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
        is_over = run.going_on_since is None and _elapsed_s(run) > AWAY_FOR.total_seconds()
        Run.objects.filter(pk=run_id).update(look_again_at=None if is_over else Now() + timedelta(seconds=AWAY_S))


def cancel_again_delivered(run_id: UUID, *, action: str) -> None:
    """Record that the server took the second cancel, once for each time somebody requested it."""
    with transaction.atomic():
        run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
        said = run.events.filter(kind=EventKind.CANCEL_DELIVERED, at__gte=run.cancel_requested_at)
        if run.cancel_requested_at and not said.exists():
            event_append(run, EventKind.CANCEL_DELIVERED, {"action": action}, look_again_at=Now())


def _elapsed_s(run: Run) -> float:
    """Seconds since its end, by the database's clock."""
    row = Run.objects.filter(pk=run.pk).annotate(now=Now()).values_list("now", "finished_at").get()
    return float((row[0] - row[1]).total_seconds()) if row[1] else 0.0
