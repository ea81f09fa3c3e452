"""The one message above a run's tabs: what happened, and what can be done next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils import timezone

from dashboard.runs.events import EventKind
from dashboard.runs.models import Run, WaitState
from dashboard.runs.outcomes import MET_NO_QUESTION, NO_REASON
from dashboard.runs.selectors import run_after_on_thread, run_that_pushed_out
from dashboard.runs.state.seen import seen, showable
from dashboard.runs.statuses import RunStatus
from dashboard.runs.waiting import answer_came_to_nothing

SLOW_S = 5.0
_BEFORE_NODES = "__start__"
"""Where a graph that refuses its input fails."""


@dataclass(frozen=True)
class Banner:
    """The one message above a run's tabs: a tone, what happened, and what it means or what can be done."""

    tone: str
    title: str
    text: str = ""
    code: str = ""
    since: datetime | None = None
    next_at: datetime | None = None
    next_label: str = "The next attempt is"
    other: Run | None = None
    """A related run, with a link."""


def run_banner(run: Run) -> Banner | None:
    """What a reader must know first about this run, and what can be done; None when the status says everything."""
    if run.ending.get(MET_NO_QUESTION):
        return _met_no_question(run)
    tell = _BANNERS.get(RunStatus(run.status), _waiting)
    banner = tell(run)
    more = _besides(run) if run.is_terminal else ""
    if not more:
        return banner
    return replace(banner, text=f"{banner.text} {more}".strip()) if banner else Banner("attention", more)


def _besides(run: Run) -> str:
    """What else to say about an end: that it came before a cancel, or that the server executed the run again."""
    sentences = []
    if run.cancel_requested_at and run.status == RunStatus.LOST:
        sentences.append("Somebody requested a cancel; nobody knows whether the server got it.")
    elif run.cancel_requested_at and run.status not in (RunStatus.CANCELLED, RunStatus.SUCCEEDED):
        sentences.append("The requested cancel came too late.")
    if run.executions > 1 and run.status != RunStatus.SUCCEEDED:
        sentences.append(f"{_executed(run)} {_TWICE}")
    return " ".join(sentences)


_TWICE = "It was restarted meanwhile. Steps from before may have run twice."


def _executed(run: Run) -> str:
    return f"The server executed this run {run.executions} times."


def _failed(run: Run) -> Banner:
    if run.remote_run_id is None:
        title, text = run.error_type, "Nothing was created on the server. Fix the cause, then launch again."
    else:
        where = f" in node {seen(run.error_node)}" if run.error_node else ""
        if run.error_node == _BEFORE_NODES:
            where = " before the first step"
        title, text = f"{seen(run.error_type) or 'Error'}{where}", _what_to_do_about(run)
    return Banner("danger", title or "Failed", text, code=seen(run.error_message))


def _what_to_do_about(run: Run) -> str:
    if run.error_type == "GraphRecursionError":
        return (
            "The graph took more steps than it may. Launch again with a higher recursion_limit in config. "
            "It counts only next to configurable, not inside it; a graph that loops must be fixed."
        )
    if _is_for_the_graphs_author(run):
        return "The graph itself must be fixed: a different input makes no difference."
    if run.error_node == _BEFORE_NODES:
        return "The graph does not take this input. Change it, then launch again."
    if run.error_node:
        return "Fix the graph or change the input, then launch again."
    if run.error_message == NO_REASON:
        return f"{run.server.name} does not say why: check its log before you launch again."
    return "The server does not say in which node. Change the input, and launch again."


_GRAPHS_FAULTS = frozenset({"InvalidUpdateError", "InvalidConcurrentGraphUpdate", "PicklingError"})
_NOT_SERIALIZABLE = ("cannot pickle", "can't pickle", "not serializable")


def _is_for_the_graphs_author(run: Run) -> bool:
    """Whether no other input would help: the graph writes what it must not, or what cannot be stored."""
    message = run.error_message.casefold()
    return run.error_type in _GRAPHS_FAULTS or any(words in message for words in _NOT_SERIALIZABLE)


def _timed_out(run: Run) -> Banner:
    text = f"Launch again, or have the time limit of {run.server.name} raised."
    return Banner("danger", "The server's own time limit ended it.", text)


