"""Collects what a server says about how a run ended. `resolve` decides; nothing is decided here."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import orjson

from dashboard.langgraph import (
    Answer,
    AnswerNotUnderstood,
    AnswerTooLarge,
    NotFound,
    RequestRejected,
    RunNotFound,
    ServerUnreachable,
    StateSummary,
)
from dashboard.langgraph.types import Run as RemoteRun
from dashboard.langgraph.types import ThreadState
from dashboard.worker.outcomes.thread_status import Thread, is_same_graph, thread_if_latest, thread_without
from dashboard.worker.retry import (
    BROKEN_AFTER_S,
    GaveUp,
    OnEvent,
    ask_briefly,
    is_refused_for_good,
    is_retryable,
    retry_until_answered,
)
from dashboard.worker.run_on_server import GOING_ON, RunOnServer, moment_in

logger = logging.getLogger(__name__)

RUN_FIELDS: Final = ("run_id", "status", "created_at", "updated_at")
EMPTY: Final = b"{}"
SMALL_BYTES: Final = 1_000_000
CANCELLED_S: Final = 20.0
"""How long to ask for a cancelled run's own state: without it, another run's state might be shown as this run's."""
STATUS_UNKNOWN: Final = ""
"""Stands for the run's status when the server fails at every question about it: then only the answer counts."""


@dataclass(frozen=True)
class Evidence:
    """What the server said after the answer, and what is known here.

    Attributes:
        answer: What `wait` or `join` returned; None when the server no longer had it.
        remote_status: The server's status of the run; None when it does not know the run (404), or STATUS_UNKNOWN.
        state: The last state this run left on its thread; None when there is none.
        is_state_known: Whether the server gave that state, or said that there is none; False when it did neither.
        thread: Where the outcome does not follow from the run and its state, the thread's `status` and `interrupts`; {}
            when the server does not say, or when it is another run's doing.
        thread_known: Whether the server still knows the thread.
        has_own_output: The server keeps each run's output with the run, so what it says of a run is that run's own.
        error_message: Why it failed, where the server keeps that with the run.
        is_empty_confirmed: The run's own state, or its output, is as empty as the answer.
        cancel_action: The cancel requested here: "interrupt", "rollback", or "".
        keep_error_state: raise_error=False: the `__error__` document is the final state.
        breakpoints: Nodes that the run was to stop before or after; ["*"] for all.
        is_answer: It answers, or continues, another run.
        ended_with_connection: on_disconnect="cancel", and the connection on which the run was created is gone.
        is_too_large: Its final state is larger than a worker takes.
        wait_ended: The run's own `wait` was answered to its end, also when the answer could not be kept.
        seen_running: The server was seen to have begun it.
        body_from: Whether the final state is the "answer" itself, or was read from the "thread" because no answer
            arrived, or an "empty" one, or only a "part".
        took_s: Seconds from the run's creation to its end, by the server's clock; None when it does not say.
    """

    answer: Answer | None
    remote_status: str | None
    state: ThreadState | None = None
    is_state_known: bool = True
    thread: Thread = field(default_factory=dict)
    thread_known: bool = True
    has_own_output: bool = False
    error_message: str = ""
    is_empty_confirmed: bool = False
    cancel_action: str = ""
    keep_error_state: bool = False
    breakpoints: tuple[str, ...] = ()
    is_answer: bool = False
    ended_with_connection: bool = False
    is_too_large: bool = False
    wait_ended: bool = False
    seen_running: bool = True
    body_from: str = "answer"
    took_s: float | None = None

    @property
    def is_going_on(self) -> bool:
        """Whether the server says that the run has not ended."""
        return self.remote_status in GOING_ON

    @property
    def is_doubtful(self) -> bool:
        """Whether only an empty object speaks for success: a proxy may have sent it while the run went on."""
        return self.answer is not None and self.answer.body == EMPTY and not self.is_empty_confirmed


async def collect_evidence(
    place: RunOnServer,
    *,
    answer: Answer | None,
    cancel_action: Callable[[], Awaitable[str]],
    on_event: OnEvent | None = None,
    patience_s: float = float("inf"),
) -> Evidence:
    """Ask for the run, and for the state it left as far as the outcome depends on it.

    Waits as long as the server is away. Optional details get a few seconds. A server that says that
    the run is over, but for `patience_s` seconds not in which state, is not waited for any longer.
    """
    if answer is not None:
        await answer.examine()
    tells = answer is not None and answer.source == "wait" and bool(answer.graph_error or answer.questions)
    broken_after_s = BROKEN_AFTER_S if tells else patience_s
    run, is_newest = await _ask_for_run(place, on_event, broken_after_s)
    status = STATUS_UNKNOWN if run is None and is_newest else run.get("status") if run else None
    found = Evidence(answer, status)
    if found.is_going_on:
        return found
    if status in (None, "interrupted"):
        found = replace(found, cancel_action=await cancel_action())
    if run:
        found = replace(found, took_s=_took_s(run), error_message=str(run.get("error_message") or ""))
    if _is_known(found):
        read = await ask_briefly(lambda: _last_state(place))
        found = replace(found, is_state_known=read is not None)
        summary, is_present = read or (None, True)
    else:
        # It was cancelled; whether its final state is its own depends on what it left.
        most_s = min(patience_s, CANCELLED_S) if found.cancel_action and status == "interrupted" else patience_s
        found, summary, is_present = await _look_into(place, found, is_newest, on_event, most_s)
    return await _with_values(place, found, run or {}, summary, is_present=is_present)


