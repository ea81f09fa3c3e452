"""How a run ended, from what the server says of it. `wait`'s own answer never decides (LANGGRAPH.md section 3)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dashboard.langgraph import Answer
from dashboard.langgraph.types import ThreadState
from dashboard.runs.outcomes import NO_REASON, Outcome, RunError
from dashboard.runs.statuses import RunStatus

INTERRUPT_CHARS = 200_000
INTERRUPT_LEVELS = 100


@dataclass(frozen=True)
class Evidence:
    """What was asked of the server after the answer came.

    Attributes:
        answer: What `wait` or `join` brought; None when the server no longer had it.
        remote_status: The server's word for the run; None when it no longer knows the run (404).
        state: The last state this run left on its thread; None when there is none.
        is_state_told: Whether the server told that state, or that there is none; False when it would not say.
        thread: Where the end does not follow from the run and its state, what the server says of the thread: `status`
            and `interrupts`; {} when not even that, or when it is another run's doing.
        thread_known: Whether the server still knows the thread.
        cancel_action: What someone asked here: "interrupt", "rollback", or "".
        keep_error_state: raise_error=False: the `__error__` document is the final state.
        ended_with_line: on_disconnect="cancel", and the line on which the run was created is gone.
        wait_ended: The run's own `wait` was answered to its end, also when the answer could not be kept.
        took_s: Seconds from the run's creation to its end, by the server's clock; None when it does not say.
    """

    answer: Answer | None
    remote_status: str | None
    state: ThreadState | None = None
    is_state_told: bool = True
    thread: Mapping[str, Any] = field(default_factory=dict)
    thread_known: bool = True
    cancel_action: str = ""
    keep_error_state: bool = False
    ended_with_line: bool = False
    wait_ended: bool = False
    took_s: float | None = None

    @property
    def asks_who_cancelled(self) -> bool:
        """Whether how it ended depends on what someone asked for here."""
        return self.remote_status in (None, "interrupted")


def classify(evidence: Evidence) -> Outcome | None:
    """The outcome, or None when the server says that the run is still going on."""
    outcome = _classify(evidence)
    if outcome is None:
        return None
    answer, ending = evidence.answer, outcome.ending
    is_late = answer is None or not answer.was_awaited
    if is_late and outcome.body is not None:
        ending = {**ending, "from_thread": True}
    took_s = evidence.took_s if is_late else None
    return replace(outcome, ending=ending, executions=_executions(evidence), took_s=took_s)


def _executions(evidence: Evidence) -> int:
    """How often the server has executed the run: it does so again by itself after it was restarted."""
    metadata = (evidence.state or {}).get("metadata")
    attempt = metadata.get("run_attempt") if isinstance(metadata, dict) else None
    return attempt if isinstance(attempt, int) else 1


def _classify(evidence: Evidence) -> Outcome | None:
    if evidence.remote_status in ("pending", "running"):
        return None
    if evidence.remote_status is None:
        return _unknown(evidence)
    if evidence.remote_status == "error":
        return _failed(evidence)
    if evidence.remote_status == "timeout":
        return Outcome(RunStatus.TIMED_OUT, body=_body(evidence))
    if evidence.remote_status == "interrupted":
        return _stopped(evidence)
    if evidence.remote_status == "success":
        return _stopped_well(evidence)
    return Outcome(
        RunStatus.LOST,
        error=RunError(
            "UnknownStatus", f"The server calls this run {evidence.remote_status!r}, which Runboard does not know."
        ),
        body=_body(evidence),
    )


def _stopped(evidence: Evidence) -> Outcome:
    """Cancelled or pushed out. One that left no state had not begun: its answer has what others left on the thread."""
    left_nothing = evidence.is_state_told and evidence.state is None and evidence.thread_known
    body = None if left_nothing else _body(evidence)
    if evidence.cancel_action == "rollback" and evidence.state is None:
        # Rolled back before it began: the dev server keeps such a run instead of forgetting it.
        return Outcome(RunStatus.CANCELLED, body=body, ending={"rolled_back": True})
    nothing = {"no_state": True} if left_nothing else {}
    return Outcome(RunStatus.CANCELLED, body=body, ending=_who_stopped_it(evidence) | nothing)


def _who_stopped_it(evidence: Evidence) -> dict[str, Any]:
    if evidence.cancel_action:
        return {}
    if evidence.ended_with_line:
        return {"note": "Stopped on the server when its line was closed: it was launched with on_disconnect=cancel."}
    return {"note": "Stopped on the server: cancelled there, or pushed out by another run."}


def _stopped_well(evidence: Evidence) -> Outcome:
    """Success on the server: finished, or waiting for a person, or stopped at a node."""
    interrupts = _interrupts(evidence)
    waiting = [str(node) for node in _list((evidence.state or {}).get("next"))]
    if interrupts:
        kept = [_bounded(interrupt) for interrupt in interrupts]
        return Outcome(RunStatus.NEEDS_INPUT, body=_body(evidence), ending={"interrupts": kept, "next": waiting})
    if not evidence.is_state_told and evidence.thread.get("status") == "interrupted":
        return Outcome(RunStatus.PAUSED, body=_body(evidence))
    if not evidence.is_state_told and evidence.thread.get("status") != "idle":
        sentence = "The server says that it stopped without an error, but not whether it finished or waits for somebody"
        return Outcome(RunStatus.LOST, RunError("Not known", f"{sentence}."), body=_body(evidence))
    if waiting:
        return Outcome(RunStatus.PAUSED, body=_body(evidence), ending={"next": waiting})
    return Outcome(RunStatus.SUCCEEDED, body=_body(evidence))


def _interrupts(evidence: Evidence) -> list[Any]:
    """The open questions: from the answer, which has their schemas, else from the state's tasks or the thread."""
    if evidence.answer is not None and evidence.answer.questions:
        return evidence.answer.questions
    by_task = evidence.thread.get("interrupts")
    on_thread = [asked for task in by_task.values() for asked in _list(task)] if isinstance(by_task, dict) else []
    return [asked for task in _tasks(evidence) for asked in _list(task.get("interrupts"))] or on_thread