def _lost(run: Run) -> Banner:
    why = f"{run.error_message} " if run.error_message else ""
    thread = f"its thread on {run.server.name}" if run.remote_thread_id else run.server.name
    undone, pusher = "", _run_that_undid(run)
    if pusher is not None:
        undone = "Another run was launched on its thread to replace it and undo its work. It probably did. "
    text = f"{why}{undone}It may have done its work: check {thread} before you launch it again."
    return Banner("danger", "Nobody knows how this run ended.", text, other=pusher)


def _run_that_undid(run: Run) -> Run | None:
    """The run that was launched with `rollback` on the thread of one that its server then no longer knew."""
    pusher = run_that_pushed_out(run) if run.ending.get("forgotten") else None
    if pusher is None or pusher.remote_run_id is None:
        return None
    return pusher if pusher.request.params.get("multitask_strategy") == "rollback" else None


def _needs_input(run: Run) -> Banner | None:
    questions = run.ending.get("interrupts") or []
    title = (
        "The assistant asks a question." if len(questions) < 2 else f"The assistant asks {len(questions)} questions."
    )
    if not run.remote_thread_kept:
        return Banner(
            "attention", title, "It ran without a thread, so nobody can answer. Launch it on a thread instead."
        )
    return _no_longer_open(run)


def _met_no_question(run: Run) -> Banner:
    """An answer for which the server did not wait; if it was sent, the server ignored it."""
    sent = "The server ignored it." if run.remote_run_id else "It was not sent."
    return Banner("attention", "This answer met no question.", f"{run.error_message} {sent}".strip(), other=run.parent)


def _no_longer_open(run: Run) -> Banner | None:
    """What became of a question or a stop at a node; None while it waits: then its form is shown instead."""
    if run.wait_state == WaitState.OPEN:
        return None
    answer: Run | None = getattr(run, "answer", None)
    verb = "Answered" if run.status == RunStatus.NEEDS_INPUT else "Continued"
    if answer is not None:
        who = f" by {answer.sender}" if answer.sender else ""
        if answer_came_to_nothing(run):
            is_question = run.status == RunStatus.NEEDS_INPUT
            carrier = "the run that carried the answer" if is_question else "the run that went on"
            title = f"{verb}{who}, but {carrier} {_NOTHING_CAME[RunStatus(answer.status)]}."
            text = _what_of_the_answer(answer) if is_question else ""
            return Banner("danger", title, text, since=answer.created_at, other=answer)
        went_on = _WENT_ON.get(RunStatus(answer.status), "")
        return Banner("neutral", f"{verb}{who}.", went_on, since=answer.created_at, other=answer)
    if run.wait_state == WaitState.ANSWERED:
        return Banner("neutral", f"{verb} by a run that has since been removed.")
    what = "This question waits" if run.status == RunStatus.NEEDS_INPUT else "This run waits"
    gone = run.events.filter(kind=EventKind.WAIT_GONE).order_by("-seq").first()
    why = str(gone.data.get("message") or "An answer to it met no question on the server.") if gone else ""
    after = run_after_on_thread(run)
    return Banner("neutral", f"{what} no longer.", why or "Another run was launched on its thread.", other=after)


_WENT_ON = {
    RunStatus.SUCCEEDED: "The run that went on succeeded.",
    RunStatus.NEEDS_INPUT: "The run that went on asked again.",
    RunStatus.PAUSED: "The run that went on paused again.",
}
"""Nothing while it goes on: this page is not told of every change of the other run."""
_NOTHING_CAME = {
    RunStatus.FAILED: "failed",
    RunStatus.TIMED_OUT: "ran out of time",
    RunStatus.CANCELLED: "was cancelled",
    RunStatus.LOST: "was lost",
}


def _what_of_the_answer(answer: Run) -> str:
    if answer.status in (RunStatus.CANCELLED, RunStatus.LOST):
        return "If the server still waits for an answer, the question opens again."
    return (
        "The server keeps that answer and ignores another one. Launch the failed run again to repeat the step "
        "with it, or launch this one again to be asked again."
    )


def _paused(run: Run) -> Banner | None:
    waiting = ", ".join(showable(str(node)) for node in run.ending.get("next") or [])
    title = f"Paused at a breakpoint; next is {waiting}." if waiting else "Paused at a breakpoint."
    if not run.remote_thread_kept:
        return Banner("attention", title, "It ran without a thread, so it cannot be continued.")
    return _no_longer_open(run)


