"""Every write about runs that people ask for, and the one way a run changes. What workers write is in `holding.py`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from dashboard.runs.events import EventKind
from dashboard.runs.models import ParentKind, Run, RunRequest, ThreadChoice
from dashboard.runs.notifications import ANY_VERSION, RUN_CHANNEL, WORK_CHANNEL, RunChange, notify
from dashboard.runs.statuses import ENDS, RunStatus, check_transition
from dashboard.runs.text import searchable, storable
from dashboard.servers.models import Server
from dashboard.servers.selectors import assistant_find
from dashboard.teams.encryption import secrets_encrypt
from dashboard.teams.models import Team, User

SEARCH_TEXT_CHARS = 8_000
PRUNE_AT_ONCE = 1_000


@dataclass(frozen=True)
class LaunchOrder:
    """A run someone wants: the `wait` parameters by their own names, and what Runboard adds.

    `params` holds only what was given, without `headers` (their values are secrets) and `thread_id`.
    """

    server: Server
    assistant_id: str
    thread_choice: ThreadChoice = ThreadChoice.NEW
    thread_id: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    tags: Sequence[str] = ()
    parent: Run | None = None
    parent_kind: ParentKind | Literal[""] = ""
    launch_key: uuid.UUID | None = None


class AlreadyLaunched(Exception):
    """The same filled form was submitted before: `run` is what it launched. Nothing was launched now."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"already launched as run {run.pk}")
        self.run = run


def run_launch(*, team: Team, by: User, order: LaunchOrder) -> Run:
    """Save a run as queued and wake a worker. Nothing is sent to the server here.

    A run on a new thread gets its thread id now, so that an interrupted launch can be looked up on the server later.

    Raises:
        AlreadyLaunched: a run of the team has the order's launch key: a double click, or a form sent again.
    """
    params = dict(order.params)
    thread_id = order.thread_id
    if order.thread_choice == ThreadChoice.NEW:
        thread_id = str(uuid.uuid4())
        params["if_not_exists"] = "create"
    if order.headers:
        params["headers"] = sorted(order.headers)
    assistant = assistant_find(order.server, order.assistant_id)
    run = Run(
        team=team,
        server=order.server,
        launched_by=by,
        parent=order.parent,
        parent_kind=order.parent_kind,
        name=order.name,
        tags=list(order.tags),
        assistant_id=order.assistant_id,
        graph_id=assistant.graph_id if assistant else "",
        thread_choice=order.thread_choice,
        remote_thread_id=thread_id,
        launch_key=order.launch_key,
        remote_thread_kept=order.thread_choice != ThreadChoice.STATELESS or params.get("on_completion") == "keep",
    )
    run.search_text = _search_text(run, params)
    with transaction.atomic():
        try:
            with transaction.atomic():
                run.save(force_insert=True)
        except IntegrityError:
            earlier = Run.objects.filter(team=team, launch_key=order.launch_key).first() if order.launch_key else None
            if earlier is None:
                raise
            raise AlreadyLaunched(earlier) from None
        RunRequest.objects.create(
            run=run, params_json=json.dumps(params), secret_headers=secrets_encrypt(order.headers)
        )
        run_note(run, EventKind.LAUNCHED, by=by)
        if "checkpoint_during" in params:
            run_note(
                run,
                EventKind.WARNING,
                {
                    "message": "checkpoint_during is deprecated; durability says the same: "
                    + ("async for true." if params["checkpoint_during"] else "sync for false.")
                },
            )
        notify(WORK_CHANNEL, str(run.pk))
    return run


