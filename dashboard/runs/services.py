"""Every write about runs that people ask for. What workers write: `leases.py`; how a run changes: `transitions.py`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from dashboard.runs.events import EventKind
from dashboard.runs.models import ParentKind, Run, RunRequest, ThreadChoice
from dashboard.runs.notifications import ANY_VERSION, RUN_CHANNEL, WORK_CHANNEL, RunChange, notify
from dashboard.runs.search_words import launch_words, summary_of
from dashboard.runs.statuses import ENDS, RunStatus
from dashboard.runs.summary import summary_after
from dashboard.runs.transitions import Event, event_append, run_move
from dashboard.runs.values import value_keys
from dashboard.runs.waiting import (
    ANSWER_KINDS,
    NotOpen,
    by_link,
    notify_thread_waiters,
    thread_lock,
    wait_take,
    waiting_on_thread,
)
from dashboard.servers.models import Server
from dashboard.servers.selectors import assistant_find
from dashboard.teams.encryption import secrets_encrypt
from dashboard.teams.models import Team, User

WARNING_CHARS = 500
PRUNE_AT_ONCE = 1_000


@dataclass(frozen=True)
class LaunchOrder:
    """A launch: the `wait` parameters by their own names, and what Runboard adds.

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
    preset_id: uuid.UUID | None = None
    warnings: Sequence[str] = ()
    batch_id: uuid.UUID | None = None
    link_for: str = ""


class AlreadyLaunched(Exception):
    """The same form was submitted before: `run` is what it launched. Nothing was launched now."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"already launched as run {run.pk}")
        self.run = run


def run_launch(*, team: Team, by: User, order: LaunchOrder) -> Run:
    """Save a run as queued and wake a worker. Nothing is sent to the server here.

    A run on a new thread gets its thread id now, so that an interrupted launch can be looked up on the server later.
    An order of kind `answer` or `continue` goes on where its parent waits; so does one that resumes by hand.

    Raises:
        AlreadyLaunched: a run of the team has the order's launch key: a double click, or a form sent again.
        NotOpen: what the order answers or continues no longer waits, or somebody was faster.
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
        summary=summary_of(params, assistant.schemas.get("input_schema") if assistant else None),
        value_keys=value_keys("input", params.get("input")) if "input" in params else [],
        graph_id=assistant.graph_id if assistant else "",
        assistant_name=assistant.name if assistant else "",
        thread_choice=order.thread_choice,
        remote_thread_id=thread_id,
        launch_key=order.launch_key,
        preset_id=order.preset_id,
        batch_id=order.batch_id,
        link_for=order.link_for,
        remote_thread_kept=order.thread_choice != ThreadChoice.STATELESS or params.get("on_completion") == "keep",
    )
    if order.parent is not None and order.parent_kind in ANSWER_KINDS:
        run.summary = summary_after(run.summary, order.parent.summary)
    run.search_text = launch_words(run, params)
    with transaction.atomic():
        if order.thread_choice == ThreadChoice.EXISTING:
            thread_lock(run)
        if order.parent_kind in ANSWER_KINDS:
            run.answers = order.parent
        elif (waiting := waiting_on_thread(run, params)) is not None:
            run.answers = waiting
            if run.parent is None:
                run.parent, run.parent_kind = waiting, ParentKind.ANSWER if "command" in params else ParentKind.CONTINUE
        _insert(run)
        RunRequest.objects.create(
            run=run, params_json=json.dumps(params), secret_headers=secrets_encrypt(order.headers)
        )
        if run.answers is not None:
            wait_take(run, resume=(params.get("command") or {}).get("resume"))
        event_append(run, EventKind.LAUNCHED, by_link(run), by=by)
        notify_thread_waiters(run, is_there=True)
        for sentence in order.warnings:
            event_append(run, EventKind.WARNING, {"message": sentence[:WARNING_CHARS]})
        if "checkpoint_during" in params:
            event_append(
                run,
                EventKind.WARNING,
                {
                    "message": "checkpoint_during is deprecated; durability says the same: "
                    + ("async for true." if params["checkpoint_during"] else "sync for false.")
                },
            )
        notify(WORK_CHANNEL, str(run.pk))
    return run


def _insert(run: Run) -> None:
    """Save a new run. The database allows one run for each launch key, and one answer for each run."""
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError:
        earlier = Run.objects.filter(team=run.team, launch_key=run.launch_key).first() if run.launch_key else None
        if earlier is not None:
            raise AlreadyLaunched(earlier) from None
        if run.answers is not None and Run.objects.filter(answers=run.answers).exists():
            raise NotOpen(run.answers) from None
        raise


def run_delete(*, run: Run) -> bool:
    """Remove an ended run with everything that belongs to it, and notify open pages. False for one that goes on."""
    with transaction.atomic():
        gone, _ = Run.objects.filter(pk=run.pk, status__in=sorted(ENDS)).delete()
        if gone:
            run_look_again(run)
    return bool(gone)


def run_cancel(*, run: Run, by: User, action: Literal["interrupt", "rollback"] = "interrupt") -> bool:
    """Request a cancel: a queued run ends at once, any other when its server confirms.

    Returns False when there was nothing to do: the run has ended, or somebody requested it before.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
        if not run.is_cancellable:
            return False
        asked: dict[str, Any] = {"cancel_action": action, "cancel_requested_at": Now(), "cancel_requested_by": by}
        if run.is_terminal:  # its server executes it again
            event_append(run, EventKind.CANCEL_REQUESTED, {"action": action}, by=by, **asked, look_again_at=Now())
            return True
        if run.status == RunStatus.QUEUED:
            moved = run_move(run, RunStatus.CANCELLED, by=by, data={"action": action}, **asked)
            notify_thread_waiters(run, is_there=False)
            return moved
        events = [Event(EventKind.CANCEL_REQUESTED, {"action": action}, by)]
        moved = run_move(run, RunStatus.CANCELLING, by=by, data={"action": action}, before=events, **asked)
        notify(WORK_CHANNEL, str(run.pk))
    return moved


def runs_prune(*, older_than: timedelta, dry_run: bool = False) -> int:
    """Remove runs that ended longer ago than `older_than`, a thousand at a time. Returns how many there are (were).

    Runs that still go on are never touched, however old, and neither are starred ones.
    """
    old = Run.objects.filter(status__in=sorted(ENDS), finished_at__lt=Now() - older_than, is_starred=False)
    if dry_run:
        return old.count()
    removed = 0
    while keys := list(old.values_list("pk", flat=True)[:PRUNE_AT_ONCE]):
        Run.objects.filter(pk__in=keys).delete()
        removed += len(keys)
    return removed


def run_look_again(run: Run) -> None:
    """Make open pages reload `run` although it has no new version, as when a share link ends."""
    notify(RUN_CHANNEL, RunChange(run.pk, run.team_id, ANY_VERSION).to_payload())
