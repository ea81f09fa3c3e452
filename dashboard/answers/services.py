"""Answering: a new run on the same thread, launched with what the first one was launched with."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from dashboard.answers.links.services import link_take
from dashboard.answers.models import AnswerLink
from dashboard.runs.inheritance import run_inherit
from dashboard.runs.models import ParentKind, Run, WaitState
from dashboard.runs.services import LaunchOrder, run_launch
from dashboard.runs.statuses import RunStatus
from dashboard.runs.waiting import NotOpen, wait_check_ask
from dashboard.teams.models import User

CHECK_S = 1.5
"""How long an answer waits until a worker has found out whether the server still waits for it."""
CHECK_LOOK_S = 0.02


def run_answer(
    *,
    run: Run,
    by: User,
    answers: Mapping[str, Any],
    changes: Mapping[str, Any] | None = None,
    key: uuid.UUID | None,
    link: AnswerLink | None = None,
    batch_id: uuid.UUID | None = None,
    is_checked: bool = False,
) -> Run:
    """Launch the run that answers `run`. Some of its questions may be left out: the graph asks them again.

    Args:
        answers: any JSON values by interrupt id; not empty.
        changes: parameters of `wait`, and `name` and `tags`, in place of what is inherited.
        key: made with a blank form, so that a double click answers once.
        link: the answer link that was used; `by` made it. It is used up with the answer.
        batch_id: of several answers that are sent together.
        is_checked: whether `answers_are_sure` was called before.

    Raises:
        LinkEnded: the link was used or revoked meanwhile, or has expired. Nothing was launched.
        NotOpen: it was answered meanwhile, or no longer waits. Nothing was launched.
        AlreadyLaunched: the same form was sent before.
        SecretUnreadable: no configured key opens the header values that it would inherit.
    """
    # The only question of a server that gives it no id is answered by a bare value.
    resume = answers[""] if set(answers) == {""} else dict(answers)
    return _go_on(run, by, ParentKind.ANSWER, {"resume": resume}, changes, key, link, batch_id, is_checked)


def run_continue(
    *,
    run: Run,
    by: User,
    update: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
    key: uuid.UUID | None,
) -> Run:
    """Launch the run that goes on where the paused `run` stopped, with values of its state changed by `update`.

    Raises:
        NotOpen, AlreadyLaunched, SecretUnreadable: as in `run_answer`.
    """
    return _go_on(run, by, ParentKind.CONTINUE, {"update": update} if update else None, changes, key)


def _go_on(
    run: Run,
    by: User,
    kind: ParentKind,
    command: Mapping[str, Any] | None,
    changes: Mapping[str, Any] | None,
    key: uuid.UUID | None,
    link: AnswerLink | None = None,
    batch_id: uuid.UUID | None = None,
    is_checked: bool = False,
) -> Run:
    order = run_inherit(run, kind, by=by).order
    changed = dict(changes or {})
    name, tags = changed.pop("name", order.name), changed.pop("tags", order.tags)
    params = {**order.params, **changed}
    if command is not None:
        params["command"] = command
    given = {name: value for name, value in params.items() if value is not None}
    order = replace(order, params=given, name=name, tags=tags, launch_key=key, batch_id=batch_id)
    if not is_checked and run.wait_state == WaitState.OPEN and not is_sure(run):
        raise NotOpen(run)
    return _launch(run, by, order, link)


def _launch(run: Run, by: User, order: LaunchOrder, link: AnswerLink | None) -> Run:
    if link is None:
        return run_launch(team=run.team, by=by, order=order)
    with transaction.atomic():
        link_take(link)
        child = run_launch(team=run.team, by=by, order=replace(order, link_for=link.name))
        AnswerLink.objects.filter(pk=link.pk).update(answered_by_run=child)
    return child


def is_sure(run: Run) -> bool:
    """Let a worker ask the server whether it still waits for `run`; False when it does not.

    Takes as long as the server's answer, and at most CHECK_S: without a worker, or while the server is slow, the answer
    is launched, and checked again in the last moment before it is sent. The caller's `run` is brought up to
    date.
    """
    answers_are_sure([run])
    return bool(run.wait_state == WaitState.OPEN)


def answers_are_sure(runs: Sequence[Run]) -> None:
    """The same for several at once: updates each one's `wait_state` as far as the servers answer in time."""
    asked_at = wait_check_ask(runs)
    deadline = time.monotonic() + CHECK_S
    waiting = {run.pk: run for run in runs}
    while waiting and time.monotonic() < deadline:
        for pk, state, checked_at in Run.objects.filter(pk__in=waiting).values_list(
            "pk", "wait_state", "wait_checked_at"
        ):
            if state != WaitState.OPEN or (checked_at is not None and checked_at >= asked_at):
                waiting.pop(pk).wait_state = state
        if waiting:
            time.sleep(CHECK_LOOK_S)


def may_be_answered(run: Run) -> bool:
    """Whether an answer would be taken now."""
    return run.status == RunStatus.NEEDS_INPUT and run.wait_state == WaitState.OPEN


def may_be_continued(run: Run) -> bool:
    """Whether it can be continued now."""
    return run.status == RunStatus.PAUSED and run.wait_state == WaitState.OPEN
