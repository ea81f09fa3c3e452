"""Decides how a run ended: the only place that does, from evidence or from the error that replaced it.

`wait`'s own answer never decides while the server can be asked (docs/langgraph-protocol.md, "How a run ended").
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from dashboard.langgraph import (
    AnswerTooLarge,
    RequestInvalid,
    RequestRejected,
    RunRejected,
    ServerUnreachableNotCreated,
)
from dashboard.runs.outcomes import MET_NO_QUESTION, NO_REASON, NOT_KEPT, Outcome, RunError
from dashboard.runs.statuses import RunStatus
from dashboard.teams.encryption import SecretUnreadable
from dashboard.worker.execution.answer_check import NotAwaited
from dashboard.worker.execution.launch_lookup import CannotKnow, NotLaunched
from dashboard.worker.outcomes.evidence import STATUS_UNKNOWN, Evidence
from dashboard.worker.outcomes.exception_groups import group_message

INTERRUPT_CHARS = 200_000
INTERRUPT_LEVELS = 100


@dataclass(frozen=True)
class Failure:
    """The error that came instead of evidence.

    Attributes:
        error: What was raised.
        body: What the run had answered by then, if anything.
        is_named: Whether the server's id of the run is known: then the run exists.
    """

    error: Exception
    body: bytes | None = None
    is_named: bool = False


@dataclass(frozen=True)
class TryLater:
    """Nothing was created: the run goes back to the queue, unless it has been tried for too long."""

    reason: str
    retry_after_s: float | None = None


EXPECTED = (
    ServerUnreachableNotCreated,
    RequestRejected,
    RequestInvalid,
    SecretUnreadable,
    NotAwaited,
    NotLaunched,
    AnswerTooLarge,
    CannotKnow,
)
"""The errors that `resolve` knows an outcome for."""


UNKNOWN_INTERRUPT = "UnknownInterruptError"
"""The error for a resume that was sent with `strict_resume` and answers no question."""


def resolve(found: Evidence | Failure) -> Outcome | TryLater | None:
    """The outcome, or TryLater; None when the server says that the run is still going on."""
    return _resolve_failure(found) if isinstance(found, Failure) else _resolve_evidence(found)


def _resolve_failure(failure: Failure) -> Outcome | TryLater:
    error, body = failure.error, failure.body
    match error:
        case ServerUnreachableNotCreated():
            return TryLater(str(error), error.retry_after_s)
        case NotLaunched():
            return TryLater(str(error))
        case RunRejected() if error.is_temporary:
            return TryLater(f"The server said: {error}", error.retry_after_s)
        case RunRejected():
            return Outcome(RunStatus.FAILED, RunError(f"Refused with HTTP {error.status_code}", error.detail))
        case NotAwaited():
            ending = {MET_NO_QUESTION: True} if error.verdict.is_gone else {}
            return Outcome(RunStatus.FAILED, RunError("Answer not sent", str(error)), ending=ending)
        case RequestInvalid() | SecretUnreadable():
            return Outcome(RunStatus.FAILED, RunError("Not sent", str(error)))
        case AnswerTooLarge():
            return Outcome(RunStatus.LOST, _too_large(), body=body)
        case CannotKnow():
            return Outcome(RunStatus.LOST, RunError("Not known", str(error)), body=error.body or body)
        case RequestRejected() if failure.is_named:
            refused = RunError(f"Refused with HTTP {error.status_code}", error.detail)
            return Outcome(RunStatus.LOST, refused, body=body)
        case RequestRejected():
            sentence = (
                "The connection broke before the server confirmed the run, and the server would not say whether it has "
                f"it (HTTP {error.status_code}: {error.detail}). It may or may not have run."
            )
            return Outcome(RunStatus.LOST, RunError("Not known", sentence), body=body)
        case _:
            raise error


def _resolve_evidence(evidence: Evidence) -> Outcome | None:
    outcome = _ended(evidence)
    if outcome is None:
        return None
    answer, ending = evidence.answer, outcome.ending
    if evidence.body_from != "answer" and outcome.body is not None:
        ending = {**ending, "from_thread": evidence.body_from}
    if evidence.is_answer and _met_no_question(evidence, outcome):
        ending = {**ending, MET_NO_QUESTION: True}
    took_s = evidence.took_s if answer is None or not answer.was_awaited else None
    return replace(outcome, ending=ending, executions=_executions(evidence), took_s=took_s, began=_began(evidence))


def _met_no_question(evidence: Evidence, outcome: Outcome) -> bool:
    """Whether an answer met no question: it succeeded and left no state of its own, or `strict_resume` refused it."""
    if outcome.error is not None:
        return outcome.error.type == UNKNOWN_INTERRUPT
    return outcome.status == RunStatus.SUCCEEDED and _left_nothing(evidence) and not evidence.has_own_output


def _began(evidence: Evidence) -> bool:
    """Whether the server had begun the run, as far as is known: one that was cancelled before took no time."""
    return evidence.seen_running or not (evidence.remote_status == "interrupted" and _left_nothing(evidence))


def _executions(evidence: Evidence) -> int:
    """How often the server has executed the run: a restarted server executes unfinished runs again."""
    metadata = (evidence.state or {}).get("metadata")
    attempt = metadata.get("run_attempt") if isinstance(metadata, dict) else None
    return attempt if isinstance(attempt, int) else 1


def _ended(evidence: Evidence) -> Outcome | None:
    if evidence.is_going_on:
        return None
    outcome = _BY_STATUS.get(evidence.remote_status, _called_otherwise)(evidence)
    return without_state(outcome) if evidence.is_too_large else outcome


def _called_otherwise(evidence: Evidence) -> Outcome:
    sentence = f"The server calls this run {evidence.remote_status!r}, which Runboard does not know."
    return Outcome(RunStatus.LOST, RunError("UnknownStatus", sentence), body=_body(evidence))


def _timed_out(evidence: Evidence) -> Outcome:
    return Outcome(RunStatus.TIMED_OUT, body=_body(evidence))


def _status_unknown(evidence: Evidence) -> Outcome:
    """The server fails at every question about the run. Its answer to `wait` may still say how it ended."""
    answer = evidence.answer
    if answer is not None and answer.source == "wait":
        if answer.graph_error:
            return _failed(evidence)
        if questions := _questions(evidence):
            return questions
    sentence = "The server fails whenever Runboard asks how this run ended."
    return Outcome(RunStatus.LOST, RunError("Not known", sentence), body=_body(evidence))


def _interrupted(evidence: Evidence) -> Outcome:
    """Cancelled or replaced; some servers also say this of a run that asks a question or stopped at a node."""
    if not evidence.cancel_action:
        if questions := _questions(evidence):
            return questions
        if _is_at_breakpoint(evidence):
            return Outcome(RunStatus.PAUSED, body=_body(evidence), ending={"next": _waiting(evidence)})
    return _stopped(evidence)


def _is_at_breakpoint(evidence: Evidence) -> bool:
    """Whether it stopped at a breakpoint. A server that keeps outputs says `interrupted` of such a run too."""
    waiting = set(_waiting(evidence))
    asked = set(evidence.breakpoints)
    return evidence.has_own_output and bool(waiting) and ("*" in asked or bool(waiting & asked))


def _stopped(evidence: Evidence) -> Outcome:
    """Cancelled or replaced. A run that left no state had not begun: its answer holds other runs' values."""
    left_nothing = _left_nothing(evidence)
    body = None if left_nothing else _body(evidence)
    if evidence.cancel_action == "rollback" and evidence.state is None and evidence.is_state_known:
        # Rolled back before it began: the dev server keeps such a run instead of forgetting it.
        return Outcome(RunStatus.CANCELLED, body=body, ending={"rolled_back": True})
    nothing = {"no_state": True} if left_nothing else {}
    return Outcome(RunStatus.CANCELLED, body=body, ending=_who_stopped_it(evidence) | nothing)