def run_cancel(*, run: Run, by: User, action: Literal["interrupt", "rollback"] = "interrupt") -> bool:
    """Ask to cancel: a queued run ends at once, a held one when its server confirms.

    Returns False when there was nothing to do: the run has ended, or someone asked before.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run.pk)
        if not run.is_cancellable:
            return False
        asked = {"cancel_action": action, "cancel_requested_at": Now(), "cancel_requested_by": by}
        if run.status == RunStatus.QUEUED:
            return run_move(run, RunStatus.CANCELLED, by=by, data={"action": action}, **asked)
        run_note(run, EventKind.CANCEL_ASKED, {"action": action}, by=by)
        moved = run_move(run, RunStatus.CANCELLING, by=by, data={"action": action}, **asked)
        notify(WORK_CHANNEL, str(run.pk))
    return moved


def run_move(
    run: Run, to: RunStatus, *, by: User | None = None, data: Mapping[str, Any] | None = None, **changes: Any
) -> bool:
    """Move `run` to `to`, record the event, and tell open browsers once it is committed.

    `changes` are further fields to write with it. Returns False when another process moved it first: the caller's copy
    is then stale and nothing was written.

    Raises:
        IllegalTransition: `to` does not follow the run's status in TRANSITIONS; nothing was written.
    """
    was = run.status
    check_transition(was, to)
    if to in ENDS:
        changes.setdefault("finished_at", Now())
        changes |= {"not_before": None, "reconnecting_since": None}
    if to in ENDS or to == RunStatus.QUEUED:
        changes |= {"lease_owner": None, "lease_expires_at": None}
    with transaction.atomic(savepoint=False):
        changed = Run.objects.filter(pk=run.pk, status=was).update(status=to, status_at=Now(), **changes)
        if not changed:
            return False
        run.status = to
        run_note(run, EventKind.STATUS, {"from": was, "to": to, **(data or {})}, by=by)
    return True


def run_note(run: Run, kind: EventKind, data: Mapping[str, Any] | None = None, *, by: User | None = None) -> None:
    """Record an event under the next sequence number and tell open browsers once it is committed.

    The row's lock, held until commit, is what keeps sequence numbers without holes or doubles. One statement, because
    a worker that takes in hundreds of results a second pays for every round trip.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH changed AS (
                UPDATE runs_run SET last_event_seq = last_event_seq + 1, version = version + 1 WHERE id = %s
                RETURNING id, team_id, last_event_seq, version
            ), event AS (
                INSERT INTO runs_runevent (run_id, seq, kind, data, by_id)
                SELECT id, last_event_seq, %s, %s::jsonb, %s FROM changed
            )
            SELECT pg_notify(%s, json_build_array(id, team_id, version)::text) FROM changed
            """,
            [
                run.pk,
                kind.value,
                json.dumps(
                    {key: storable(value) if isinstance(value, str) else value for key, value in (data or {}).items()}
                ),
                by.pk if by else None,
                RUN_CHANNEL,
            ],
        )


def runs_prune(*, older_than: timedelta, dry_run: bool = False) -> int:
    """Remove runs that ended longer ago than `older_than`, a thousand at a time. Returns how many there are (were).

    Runs that still go on are never touched, however old.
    """
    old = Run.objects.filter(status__in=sorted(ENDS), finished_at__lt=Now() - older_than)
    if dry_run:
        return old.count()
    removed = 0
    while keys := list(old.values_list("pk", flat=True)[:PRUNE_AT_ONCE]):
        Run.objects.filter(pk__in=keys).delete()
        removed += len(keys)
    return removed


def run_look_again(run: Run) -> None:
    """Tell open pages to look at `run` again although no new version of it exists, as when a share link ends."""
    notify(RUN_CHANNEL, RunChange(run.pk, run.team_id, ANY_VERSION).to_payload())


def _search_text(run: Run, params: Mapping[str, Any]) -> str:
    """What a search finds a run by."""
    words = [run.name, *run.tags, run.assistant_id, run.graph_id]
    words += [json.dumps(params[key], ensure_ascii=False) for key in ("input", "command") if key in params]
    return searchable(" ".join(words).replace("\\u0000", " ")[:SEARCH_TEXT_CHARS])
