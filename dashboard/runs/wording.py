"""The sentences in which a run's state and history are told to people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.runs.events import EventKind
from dashboard.runs.models import Run, RunEvent
from dashboard.runs.statuses import RunStatus


@dataclass(frozen=True)
class Banner:
    """The one message above a run's tabs: a tone, what happened, and what it means or what can be done."""

    tone: str
    title: str
    text: str = ""
    code: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class EventLine:
    """One line of the activity list."""

    seq: int
    at: datetime
    text: str
    who: str = ""
    detail: str = ""
    status: str = ""


def run_banner(run: Run) -> Banner | None:
    """What a reader must know first about this run; None when the status says it all."""
    if run.status == RunStatus.FAILED:
        where = f" in node {run.error_node}" if run.error_node else ""
        return Banner("danger", f"{run.error_type or 'Error'}{where}", code=run.error_message)
    if run.status in (RunStatus.TIMED_OUT, RunStatus.LOST):
        return Banner("danger", run.look.meaning, run.error_message)
    if run.status == RunStatus.NEEDS_INPUT:
        count = len(run.ending.get("interrupts") or [])
        title = "The graph asks a question." if count < 2 else f"The graph asks {count} questions."
        return Banner(
            "attention", title, "It goes on once somebody answers: launch on this thread with a resume command."
        )
    if run.status == RunStatus.PAUSED:
        waiting = ", ".join(run.ending.get("next") or [])
        return Banner(
            "attention",
            f"Paused; next is {waiting}." if waiting else "Paused.",
            "Continue it on this thread with no input.",
        )
    if run.status == RunStatus.CANCELLED:
        return Banner(
            "neutral", _cancelled(run), "What it had done so far was undone." if run.ending.get("rolled_back") else ""
        )
    return _active_banner(run)


def _active_banner(run: Run) -> Banner | None:
    if run.status == RunStatus.CANCELLING:
        return Banner("info", "Cancel sent; the server has not confirmed it yet.", since=run.cancel_requested_at)
    if run.reconnecting_since:
        return Banner(
            "attention",
            "The line to the server was lost; joining the run again.",
            "The run goes on there meanwhile, and is never started a second time.",
            since=run.reconnecting_since,
        )
    if run.unreachable_since and run.status in (RunStatus.QUEUED, RunStatus.STARTING):
        return Banner(
            "attention", "Server unreachable, trying again.", "Nothing was created there.", since=run.unreachable_since
        )
    return None


def _cancelled(run: Run) -> str:
    if run.ending.get("note"):
        return str(run.ending["note"])
    if run.cancel_requested_by:
        return f"Cancelled by {run.cancel_requested_by}."
    return "Cancelled on the server, not from here."


def event_lines(events: Iterable[RunEvent]) -> list[EventLine]:
    """The activity list, in the order things happened."""
    return [
        EventLine(
            seq=event.seq,
            at=event.at,
            text=_sentence(event),
            who=str(event.by) if event.by else "",
            detail=str(event.data.get("message", "")),
            status=str(event.data.get("to", "")) if event.kind == EventKind.STATUS else "",
        )
        for event in events
    ]


def _sentence(event: RunEvent) -> str:
    data: dict[str, Any] = event.data
    if event.kind == EventKind.STATUS:
        label = RunStatus(data["to"]).label
        if data["to"] == RunStatus.QUEUED:
            return "Back in the queue"
        if data["to"] == RunStatus.CANCELLING:
            return "Cancelling, with its work undone" if data.get("action") == "rollback" else "Cancelling"
        return label
    if event.kind == EventKind.CONNECTION_LOST:
        return "Lost the line to the server; joining again"
    if event.kind == EventKind.SERVER_UNREACHABLE:
        return f"The server could not be reached; trying again in {data.get('retry_in_s', 0):g} s"
    if event.kind == EventKind.ADOPTED:
        return (
            "Another worker took the run over"
            if data.get("handed_back")
            else "Its worker went silent; another took over"
        )
    return EventKind(event.kind).label
