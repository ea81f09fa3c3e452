"""The sentences about a run's status and history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from dashboard.runs.events import EventKind
from dashboard.runs.models import Run, RunEvent, WaitState
from dashboard.runs.outcomes import NOT_KEPT
from dashboard.runs.rows import ListedRun
from dashboard.runs.statuses import ENDS, RunStatus
from dashboard.runs.waiting import answer_came_to_nothing

LATE_S = 2.0
"""An end that is stored this much later than it came is called late."""


@dataclass(frozen=True)
class EventLine:
    """One line of the activity list."""

    seq: int
    at: datetime
    text: str
    who: str = ""
    detail: str = ""
    status: str = ""


def run_meaning(run: ListedRun) -> str:
    """What the run's status means for this run, in one sentence."""
    if run.status == RunStatus.QUEUED and run.unreachable_since:
        return "Its server could not take it; Runboard sends it again until the server does."
    if answer_came_to_nothing(run):
        return "It stopped to ask; the run that carried the answer did not finish."
    if run.wait_state == WaitState.ANSWERED:
        return "It stopped to ask; the run with the answer went on."
    if run.wait_state == WaitState.GONE and run.remote_thread_kept:
        return "It stopped to ask, and its thread went on without an answer."
    if run.status in (RunStatus.NEEDS_INPUT, RunStatus.PAUSED) and not run.remote_thread_kept:
        return "It stopped to ask, but ran without a thread: it cannot go on."
    return run.look.meaning


def wait_word(run: ListedRun) -> str:
    """What became of a run's question or stop, in a word; "" when its status says it."""
    is_question = run.status == RunStatus.NEEDS_INPUT
    if run.wait_state == WaitState.ANSWERED:
        return "Answered" if is_question else "Continued"
    if run.wait_state == WaitState.GONE and run.remote_thread_kept:
        return "Question gone" if is_question else "Moved on"
    return ""


def why_no_state(run: Run) -> str:
    """Why a run that has ended has no final state to show, in a sentence or two; "" where its banner says so."""
    if run.error_type == NOT_KEPT:
        return run.error_message
    if run.events.filter(kind=EventKind.RESULT_REMOVED).exists():
        return "It was removed: your team keeps such results only for a while."
    return "" if run.status in _EXPLAINED_BY_BANNER else run_meaning(run)


_EXPLAINED_BY_BANNER = frozenset({RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.CANCELLED, RunStatus.LOST})


def event_lines(events: Iterable[RunEvent]) -> list[EventLine]:
    """The activity list, in order. Attempts in a row that found no server are one line."""
    lines: list[EventLine] = []
    tries: list[RunEvent] = []
    waiting = list(events)
    while waiting:
        if _is_try(waiting[:3]):
            tries.append(waiting[1])
            waiting = waiting[3:]
            continue
        if tries:
            lines.append(_tries_line(tries))
            tries = []
        lines.append(_line(waiting.pop(0)))
    return [*lines, _tries_line(tries)] if tries else lines


def _line(event: RunEvent) -> EventLine:
    ended_at = event.run.finished_at if event.data.get("to") in ENDS else None
    detail = str(event.data.get("message", ""))
    if ended_at and (late_s := (event.at - ended_at).total_seconds()) > LATE_S:
        detail = f"It had ended {late_s:.0f} s earlier, at {ended_at:%H:%M:%S}; Runboard noticed or stored it only now."
    return EventLine(
        seq=event.seq,
        at=event.at,
        text=_sentence(event),
        who=str(event.by) if event.by and not event.data.get("link") else "",
        detail=detail,
        status=str(event.data.get("to", "")) if event.kind == EventKind.STATUS else "",
    )


def _woken(event: RunEvent) -> str:
    return "No longer snoozed" if event.by_id else "Its snooze ended"


def _is_try(events: Sequence[RunEvent]) -> bool:
    """Whether they are an attempt that found no server: claimed, not sent, back in the queue."""
    kinds = [event.data.get("to") if event.kind == EventKind.STATUS else event.kind for event in events]
    return kinds == [RunStatus.STARTING, EventKind.SERVER_UNREACHABLE, RunStatus.QUEUED]


def _tries_line(tries: Sequence[RunEvent]) -> EventLine:
    last = tries[-1]
    if len(tries) == 1:
        return _line(last)
    text = f"The server could not be reached {len(tries)} times, the last time at {last.at:%H:%M:%S}"
    return EventLine(seq=tries[0].seq, at=tries[0].at, text=text, detail=str(last.data.get("message", "")))


def _sentence(event: RunEvent) -> str:
    data: dict[str, Any] = event.data
    if event.kind == EventKind.STATUS:
        label = RunStatus(data["to"]).label
        if data["to"] == RunStatus.QUEUED:
            return "Back in the queue"
        if data["to"] == RunStatus.CANCELLING:
            return "Cancelling, and rolling its work back" if data.get("action") == "rollback" else "Cancelling"
        return label
    if event.kind == EventKind.CONNECTION_LOST:
        return "Lost the connection to the server; reconnecting"
    if event.kind == EventKind.SERVER_UNREACHABLE:
        return f"The server could not be reached; retrying in {data.get('retry_in_s', 0):g} s"
    if event.kind == EventKind.WORKER_STOPS:
        grace = f"for up to {data.get('grace_s', 0):g} s"
        return f"The worker is stopping; it keeps the connection {grace}, because the server ends this run with it"
    if event.kind == EventKind.EXECUTED_AGAIN:
        return "The server executed the run again, as it does after a restart"
    if event.kind == EventKind.ADOPTED:
        if data.get("again"):
            return "The worker reclaimed the run after a lost database reply"
        return (
            "Another worker took the run over"
            if data.get("handed_back")
            else "Its worker went silent; another took over"
        )
    if event.kind in (EventKind.ANSWERED, EventKind.LAUNCHED) and data.get("link"):
        return f"{EventKind(event.kind).label} by {data['link']}"
    if event.kind == EventKind.ASSIGNED:
        return f"Assigned to {data['to']}" if data.get("to") else "Assigned to nobody"
    if event.kind == EventKind.SNOOZED:
        until = timezone.localtime(datetime.fromisoformat(data["until"])) if data.get("until") else None
        return (
            f"Snoozed until {until:%Y-%m-%d %H:%M} {timezone.get_current_timezone_name()}" if until else _woken(event)
        )
    if event.kind == EventKind.STARRED and not data.get("on"):
        return "Star removed"
    if event.kind == EventKind.RENAMED:
        return f"Renamed to {data['name']}" if data.get("name") else "Name removed"
    if event.kind == EventKind.TAGGED:
        return "Tags: " + ", ".join([*(f"+{tag}" for tag in data["add"]), *(f"-{tag}" for tag in data["remove"])])
    return EventKind(event.kind).label
