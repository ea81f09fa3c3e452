"""What the worker asks a server about a run that is over, or may be: how it ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from dashboard.langgraph import (
    Answer,
    AnswerNotUnderstood,
    AnswerTooLarge,
    LangGraphClient,
    NotFound,
    RequestRejected,
    RunNotFound,
)
from dashboard.langgraph._json.state_summary import StateSummary
from dashboard.langgraph.types import Run as RemoteRun
from dashboard.worker.execution.restart_detection import moment_in
from dashboard.worker.outcomes.classify import Evidence
from dashboard.worker.outcomes.thread_status import GOING_ON, is_told_by_its_graph, thread_left_by, thread_without
from dashboard.worker.retry import GaveUp, Tell, is_retryable, retry_until_answered

logger = logging.getLogger(__name__)

RUN_FIELDS = ("run_id", "status", "created_at", "updated_at")


async def collect_evidence(
    client: LangGraphClient,
    *,
    thread_id: str,
    run_id: str,
    answer: Answer | None,
    headers: dict[str, str],
    tell: Tell | None = None,
    state_patience_s: float = float("inf"),
) -> Evidence:
    """Ask for the run, and where it helps for the state it left. Waits as long as the server is away.

    A server that says that the run is over, but for `state_patience_s` seconds not in which state, is not waited for.

    An answer that a join brought may be a later run's state (LANGGRAPH.md section 4), and some ends bring none that can
    be read: then the values of this run's own last checkpoint stand in.
    """
    remote: RemoteRun | None
    try:
        remote, is_newest = await retry_until_answered(lambda: _run(client, thread_id, run_id, headers), tell=tell)
    except RunNotFound:
        remote, is_newest = None, False
    status = remote.get("status") if remote else None
    if status in GOING_ON:
        return Evidence(answer, status)
    thread: Mapping[str, Any] = {}
    began = time.monotonic()
    try:
        outline, is_present = await retry_until_answered(
            lambda: _last_state(client, thread_id, run_id, headers), tell=tell, patience_s=state_patience_s
        )
        is_state_told = True
        if outline is not None and not is_newest and _wants_proof(status, outline, answer):
            found = outline
            is_state_told = await retry_until_answered(
                lambda: is_told_by_its_graph(client, thread_id, found, headers),
                tell=tell,
                patience_s=state_patience_s,
            )
            del found
        if not is_state_told:
            outline = None
            if answer is not None and answer.source == "join" and not answer.was_awaited:
                answer = None  # the thread's values, told by another graph too
    except NotFound:
        return Evidence(answer, status, thread_known=False)
    except (RequestRejected, GaveUp, AnswerTooLarge) as error:
        # The dev server answers 400 for a thread whose values the graph's own schema refuses.
        logger.info("the thread's state cannot be had: %s", error)
        outline, is_present, is_state_told = None, True, False
        if status == "success":
            patience_s = max(0.0, state_patience_s - (time.monotonic() - began))
            thread = await thread_left_by(client, thread_id, run_id, headers, tell=tell, patience_s=patience_s)
    if status is None and outline is not None and (outline.state.get("metadata") or {}).get("run_id") != run_id:
        outline = None  # the run is gone, and this may be another's
    if outline is not None and (answer is None or (answer.source == "join" and not is_present)):
        answer = Answer(
            outline.values.raw if outline.values else b"null", run_id, thread_id, "join", 0, was_awaited=False
        )
    state = outline.state if outline is not None and status is not None else None
    del outline  # its values, which are as large as the answer
    if answer is not None:
        await answer.examine()
    if status is None:
        thread = await thread_without(client, thread_id, headers, tell=tell, patience_s=state_patience_s)
    took_s = _took_s(remote) if remote else None
    return Evidence(answer, status, state, is_state_told=is_state_told, thread=thread, took_s=took_s)


async def _run(client: LangGraphClient, thread_id: str, run_id: str, headers: dict[str, str]) -> tuple[RemoteRun, bool]:
    """The run, and whether it is the last one that came to its thread.

    Asked for as the thread's newest, which tells both at once; a server that has another one there, or none, or will
    not list them, is asked for the run by itself.

    Raises:
        RunNotFound: the server does not know it.
    """
    try:
        newest = await client.runs.list(thread_id, limit=1, select=RUN_FIELDS, headers=headers)
    except RequestRejected as error:
        if is_retryable(error):
            raise
        newest = []
    for run in newest:
        if isinstance(run, dict) and run.get("run_id") == run_id:
            return run, True
    return await client.runs.get(thread_id, run_id, headers=headers), False


def _took_s(run: Mapping[str, Any]) -> float | None:
    """How long the run was at the server, by its own clock; None when it does not say."""
    created_at, ended_at = moment_in(run, "created_at"), moment_in(run, "updated_at")
    return (ended_at - created_at).total_seconds() if created_at and ended_at and ended_at >= created_at else None


def _wants_proof(status: str | None, outline: StateSummary, answer: Answer | None) -> bool:
    """Whether more follows from this state than another graph could tell: that nothing waits, or the final values."""
    stands_in = answer is None or (answer.source == "join" and not answer.was_awaited)
    return (status == "success" and not outline.state.get("next")) or (status is not None and stands_in)


async def _last_state(
    client: LangGraphClient, thread_id: str, run_id: str, headers: dict[str, str]
) -> tuple[StateSummary | None, bool]:
    """The last state this run left on its thread, and whether that is also the thread's present one.

    Servers that do not write run ids into checkpoints only have the present one to give.

    Raises:
        NotFound: the server does not know the thread.
        GaveUp: it has no history, or gives another run's.
    """
    present = await client.threads.outline_state(thread_id, headers=headers)
    metadata = present.state.get("metadata") or {}
    if metadata.get("run_id") == run_id:
        return present, True
    if "run_id" not in metadata:
        return (present, True) if present.has_metadata else (None, True)
    del present
    try:
        states = await client.threads.outline_history(thread_id, limit=1, metadata={"run_id": run_id}, headers=headers)
    except RequestRejected as error:
        if is_retryable(error):
            raise
        raise GaveUp(error) from error  # there may be one: a 404 is about the history, for the thread is there
    if not states:
        return None, False
    if (states[0].state.get("metadata") or {}).get("run_id") != run_id:
        raise GaveUp(AnswerNotUnderstood("The server gives a state of another run instead of this one's."))
    return states[0], False
