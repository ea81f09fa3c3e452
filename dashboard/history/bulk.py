"""One action on many runs: stored at once, done by workers a few at a time, each run exactly once.

Every run's turn is one transaction with the removal of its row from the list, so that a worker that dies half-way has
either done it or not begun.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from dashboard.history.conditions import Condition, conditions
from dashboard.history.counts import run_count_exact
from dashboard.history.filters import RunFilters
from dashboard.history.models import BulkAction, BulkItem, BulkKind
from dashboard.history.selectors import joined, matching
from dashboard.runs import labels, services
from dashboard.runs.inheritance import run_inherit
from dashboard.runs.labels import BadLabel
from dashboard.runs.models import ParentKind, Run
from dashboard.runs.services import AlreadyLaunched
from dashboard.runs.waiting import NotOpen
from dashboard.teams.encryption import SecretUnreadable
from dashboard.teams.models import Membership, Role, Team, User

logger = logging.getLogger(__name__)

AT_ONCE = 20
"""How many a worker does before it checks whether somebody stopped the action."""
IDS_MAX = 1_000
"""How many can be named one by one; for more there is *all that match*."""


class CountChanged(Exception):
    """The number of matching runs has changed to `count`. Nothing was begun."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} runs match now")
        self.count = count


class CannotBeDone(Exception):
    """It cannot be done with this run; the message says why."""


def bulk_begin(
    *,
    team: Team,
    by: User,
    kind: BulkKind,
    ids: Sequence[UUID] = (),
    filters: RunFilters | None = None,
    count: int | None = None,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> BulkAction:
    """Store an action on the runs in `ids`, or on all `count` that match `filters`.

    Raises:
        CountChanged: another number matches `filters`; nothing was begun.
    """
    with transaction.atomic():
        bulk = BulkAction.objects.create(team=team, by=by, kind=kind, add=list(add), remove=list(remove), total=0)
        if filters is None:
            wanted = [Condition("runs_run.team_id = %s", (team.pk,)), Condition("runs_run.id = ANY(%s)", (list(ids),))]
        else:
            wanted = matching(team.pk, conditions(team.pk, filters))
        where, params = joined(wanted)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO history_bulkitem (bulk_id, run_id) SELECT %s, id FROM runs_run WHERE {where}",
                [bulk.pk, *params],
            )
            bulk.total = cursor.rowcount
        if count is not None and bulk.total != count:
            raise CountChanged(bulk.total)
        bulk.save(update_fields=["total"])
        if not bulk.total:
            BulkAction.objects.filter(pk=bulk.pk).update(finished_at=Now())
    return bulk


def bulk_stop(*, bulk: BulkAction) -> bool:
    """Stop the action. What was done stays. Returns False when it had ended or was stopped before."""
    unfinished = BulkAction.objects.filter(pk=bulk.pk, finished_at=None, stopped_at=None)
    return bool(unfinished.update(stopped_at=Now(), finished_at=Now()))


def bulk_work() -> bool:
    """Do a part of the oldest unfinished action. Returns whether there may be more. Called by workers."""
    bulk = BulkAction.objects.select_related("team", "by").filter(finished_at=None).first()
    if bulk is None:
        return False
    turns = 0
    while turns < AT_ONCE and _next(bulk):
        turns += 1
    if turns < AT_ONCE and not bulk.items.exists():
        BulkAction.objects.filter(pk=bulk.pk, finished_at=None).update(finished_at=Now())
    return True


def _next(bulk: BulkAction) -> bool:
    """Do the action's next run. Returns False when other workers have all that are left."""
    with transaction.atomic():
        item = bulk.items.select_for_update(skip_locked=True).order_by("pk").first()
        if item is None:
            return False
        column, problem = _do(bulk, item)
        item.delete()
        fields = {column: F(column) + 1, **({"problem": problem} if problem else {})}
        BulkAction.objects.filter(pk=bulk.pk).update(**fields)
    return True


def _do(bulk: BulkAction, item: BulkItem) -> tuple[str, str]:
    """The result for one run: the counter to raise, and the error."""
    run = Run.objects.filter(pk=item.run_id, team=bulk.team).select_related("request", "server", "team").first()
    if run is None or bulk.by is None or not _may(bulk, run):
        return "skipped", ""
    try:
        with transaction.atomic():
            return ("done", "") if _apply(bulk, bulk.by, run) else ("skipped", "")
    except AlreadyLaunched:
        return "done", ""
    except (BadLabel, SecretUnreadable, NotOpen, CannotBeDone) as error:
        return "failed", str(error)
    except Exception:
        logger.exception("a bulk action failed for one run", extra={"run_id": str(run.pk)})
        return "failed", "Something went wrong inside Runboard; the worker's log has it."


def _may(bulk: BulkAction, run: Run) -> bool:
    """Whether the person may do this now: members cancel and remove what they launched, admins everything."""
    member = Membership.objects.filter(team=bulk.team, user=bulk.by, user__is_active=True).first()
    if member is None or not member.may_launch:
        return False
    is_own = run.launched_by_id == member.user_id
    return is_own or member.role == Role.ADMIN or bulk.kind in (BulkKind.TAG, BulkKind.LAUNCH)


def _apply(bulk: BulkAction, by: User, run: Run) -> bool:
    """Apply the action to one run. Returns whether it changed anything."""
    if bulk.kind == BulkKind.CANCEL:
        return services.run_cancel(run=run, by=by)
    if bulk.kind == BulkKind.TAG:
        return labels.run_tag(run=run, by=by, add=bulk.add, remove=bulk.remove)
    if bulk.kind == BulkKind.DELETE:
        return services.run_delete(run=run)
    _launch_again(bulk, by, run)
    return True


def _launch_again(bulk: BulkAction, by: User, run: Run) -> None:
    found = run_inherit(run, ParentKind.AGAIN, by=by)
    if found.hidden_headers:
        names = ", ".join(found.hidden_headers)
        raise CannotBeDone(f"The value of {names} is a secret of the person who launched {run.title}.")
    if run.server.removed_at is not None:
        raise CannotBeDone(f"The server {run.server.name} was removed.")
    key = uuid.uuid5(bulk.pk, str(run.pk))
    order = replace(found.order, launch_key=key, preset_id=run.preset_id, batch_id=bulk.pk)
    services.run_launch(team=run.team, by=by, order=order)


def matching_count(team: Team, filters: RunFilters) -> int:
    """How many runs match, for a person to confirm."""
    return run_count_exact(team.pk, filters)