def _executed_after_cancel(run: Run) -> Banner:
    if run.is_cancelled_again:
        title = "Cancelled again; the server has not stopped it yet."
        return Banner("info", title, since=run.cancel_requested_at)
    return Banner(
        "attention",
        "Cancelled, but its server executes it again.",
        "Servers do so after a restart if they forgot the cancel. Cancel it again to stop it.",
        since=run.going_on_since,
    )


def _cancelled(run: Run) -> Banner:
    if run.going_on_since:
        return _executed_after_cancel(run)
    pusher = run_that_pushed_out(run) if run.ending.get("note") else None
    if run.cancel_requested_by:
        title = f"Cancelled by {run.cancel_requested_by}."
    elif pusher is not None:
        title = "Replaced by another run on its thread."
    elif run.ending.get("note"):
        title = str(run.ending["note"])
    else:
        title = "Cancelled."
    return Banner("neutral", title, _what_is_left(run), other=pusher)


def _what_is_left(run: Run) -> str:
    if run.remote_run_id is None:
        return "It had not been sent to the server."
    if run.ending.get("no_state"):
        return "It left nothing on its thread: there is nothing to undo or continue."
    if run.ending.get("rolled_back"):
        return "The server undid its work."
    if not run.remote_thread_kept:
        return "Its results until then are kept here; it left nothing on the server, because it ran without a thread."
    return "Its work until then is kept. A new run on its thread continues from there."


def _cancelling(run: Run) -> Banner:
    who = f" by {run.cancel_requested_by}" if run.cancel_requested_by else ""
    text = ""
    if run.reconnecting_since or run.unreachable_since:
        text = "The server is away; it gets the cancel as soon as it answers. The run may go on until then."
    elif (failed := run.events.filter(kind__in=_CANCEL_NEWS).order_by("-seq").first()) and (
        failed.kind == EventKind.CANCEL_FAILED
    ):
        text = f"The server has not taken it yet; Runboard keeps trying: {failed.data['message']}"
    title = f"Cancellation requested{who}; waiting for the server."
    return Banner("info", title, text, since=run.cancel_requested_at)


_CANCEL_NEWS = (EventKind.CANCEL_FAILED, EventKind.CANCEL_DELIVERED)


def _waiting(run: Run) -> Banner | None:
    """What is unusual while a run goes on, or about one that succeeded."""
    if run.executions > 1:
        return Banner("attention", _executed(run), _TWICE)
    if run.is_terminal and run.cancel_requested_at:
        who = f" by {run.cancel_requested_by}" if run.cancel_requested_by else ""
        return Banner("neutral", f"The cancel requested{who} came too late.", "The run had finished.")
    if run.reconnecting_since:
        return Banner(
            "attention",
            "The connection to the server was lost; reconnecting.",
            "The run may go on there. Runboard never starts it a second time.",
            since=run.reconnecting_since,
        )
    if run.status == RunStatus.STARTING and run.sent_at and (timezone.now() - run.sent_at).total_seconds() >= SLOW_S:
        return Banner(
            "attention",
            "The server has not confirmed this run yet.",
            "It has the request. If the connection breaks, Runboard looks the run up; it never sends it twice.",
            since=run.sent_at,
        )
    if run.status == RunStatus.SCHEDULED:
        due_at = run.status_at + timedelta(seconds=run.request.params.get("after_seconds") or 0)
        if due_at <= timezone.now():
            return Banner("info", "It is due; the server has not begun it yet.", since=due_at)
        title = f"Scheduled for {due_at:%H:%M:%S} UTC on {due_at:%d %b %Y}."
        return Banner("info", title, next_at=due_at, next_label="It starts")
    if run.unreachable_since and run.status in (RunStatus.QUEUED, RunStatus.STARTING):
        title = f"Server unreachable since {run.unreachable_since:%H:%M:%S} UTC; retrying."
        text = "Nothing was created there. Runboard sends it again until the server takes it."
        return Banner("attention", title, text, since=run.unreachable_since, next_at=run.not_before)
    return None


_BANNERS: dict[RunStatus, Callable[[Run], Banner | None]] = {
    RunStatus.FAILED: _failed,
    RunStatus.TIMED_OUT: _timed_out,
    RunStatus.LOST: _lost,
    RunStatus.NEEDS_INPUT: _needs_input,
    RunStatus.PAUSED: _paused,
    RunStatus.CANCELLED: _cancelled,
    RunStatus.CANCELLING: _cancelling,
}
