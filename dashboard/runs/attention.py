"""Who is assigned to an open question and until when it is snoozed, so that two people do not work on one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Min
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.runs.events import EventKind
from dashboard.runs.models import Run, WaitState
from dashboard.runs.notifications import INBOX_CHANNEL, WORK_CHANNEL, notify
from dashboard.runs.statuses import RunStatus
from dashboard.runs.transitions import Event, runs_change
from dashboard.runs.waiting import WAIT_CHECK, NotOpen
from dashboard.teams.models import User

LONGEST = timedelta(days=366)


class TakenMeanwhile(Exception):
    """Somebody else was assigned since the page was loaded: `run` says who. Nothing was changed."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"run {run.pk} was assigned meanwhile")
        self.run = run


def run_assign(*, run: Run, to: User | None, by: User, was: int | str | None = "") -> None:
    """Assign an open question to somebody; None for nobody.

    Args:
        was: the id of the person to whom it was assigned on the page (None: nobody); "" to assign in any case.

    Raises:
        NotOpen: it waits for nobody any more.
        TakenMeanwhile: it is assigned to somebody else than `was`.
    """
    with transaction.atomic():
        now = _locked(run)
        if now.assigned_to_id == (to.pk if to else None):
            return
        if was != "" and now.assigned_to_id != was:
            raise TakenMeanwhile(now)
        data = {"to": str(to)} if to else {}
        _change(now, Event(EventKind.ASSIGNED, data, by), assigned_to=to)


def run_snooze(*, run: Run, until: datetime | None, by: User) -> None:
    """Hide an open question from everybody's inbox until then; None shows it again.

    Raises:
        NotOpen: it waits for nobody any more.
    """
    with transaction.atomic():
        now = _locked(run)
        if now.snoozed_until == until:
            return
        data = {"until": until.isoformat()} if until else {}
        _change(now, Event(EventKind.SNOOZED, data, by), snoozed_until=until)
        if until:
            notify(WORK_CHANNEL, WAIT_CHECK)  # a worker wakes when the next one ends


def is_snoozed(run: Run) -> bool:
    """Whether it is snoozed now."""
    return run.snoozed_until is not None and run.snoozed_until > timezone.now()


def snoozes_end() -> float | None:
    """Wake what was snoozed until now, notify open pages, and return the seconds until the next snooze ends."""
    ended = Run.objects.filter(snoozed_until__lte=Now())
    with transaction.atomic():
        teams = set(ended.values_list("team_id", flat=True))
        if teams:
            runs_change(ended.filter(wait_state=WaitState.OPEN), [Event(EventKind.SNOOZED)], snoozed_until=None)
            ended.update(snoozed_until=None)
            for team_id in teams:
                notify(INBOX_CHANNEL, str(team_id))
    later = Run.objects.filter(snoozed_until__gt=Now())
    left: timedelta | None = later.aggregate(left=Min(F("snoozed_until") - Now()))["left"]
    return left.total_seconds() if left is not None else None


def _locked(run: Run) -> Run:
    now = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
    if now.wait_state != WaitState.OPEN or now.status != RunStatus.NEEDS_INPUT:
        raise NotOpen(now)
    return now


def _change(run: Run, event: Event, **fields: Any) -> None:
    runs_change(Run.objects.filter(pk=run.pk), [event], **fields)
    notify(INBOX_CHANNEL, str(run.team_id))