def _left_nothing(evidence: Evidence) -> bool:
    return evidence.is_state_known and evidence.state is None and evidence.thread_known


def _who_stopped_it(evidence: Evidence) -> dict[str, Any]:
    if evidence.cancel_action:
        return {}
    if evidence.ended_with_connection:
        why = "Stopped on the server when its connection was closed: it was launched with on_disconnect=cancel."
        return {"note": why}
    return {"note": "Stopped on the server: cancelled there, or replaced by another run."}


def _stopped_well(evidence: Evidence) -> Outcome:
    """Success on the server: finished, waiting for a person, or stopped at a node."""
    if questions := _questions(evidence):
        return questions
    waiting = _waiting(evidence)
    if waiting:
        return Outcome(RunStatus.PAUSED, body=_body(evidence), ending={"next": waiting})
    if evidence.is_state_known or evidence.thread.get("status") == "idle":
        return Outcome(RunStatus.SUCCEEDED, body=_body(evidence))
    if evidence.thread.get("status") == "interrupted":
        return Outcome(RunStatus.PAUSED, body=_body(evidence))
    if evidence.has_own_output and not evidence.breakpoints:
        return Outcome(RunStatus.SUCCEEDED, body=_body(evidence))
    sentence = "The server says that it stopped without an error, but not whether it finished or waits for somebody"
    return Outcome(RunStatus.LOST, RunError("Not known", f"{sentence}."), body=_body(evidence))


def _questions(evidence: Evidence) -> Outcome | None:
    """The outcome of a run that asks a question; None when it asks none.

    The answer has the questions with their schemas; otherwise the state's tasks or the thread have them.
    """
    asked = (evidence.answer.questions or []) if evidence.answer is not None else []
    asked = asked or [one for task in _tasks(evidence) for one in _list(task.get("interrupts"))]
    by_task = evidence.thread.get("interrupts")
    if not asked and isinstance(by_task, dict):
        asked = [one for task in by_task.values() for one in _list(task)]
    if not asked:
        return None
    kept = [_bounded(interrupt) for interrupt in asked]
    ending = {"interrupts": kept, "next": _waiting(evidence)}
    return Outcome(RunStatus.NEEDS_INPUT, body=_body(evidence), ending=ending)


