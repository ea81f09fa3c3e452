"""Runs that wait for a person: their questions, and what becomes of them.

A run that needs input, or is paused, has a `wait_state`: `open` until a run is launched on its thread. That run either
answers it (`Run.answers`, of which a database constraint allows one) or moves the thread on, and then it is `gone`.
A run that never reached the server gives its place up again. Everything here happens in the transaction that causes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.runs.events import EventKind
from dashboard.runs.models import ParentKind, Question, Run, RunEvent, ThreadChoice, WaitState
from dashboard.runs.notifications import INBOX_CHANNEL, WORK_CHANNEL, notify
from dashboard.runs.rows import AnswerRow, ListedRun
from dashboard.runs.selectors import run_after_on_thread
from dashboard.runs.statuses import RunStatus
from dashboard.runs.text import storable
from dashboard.runs.transitions import Event, runs_change

WAITING = (RunStatus.NEEDS_INPUT, RunStatus.PAUSED)
"""Statuses of runs that wait for a person."""


ANSWER_KINDS = (ParentKind.ANSWER, ParentKind.CONTINUE)
"""The kinds of runs that go on where their parent waits."""


CAME_TO_NOTHING = (RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.CANCELLED, RunStatus.LOST)
"""How a run that carried an answer can end while its server still waits for one."""


WAIT_CHECK = "wait-check"
"""Wakes workers when somebody asks whether a server still waits."""


FRESH = timedelta(seconds=10)
"""How long a check counts: within this time, opening a page causes no other one."""


class NotOpen(Exception):
    """The question was answered meanwhile, or is gone: `run` says which. Nothing was launched."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"run {run.pk} waits for nothing any more")
        self.run = run


def thread_lock(run: Run) -> None:
    """Lock this thread's questions until commit, so that a launch and an end do not overlook each other."""
    if not run.remote_thread_id:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"thread {run.remote_thread_id}"])


# Asking.


def wait_begin(run: Run) -> tuple[WaitState, list[Event]]:
    """The state in which a run begins to wait, and what is to be recorded with it. `run` is locked, and ends now."""
    if not run.remote_thread_kept or not run.remote_thread_id:
        return WaitState.GONE, []
    thread_lock(run)
    later = run_after_on_thread(run)
    if later is not None:
        return WaitState.GONE, [Event(EventKind.FOLLOWED, {"run": str(later.pk)})]
    return WaitState.OPEN, []


def questions_ask(run: Run, ending: Mapping[str, Any], state: WaitState) -> None:
    """Store the graph's questions, in order."""
    asked = ending.get("interrupts") or []
    Question.objects.bulk_create(
        question_of(run, position, interrupt, state) for position, interrupt in enumerate(asked)
    )
    if state == WaitState.OPEN:
        _inbox_changed(run)


def question_of(run: Run, position: int, interrupt: Any, state: str) -> Question:
    """One interrupt as stored. Without `value`: it was too large to store with its run."""
    named: Mapping[str, Any] = interrupt if isinstance(interrupt, dict) else {"value": interrupt}
    return Question(
        run=run,
        position=position,
        interrupt_id=storable(str(named.get("id") or named.get("interrupt_id") or "")[:200]),
        value_json=json.dumps(named["value"]) if "value" in named else "",
        response_schema_json=_json_if_given(named.get("response_schema")),
        namespace_json=_json_if_given(named.get("ns") or named.get("namespace")),
        state=state,
    )


def _json_if_given(value: Any) -> str:
    return "" if value is None else json.dumps(value)


# Answering.


def wait_take(run: Run, *, resume: Any) -> None:
    """Make the saved `run` the answer to the run it `answers`, and notify open pages.

    Args:
        resume: what it sends: values by interrupt id, or the answer to the only question.

    Raises:
        NotOpen: that run no longer waits, or somebody was faster.
    """
    assert run.answers_id is not None
    waiting = Run.objects.select_for_update(no_key=True).get(pk=run.answers_id)
    if waiting.wait_state != WaitState.OPEN:
        raise NotOpen(waiting)
    event = Event(EventKind.ANSWERED, {"run": str(run.pk), **by_link(run)}, run.launched_by)
    runs_change(Run.objects.filter(pk=waiting.pk), [event], wait_state=WaitState.ANSWERED)
    asked = list(waiting.questions.filter(state=WaitState.OPEN))
    answers = answers_by_id(asked, resume)
    for question in asked:
        if question.interrupt_id in answers:
            question.state, question.answered_by_run = WaitState.ANSWERED, run
            question.answer_json = json.dumps(answers[question.interrupt_id])
        else:
            question.state = WaitState.GONE
    Question.objects.bulk_update(asked, ["state", "answered_by_run", "answer_json"])
    _inbox_changed(run)