def _is_known(found: Evidence) -> bool:
    """Whether the outcome already follows from the evidence."""
    asks = found.answer is not None and bool(found.answer.questions)
    is_a_question = found.remote_status == "success" or (
        found.remote_status == "interrupted" and not found.cancel_action
    )
    return found.remote_status in ("error", "timeout", STATUS_UNKNOWN) or (asks and is_a_question)


async def _look_into(
    place: RunOnServer, found: Evidence, is_newest: bool, on_event: OnEvent | None, patience_s: float
) -> tuple[Evidence, StateSummary | None, bool]:
    """The evidence with what the run left on its thread, which decides here; and that state."""
    began = time.monotonic()
    ask = partial(
        retry_until_answered, on_event=on_event, patience_s=patience_s, broken_after_s=min(BROKEN_AFTER_S, patience_s)
    )
    status = found.remote_status
    summary: StateSummary | None = None
    is_present = True
    try:
        summary, is_present = await ask(lambda: _last_state(place))
        if summary is not None and not is_newest and _wants_proof(found, summary):
            last_state = summary
            if not await ask(lambda: is_same_graph(place, last_state)):
                summary, found = None, _shown_by_another_graph(found)
    except NotFound:
        return replace(found, thread_known=False), None, True
    except (RequestRejected, GaveUp, AnswerTooLarge) as error:
        # The dev server answers 400 for a thread whose values the graph's own schema refuses.
        logger.info("the thread's state is not available: %s", error)
        summary, is_present = None, True
        found = replace(found, is_state_known=False)
        if status is not None:
            patience_s = max(0.0, patience_s - (time.monotonic() - began))
            found = replace(found, thread=await thread_if_latest(place, on_event=on_event, patience_s=patience_s))
    if status is None:
        found = replace(found, thread=await thread_without(place, on_event=on_event, patience_s=patience_s))
        if summary is not None and _run_of(summary) != place.run_id:
            summary = None  # the run is gone, and this may be another run's
    return found, summary, is_present


def _shown_by_another_graph(found: Evidence) -> Evidence:
    """Without the state, and without an answer that is the thread's values, rendered by another graph too."""
    answer = found.answer
    stands_in = answer is not None and answer.source == "join" and not answer.was_awaited
    return replace(found, is_state_known=False, answer=None if stands_in else answer)


async def _with_values(
    place: RunOnServer, found: Evidence, run: RemoteRun, summary: StateSummary | None, *, is_present: bool
) -> Evidence:
    """The evidence with a final state that is surely the run's own, and with its state without the values.

    A join may return a later run's state, and some ends have no readable answer: then the run's
    own output replaces it, or the values of its last checkpoint.
    """
    answer, status = found.answer, found.remote_status
    output = run.get("output")
    has_output = "output" in run and status in ("success", "interrupted") and output is not None
    # Aegra keeps `{}` when asked for other events than values: then the state says more.
    says_something = has_output and output != {}
    is_unsure = answer is None or (answer.source == "join" and not answer.was_awaited)
    is_empty = answer is not None and answer.body == EMPTY
    if says_something and (is_unsure or is_empty):
        is_the_same = answer is not None and len(answer.body) < SMALL_BYTES and answer.value == output
        own = answer if is_the_same else _stand_in(place, await _output(place) or orjson.dumps(output))
        found = replace(found, answer=own, is_empty_confirmed=True)
    elif summary is not None and (answer is None or (is_unsure and not is_present)):
        found = replace(found, answer=_stand_in(place, _values(summary)), body_from="thread")
    elif summary is not None and is_empty and status == "success" and _run_of(summary) == place.run_id:
        values = _values(summary)
        if values.strip() not in (EMPTY, b"null"):
            found = replace(found, answer=_stand_in(place, values), body_from="empty")
        found = replace(found, is_empty_confirmed=True)
    elif is_unsure and answer is not None:
        found = replace(found, body_from="thread")
    elif status in ("interrupted", "timeout") and (whole := _more_than_answered(place, answer, summary)):
        found = replace(found, answer=whole, body_from="part")
    if found.answer is not None and found.answer is answer:
        found = replace(found, answer=_with_what_was_written(place, answer, summary))
    state = summary.state if summary is not None and status is not None else None
    return replace(found, state=state, has_own_output=has_output)