def _waiting(evidence: Evidence) -> list[str]:
    return [str(node) for node in _list((evidence.state or {}).get("next"))]


def _tasks(evidence: Evidence) -> list[Mapping[str, Any]]:
    return [task for task in _list((evidence.state or {}).get("tasks")) if isinstance(task, dict)]


def _list(value: Any) -> list[Any]:
    """The value, if it is a list; else []."""
    return value if isinstance(value, list) else []


def _bounded(interrupt: Any) -> Any:
    """The interrupt as kept with the run, without a value too large or too deep. The final state has all of it."""
    if not _is_deep(interrupt) and len(json.dumps(interrupt)) <= INTERRUPT_CHARS:
        return interrupt
    return {"id": str(interrupt.get("id"))[:200]} if isinstance(interrupt, dict) else {}


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(INTERRUPT_LEVELS):
        level = [part for each in level for part in _parts(each)]
        if not level:
            return False
    return True


def _parts(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


MASKED = "An internal error occurred"


def _failed(evidence: Evidence) -> Outcome:
    said = evidence.answer.graph_error if evidence.answer is not None else None
    error = RunError(said.type, said.message) if said else RunError("Error", evidence.error_message or NO_REASON)
    is_vague = said is None or said.message in (MASKED, NO_REASON)
    for task in _tasks(evidence):
        if task.get("error"):
            node = str(task.get("name") or "")
            cause = _unmasked(str(task["error"]), error.type) if is_vague else error
            error = RunError(cause.type, group_message(str(task["error"])) or cause.message, node)
            break
    keeps_body = evidence.keep_error_state or not said
    return Outcome(RunStatus.FAILED, error=error, body=_body(evidence) if keeps_body else None)


def _unmasked(representation: str, type: str) -> RunError:
    """The error as the state's task has it, by the exception's repr: `TideError('no tides')`."""
    match = re.fullmatch(r"([A-Za-z_][\w.]*+)\((.*)\)", representation, re.DOTALL)
    if match is None:
        return RunError(type, representation)
    kind, inside = match.groups()
    message: Any = inside
    if inside.startswith(("'", '"')):
        with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            message = ast.literal_eval(inside.rstrip().removesuffix(","))
    return RunError(kind, message if isinstance(message, str) and message else inside or kind)


def _unknown(evidence: Evidence) -> Outcome:
    """The server no longer knows the run.

    A rollback deletes a run with its state and sets its thread idle. A run that somebody deletes goes on to its
    end on a thread that stays busy, and its `wait` ends with the server's own 404 where its values would be.
    """
    answer = evidence.answer
    said = answer.graph_error if answer is not None else None
    if said is not None and said.type == "HTTPException":
        answer = None
    was_answered = evidence.wait_ended or (answer is not None and answer.source == "wait")
    if was_answered and evidence.thread_known:
        # It knew the run when the answer came: only a rollback deletes a run and keeps its thread.
        note = (
            {}
            if evidence.cancel_action
            else {"note": "Rolled back on the server, by another run or by somebody there."}
        )
        return Outcome(RunStatus.CANCELLED, body=_body(evidence), ending={"rolled_back": True, **note})
    ending: dict[str, Any] = {}
    is_still_busy = evidence.thread.get("status") == "busy"
    if evidence.cancel_action == "rollback" and evidence.thread_known and not is_still_busy:
        return Outcome(RunStatus.CANCELLED, body=answer.body if answer else None, ending={"rolled_back": True})
    if not evidence.thread_known:
        why = "Its server no longer knows the run or its thread: they were deleted there, or the server lost its data."
    elif is_still_busy:
        why = "It was deleted on its server, which does not stop it: its thread is still busy."
    else:
        why = "Its server no longer knows it: it was deleted there, or the server lost its data."
        ending = {"forgotten": True}  # like a run that another one has rolled back
    return Outcome(RunStatus.LOST, RunError("Not known", why), body=answer.body if answer else None, ending=ending)


_BY_STATUS = {
    None: _unknown,
    STATUS_UNKNOWN: _status_unknown,
    "success": _stopped_well,
    "interrupted": _interrupted,
    "error": _failed,
    "timeout": _timed_out,
}


def _body(evidence: Evidence) -> bytes | None:
    return evidence.answer.body if evidence.answer is not None else None


def _most() -> str:
    return f"{settings.ENV.state_max_mb:,} MB (RUNBOARD_STATE_MAX_MB)"


def without_state(outcome: Outcome) -> Outcome:
    """The outcome of a run whose final state is larger than a worker takes."""
    said = RunError(NOT_KEPT, f"It is larger than {_most()}, the most that Runboard takes here.")
    if outcome.error is not None:
        said = replace(outcome.error, message=f"{outcome.error.message} The final state is larger than {_most()}.")
    return replace(outcome, body=None, error=said)


def _too_large() -> RunError:
    """Why nothing is known of a run: even the server's answer about it is larger than a worker takes."""
    return RunError("Not known", f"What the server says about this run is larger than {_most()}.")