def by_link(run: Run) -> dict[str, str]:
    """The event data of an answer that came by a link; `by` made the link."""
    return {"link": run.sender} if run.link_for else {}


def answers_by_id(asked: Sequence[Question], resume: Any) -> Mapping[str, Any]:
    """The values of a `resume` by interrupt id, as the server reads it: a map of ids, else the only question's."""
    ids = {question.interrupt_id for question in asked}
    if isinstance(resume, dict) and resume and set(resume) <= ids:
        return resume
    return {asked[0].interrupt_id: resume} if len(asked) == 1 else {}


def waiting_on_thread(run: Run, params: Mapping[str, Any]) -> Run | None:
    """The run that `run`, launched by hand on its thread and about to be saved, answers or continues; None: none."""
    if run.thread_choice != ThreadChoice.EXISTING or not run.remote_thread_id:
        return None
    waiting = _open_on_thread(run).order_by("-created_at").first()
    if waiting is None:
        return None
    command = params.get("command") or {}
    is_from_elsewhere = bool(params.get("checkpoint") or params.get("checkpoint_id"))
    goes_on = "input" not in params and set(command) <= {"update"} and not is_from_elsewhere
    is_taken = "resume" in command or (goes_on and waiting.status == RunStatus.PAUSED)
    return waiting if is_taken else None


# Moving on.


def notify_thread_waiters(run: Run, *, is_there: bool) -> None:
    """Note on the runs that wait on the same thread that `run` was launched there, or that it never arrived.

    What they wait for is gone with it: an answer must not meet another run's question.
    """
    if run.thread_choice != ThreadChoice.EXISTING or not run.remote_thread_id:
        return
    thread_lock(run)
    if is_there:
        _followed(run)
    else:
        _unfollowed(run)


def _followed(run: Run) -> None:
    there = _open_on_thread(run).exclude(pk__in=[run.pk, run.answers_id or run.pk])
    waiting = list(there.select_for_update(no_key=True).values_list("pk", flat=True))
    if waiting:
        event = Event(EventKind.FOLLOWED, {"run": str(run.pk)})
        runs_change(Run.objects.filter(pk__in=waiting), [event], wait_state=WaitState.GONE)
        Question.objects.filter(run__in=waiting, state=WaitState.OPEN).update(state=WaitState.GONE)
        _inbox_changed(run)


def _unfollowed(run: Run) -> None:
    event = Event(EventKind.UNFOLLOWED, {"run": str(run.pk)})
    displaced = RunEvent.objects.filter(kind=EventKind.FOLLOWED, data__run=str(run.pk)).values("run")
    answered = [run.answers_id] if run.answers_id else []
    there = _on_thread(run).filter(Q(wait_state=WaitState.GONE, pk__in=displaced) | Q(pk__in=answered))
    for waiting in there.select_for_update(no_key=True):
        if waiting.pk == run.answers_id:
            Run.objects.filter(pk=run.pk).update(answers=None)
            run.answers = None
        later = run_after_on_thread(waiting)
        if later is not None and later.pk != run.pk:
            continue
        runs_change(Run.objects.filter(pk=waiting.pk), [event], wait_state=WaitState.OPEN)
        waiting.questions.update(state=WaitState.OPEN, answered_by_run=None, answer_json="")
        _inbox_changed(run)


def wait_gone(run: Run, *, why: str) -> bool:
    """The server no longer waits: the thread went on there, or is gone. `why` is a sentence for people.

    Returns False when the run no longer waited here either.
    """
    with transaction.atomic():
        event = Event(EventKind.WAIT_GONE, {"message": why})
        still = Run.objects.filter(pk=run.pk, wait_state=WaitState.OPEN)
        changed = runs_change(still, [event], wait_state=WaitState.GONE, wait_checked_at=Now())
        if changed:
            Question.objects.filter(run=run.pk, state=WaitState.OPEN).update(state=WaitState.GONE)
            _inbox_changed(run)
    return bool(changed)


def waits_look_at(runs: Iterable[Run]) -> None:
    """Somebody looks at these runs: request a check of those without a recent one. Delays nothing."""
    open_waits_look_at((run.pk, run.wait_checked_at, run.wait_check_asked_at) for run in runs if _may_change(run))


