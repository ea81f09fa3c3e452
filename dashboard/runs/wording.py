"""The sentences in which a run's state and history are told to people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

from dashboard.runs.events import EventKind
from dashboard.runs.final_state import showable
from dashboard.runs.holding import NOT_KEPT
from dashboard.runs.models import Run, RunEvent
from dashboard.runs.statuses import RunStatus
from dashboard.servers.schemas import schema_example

SLOW_S = 5.0


@dataclass(frozen=True)
class NextStep:
    """A link to the launch form, filled in by `query`. It never launches by itself."""

    label: str
    query: str


@dataclass(frozen=True)
class Banner:
    """The one message above a run's tabs: a tone, what happened, and what it means or what can be done."""

    tone: str
    title: str
    text: str = ""
    code: str = ""
    since: datetime | None = None
    next_at: datetime | None = None
    step: NextStep | None = None


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
    """What a reader must know first about this run, and what can be done; None when the status says it all."""
    tell = _BANNERS.get(RunStatus(run.status))
    return tell(run) if tell else _waiting(run)


def _failed(run: Run) -> Banner:
    if run.remote_run_id is None:
        title, text = run.error_type, "Nothing was created on the server. Launch again once the cause is mended."
    else:
        where = f" in node {run.error_node}" if run.error_node else ""
        title, text = f"{run.error_type or 'Error'}{where}", "The graph raised this. Launch again once it is mended."
    return Banner("danger", title or "Failed", text, code=run.error_message)


def _timed_out(run: Run) -> Banner:
    text = "What it had done until then is below. Launch again, or ask for a longer limit there."
    return Banner("danger", "The server's own time limit ended it.", text)


def _lost(run: Run) -> Banner:
    text = f"{run.error_message} " if run.error_message else ""
    return Banner(
        "danger",
        "How this run ended is not known.",
        text + "It may have done its work: look there before you launch it again.",
    )


def _needs_input(run: Run) -> Banner:
    questions = run.ending.get("interrupts") or []
    title = "The graph asks a question." if len(questions) < 2 else f"The graph asks {len(questions)} questions."
    if not run.remote_thread_kept:
        return Banner(
            "attention", title, "It ran without a thread, so nobody can answer. Launch it on a thread instead."
        )
    if len(questions) > 1:
        answer: Any = {
            str(question.get("id")): _answer(question) for question in questions if isinstance(question, dict)
        }
    else:
        answer = _answer(questions[0]) if questions else ""
    resume = json.dumps({"resume": answer}, indent=2)
    return Banner(
        "attention", title, "It goes on once somebody answers.", step=_on_thread(run, "Answer", command=resume)
    )


def _answer(question: Any) -> Any:
    """What an answer looks like, by the schema the graph gave with its question; "" when it gave none."""
    example = schema_example(question.get("response_schema")) if isinstance(question, dict) else None
    return "" if example is None else example


def _paused(run: Run) -> Banner:
    waiting = ", ".join(showable(str(node)) for node in run.ending.get("next") or [])
    title = f"Paused as asked; next is {waiting}." if waiting else "Paused as asked."
    if not run.remote_thread_kept:
        return Banner("attention", title, "It ran without a thread, so it cannot be continued.")
    return Banner("attention", title, "It goes on when it is continued.", step=_on_thread(run, "Continue"))


def _on_thread(run: Run, label: str, **fields: str) -> NextStep:
    """The launch form, filled in to go on where this run stopped."""
    thread = {"thread": "existing", "thread_id": run.remote_thread_id or ""}
    place = {"server": str(run.server_id), "assistant_id": run.assistant_id, "name": run.name}
    return NextStep(label, urlencode({name: text for name, text in {**place, **thread, **fields}.items() if text}))


def _cancelled(run: Run) -> Banner:
    if run.cancel_requested_by:
        title = f"Cancelled by {run.cancel_requested_by}."
    elif run.ending.get("note"):
        title = str(run.ending["note"])
    else:
        title = "Cancelled."
    if run.remote_run_id is None:
        text = "It had not been sent to the server."
    elif run.ending.get("no_state"):
        text = "It left nothing on its thread: there is nothing to undo, and nothing to go on from."
    elif run.ending.get("rolled_back"):
        text = "What it had done was undone on the server."
    else:
        text = "What it had done until then is kept."
    return Banner("neutral", title, text)