def _tasks(evidence: Evidence) -> list[Mapping[str, Any]]:
    return [task for task in _list((evidence.state or {}).get("tasks")) if isinstance(task, dict)]


def _list(value: Any) -> list[Any]:
    """What a server sends where a list belongs; [] when it is none."""
    return value if isinstance(value, list) else []


def _bounded(interrupt: Any) -> Any:
    """The interrupt as it is kept beside the run: without a value too large or too deep. The final state has it all."""
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


def _failed(evidence: Evidence) -> Outcome:
    told = evidence.answer.graph_error if evidence.answer is not None else None
    error = RunError(told.type, told.message) if told else RunError("Error", NO_REASON)
    for task in _tasks(evidence):
        if task.get("error"):
            error = _unmasked(error, str(task["error"]), str(task.get("name") or ""))
            break
    return Outcome(
        RunStatus.FAILED, error=error, body=_body(evidence) if evidence.keep_error_state or not told else None
    )


MASKED = "An internal error occurred"


def _unmasked(error: RunError, told: str, node: str) -> RunError:
    """The error with its node, and with the message the server masked: the state's task has the exception's repr."""
    if error.message not in (MASKED, NO_REASON):
        return RunError(error.type, error.message, node)
    match = re.fullmatch(r"([A-Za-z_][\w.]*)\((.*)\)", told, re.DOTALL)
    if match is None:
        return RunError(error.type, told, node)
    kind, inside = match.groups()
    quoted = re.fullmatch(r"""(['"])(.*)\1,?""", inside, re.DOTALL)
    return RunError(kind, quoted.group(2) if quoted else inside or kind, node)


def _unknown(evidence: Evidence) -> Outcome:
    """The server no longer knows the run.

    A rollback deletes a run, with what it left, and sets its thread idle. A run that somebody deletes goes on to its
    end on a thread that stays busy, and its `wait` ends with the server's own 404 where its values would be.
    """
    answer = evidence.answer
    told = answer.graph_error if answer is not None else None
    if told is not None and told.type == "HTTPException":
        answer = None
    was_answered = evidence.wait_ended or (answer is not None and answer.source == "wait")
    if was_answered and evidence.thread_known:
        # It knew it when the answer came: only a rollback deletes a run and keeps its thread.
        note = (
            {} if evidence.cancel_action else {"note": "Rolled back on the server, by another run or by someone there."}
        )
        return Outcome(RunStatus.CANCELLED, body=_body(evidence), ending={"rolled_back": True, **note})
    ending: dict[str, Any] = {}
    is_still_busy = evidence.thread.get("status") == "busy"
    if evidence.cancel_action == "rollback" and evidence.thread_known and not is_still_busy:
        return Outcome(RunStatus.CANCELLED, body=answer.body if answer else None, ending={"rolled_back": True})
    if not evidence.thread_known:
        why = (
            "Its server knows neither the run nor its thread any more: they were deleted there, or it lost its memory."
        )
    elif is_still_busy:
        why = "It was deleted on its server, which does not stop it: its thread is still busy."
    else:
        why = "Its server no longer knows it: it was deleted there, or the server lost its memory."
        ending = {"forgotten": True}  # as a run is that another one has undone
    return Outcome(RunStatus.LOST, RunError("Not known", why), body=answer.body if answer else None, ending=ending)


def _body(evidence: Evidence) -> bytes | None:
    return evidence.answer.body if evidence.answer is not None else None