def open_waits_look_at(waits: Iterable[tuple[UUID, datetime | None, datetime | None]]) -> None:
    """The same for runs that are read without the model: each one's id, `wait_checked_at` and `wait_check_asked_at`."""
    fresh = timezone.now() - FRESH
    not_lately = [(key, asked_at) for key, checked_at, asked_at in waits if checked_at is None or checked_at < fresh]
    stale = [key for key, asked_at in not_lately if asked_at is None]  # the others already wait for a worker
    if stale:
        _check_ask(stale)


def wait_check_ask(runs: Sequence[Run]) -> datetime:
    """Ask a worker to find out whether the servers of these runs still wait. Does not wait for it.

    Returns the database's time: a `wait_checked_at` that is not before it answers this.
    """
    return _check_ask([run.pk for run in runs if _may_change(run)])


def _check_ask(keys: Sequence[UUID]) -> datetime:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
        if keys:
            Run.objects.filter(TO_CHECK, pk__in=keys).update(wait_check_asked_at=Now())
            notify(WORK_CHANNEL, WAIT_CHECK)
    return now


TO_CHECK = Q(wait_state=WaitState.OPEN) | Q(
    wait_state=WaitState.ANSWERED, status=RunStatus.NEEDS_INPUT, answer__status__in=CAME_TO_NOTHING
)
"""Runs whose state the server may know better: open ones, and those whose answer came to nothing."""


def answer_came_to_nothing(run: ListedRun) -> bool:
    """Whether the run that carried the answer to this one did not finish."""
    answer: ListedRun | AnswerRow | None = (
        getattr(run, "answer", None) if run.wait_state == WaitState.ANSWERED else None
    )
    return answer is not None and answer.status in CAME_TO_NOTHING


def _may_change(run: Run) -> bool:
    return run.wait_state == WaitState.OPEN or (run.status == RunStatus.NEEDS_INPUT and answer_came_to_nothing(run))


def notify_answered(run: Run, end: RunStatus) -> None:
    """`run`, which carries an answer, has ended like this: note that on the run it answers, and request a check."""
    assert run.answers_id is not None
    waiting = Run.objects.filter(pk=run.answers_id, wait_state=WaitState.ANSWERED)
    event = Event(EventKind.ANSWER_CAME_TO_NOTHING, {"run": str(run.pk), "status": end.value})
    if runs_change(waiting, [event], wait_check_asked_at=Now()):
        notify(WORK_CHANNEL, WAIT_CHECK)


def wait_reopen(run: Run, child_id: UUID) -> bool:
    """The answer that `child_id` carried came to nothing, and the server says that it still waits: open it again.

    Returns False when it was answered otherwise since, or a later run came to its thread.
    """
    with transaction.atomic():
        thread_lock(run)
        child = Run.objects.select_for_update(no_key=True).filter(pk=child_id, answers=run.pk).first()
        if child is None or child.status not in CAME_TO_NOTHING or run_after_on_thread(child) is not None:
            return False
        Run.objects.filter(pk=child.pk).update(answers=None)
        still = Run.objects.filter(pk=run.pk, wait_state=WaitState.ANSWERED)
        event = Event(EventKind.REOPENED, {"run": str(child.pk)})
        runs_change(still, [event], wait_state=WaitState.OPEN, wait_checked_at=Now())
        run.questions.update(state=WaitState.OPEN, answered_by_run=None, answer_json="")
        _inbox_changed(run)
    return True


def _inbox_changed(run: Run) -> None:
    notify(INBOX_CHANNEL, str(run.team_id))


def _on_thread(run: Run) -> Any:
    return Run.objects.filter(
        team_id=run.team_id, server_id=run.server_id, remote_thread_id=run.remote_thread_id, status__in=WAITING
    )


def _open_on_thread(run: Run) -> Any:
    return _on_thread(run).filter(wait_state=WaitState.OPEN)


def answer_met_nothing(run: Run) -> None:
    """`run` was an answer for which its server did not wait: then its question is gone, and not answered."""
    if run.answers_id is None:
        return
    waiting = Run.objects.select_for_update(no_key=True).get(pk=run.answers_id)
    Run.objects.filter(pk=run.pk).update(answers=None)
    run.answers = None
    event = Event(EventKind.WAIT_GONE, {"run": str(run.pk)})
    runs_change(Run.objects.filter(pk=waiting.pk), [event], wait_state=WaitState.GONE)
    waiting.questions.update(state=WaitState.GONE, answered_by_run=None, answer_json="")