def _cancelling(run: Run) -> Banner:
    who = f" by {run.cancel_requested_by}" if run.cancel_requested_by else ""
    text = ""
    if run.reconnecting_since or run.unreachable_since:
        text = "The server cannot be reached right now; it is told as soon as it answers. The run may go on until then."
    title = f"Cancel asked{who}; the server has not confirmed it yet."
    return Banner("info", title, text, since=run.cancel_requested_at)


def _waiting(run: Run) -> Banner | None:
    """What is out of the ordinary while a run goes on, or about one that succeeded."""
    if run.executions > 1:
        title = f"The server executed this run {run.executions} times."
        return Banner(
            "attention", title, "It was restarted meanwhile. Steps from before that may have been done twice."
        )
    if run.reconnecting_since:
        return Banner(
            "attention",
            "The line to the server was lost; joining the run again.",
            "The run may go on there meanwhile. Runboard never starts it a second time.",
            since=run.reconnecting_since,
        )
    if run.status == RunStatus.STARTING and run.sent_at and (timezone.now() - run.sent_at).total_seconds() >= SLOW_S:
        return Banner(
            "attention",
            "The server has not confirmed this run yet.",
            "The request is with it. What became of it is looked up when the line breaks; it is not sent twice.",
            since=run.sent_at,
        )
    if run.unreachable_since and run.status in (RunStatus.QUEUED, RunStatus.STARTING):
        title = f"Server unreachable since {run.unreachable_since:%H:%M:%S} UTC, trying again."
        text = "Nothing was created there. It is sent once the server takes it."
        return Banner("attention", title, text, since=run.unreachable_since, next_at=run.not_before)
    return None


_BANNERS: dict[RunStatus, Callable[[Run], Banner]] = {
    RunStatus.FAILED: _failed,
    RunStatus.TIMED_OUT: _timed_out,
    RunStatus.LOST: _lost,
    RunStatus.NEEDS_INPUT: _needs_input,
    RunStatus.PAUSED: _paused,
    RunStatus.CANCELLED: _cancelled,
    RunStatus.CANCELLING: _cancelling,
}


def run_meaning(run: Run) -> str:
    """What the run's status means for this run, in one sentence."""
    if run.status == RunStatus.QUEUED and run.unreachable_since:
        return "Its server could not take it; it is sent again by itself until the server does."
    return run.look.meaning


def why_no_state(run: Run) -> str:
    """Why a run that has ended has no final state to show, in a sentence or two."""
    return run.error_message if run.error_type == NOT_KEPT else run_meaning(run)


def event_lines(events: Iterable[RunEvent]) -> list[EventLine]:
    """The activity list, in the order things happened. Tries in a row that found no server are one line."""
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
    return EventLine(
        seq=event.seq,
        at=event.at,
        text=_sentence(event),
        who=str(event.by) if event.by else "",
        detail=str(event.data.get("message", "")),
        status=str(event.data.get("to", "")) if event.kind == EventKind.STATUS else "",
    )


def _is_try(events: Sequence[RunEvent]) -> bool:
    """Whether they are a try that found no server: taken, not sent, back in the queue."""
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
            return "Cancelling, with its work undone" if data.get("action") == "rollback" else "Cancelling"
        return label
    if event.kind == EventKind.CONNECTION_LOST:
        return "Lost the line to the server; joining again"
    if event.kind == EventKind.SERVER_UNREACHABLE:
        return f"The server could not be reached; trying again in {data.get('retry_in_s', 0):g} s"
    if event.kind == EventKind.WORKER_STOPS:
        grace = f"for up to {data.get('grace_s', 0):g} s"
        return f"The worker is being stopped; the line is kept {grace}, because the server ends this run with it"
    if event.kind == EventKind.EXECUTED_AGAIN:
        return "The server executed the run again by itself, as it does after a restart"
    if event.kind == EventKind.ADOPTED:
        return (
            "Another worker took the run over"
            if data.get("handed_back")
            else "Its worker went silent; another took over"
        )
    return EventKind(event.kind).label