def _more_than_answered(place: RunOnServer, answer: Answer | None, summary: StateSummary | None) -> Answer | None:
    """The values that a stopped run left, where its answer has those of a subgraph; None to keep the answer."""
    if not place.may_answer_in_part or answer is None or answer.source != "wait" or answer.questions:
        return None
    left = summary.values if summary is not None and _run_of(summary) == place.run_id else None
    if summary is None or left is None or not left.is_object or left.is_empty:
        return None
    whole = _stand_in(place, _values(summary))
    is_small = max(len(answer.body), len(whole.body)) < SMALL_BYTES
    return None if is_small and answer.value == whole.value else whole


async def _output(place: RunOnServer) -> bytes | None:
    """The run's own output with every digit that its server writes; None when it does not come within a few seconds."""
    return await ask_briefly(lambda: place.client.runs.output(place.thread_id, place.run_id, headers=place.headers))


def _with_what_was_written(place: RunOnServer, answer: Answer, summary: StateSummary | None) -> Answer:
    """The answer of a run that asks a question, with each question once and the values of its own state.

    With events, a server answers with the questions of all events and nothing else, some of them twice.
    """
    asked = answer.questions
    if not asked or len(answer.body) > SMALL_BYTES or set(answer.value) != {"__interrupt__"}:
        return answer
    try:
        questions = b'"__interrupt__":' + orjson.dumps(asked)
    except TypeError:  # what orjson cannot represent stays as it came
        return answer
    values = summary.values if summary is not None and _run_of(summary) == place.run_id else None
    if values is not None and values.is_object and not values.is_empty and b'"__interrupt__"' not in values.raw:
        return replace(answer, body=values.raw.rstrip()[:-1] + b"," + questions + b"}")
    return answer if answer.value["__interrupt__"] == asked else replace(answer, body=b"{" + questions + b"}")


def _values(summary: StateSummary) -> bytes:
    return summary.values.raw if summary.values else b"null"


def _stand_in(place: RunOnServer, body: bytes) -> Answer:
    return Answer(body, place.run_id, place.thread_id, "join", 0, was_awaited=False)


async def _ask_for_run(
    place: RunOnServer, on_event: OnEvent | None, broken_after_s: float
) -> tuple[RemoteRun | None, bool]:
    """The run, and whether it is the newest of its thread. (None, False): unknown there; (None, True): no answer."""
    try:
        return await retry_until_answered(lambda: _run(place), on_event=on_event, broken_after_s=broken_after_s)
    except RunNotFound:
        return None, False
    except GaveUp as error:
        logger.info("the run itself is not available: %s", error)
        return None, True


async def _run(place: RunOnServer) -> tuple[RemoteRun, bool]:
    """The run, and whether it is the newest of its thread.

    Asks for the thread's newest run, which answers both at once; if that is another one, or none, or the server will
    not list runs, it asks for the run by its id.

    Raises:
        RunNotFound: The server does not know it.
    """
    newest: list[RemoteRun] = []
    try:
        newest = await place.client.runs.list(place.thread_id, limit=1, select=RUN_FIELDS, headers=place.headers)
    except (RequestRejected, ServerUnreachable) as error:
        if not is_refused_for_good(error):
            raise
    for run in newest:
        if isinstance(run, dict) and run.get("run_id") == place.run_id:
            return run, True
    return await place.client.runs.get(place.thread_id, place.run_id, headers=place.headers), False


def _took_s(run: RemoteRun) -> float | None:
    """How long the run was at the server, by its own clock; None when it does not say."""
    created_at, ended_at = moment_in(run, "created_at"), moment_in(run, "updated_at")
    return (ended_at - created_at).total_seconds() if created_at and ended_at and ended_at >= created_at else None


def _wants_proof(found: Evidence, summary: StateSummary) -> bool:
    """Whether this state is needed for what another graph could not say: that nothing waits, or the final values."""
    answer, status = found.answer, found.remote_status
    stands_in = answer is None or (answer.source == "join" and not answer.was_awaited)
    return (status == "success" and not summary.state.get("next")) or (status is not None and stands_in)


async def _last_state(place: RunOnServer) -> tuple[StateSummary | None, bool]:
    """The last state this run left on its thread, and whether that is also the thread's present one.

    Servers that do not write run ids into checkpoints only have the present one to give.

    Raises:
        NotFound: The server does not know the thread.
        GaveUp: It has no history, or gives another run's.
    """
    present = await place.client.threads.outline_state(place.thread_id, headers=place.headers)
    metadata = present.state.get("metadata") or {}
    if metadata.get("run_id") == place.run_id:
        return present, True
    if "run_id" not in metadata:
        return (present, True) if present.has_metadata else (None, True)
    del present
    try:
        states = await place.client.threads.outline_history(
            place.thread_id, limit=1, metadata={"run_id": place.run_id}, headers=place.headers
        )
    except RequestRejected as error:
        if is_retryable(error):
            raise
        raise GaveUp(error) from error  # there may be one: the thread exists, so this 404 is about the history
    if not states:
        return None, False
    if _run_of(states[0]) != place.run_id:
        raise GaveUp(AnswerNotUnderstood("The server gives a state of another run instead of this one's."))
    return states[0], False


def _run_of(summary: StateSummary) -> Any:
    """The id of the run that left a state; None when it does not say."""
    return (summary.state.get("metadata") or {}).get("run_id")
