"""What the worker asks a server about a run that is over, or may be: how it ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from dashboard.langgraph import (
    Answer,
    AnswerNotUnderstood,
    AnswerTooLarge,
    ConnectionEvent,
    LangGraphClient,
    NotFound,
    RequestRejected,
    RunNotFound,
    ServerUnreachable,
)
from dashboard.langgraph.outlines import StateOutline
from dashboard.langgraph.types import Run as RemoteRun
from dashboard.worker.classify import Facts
from dashboard.worker.reexecution import moment_in

logger = logging.getLogger(__name__)

T = TypeVar("T")

ASK_FIRST_S = 0.25
ASK_MAX_S = 15.0
GOING_ON = ("pending", "running")
THREAD_FIELDS = ("thread_id", "status")
THREAD_BYTES = 1_000_000
"""The most that is read of what a server says of a thread: its questions are kept in the run's own row."""
ASK_TELL_S = 5.0
"""After so many seconds without an answer the run's page says so."""


def may_pass(error: RequestRejected) -> bool:
    """Whether a refusal says nothing for good.

    It is temporary, or about our key, or comes from a proxy whose server is away: a redirect, to a sign-in page say, or
    a 404 that is not JSON, which LangGraph servers speak.
    """
    is_a_proxys = error.status_code < 400 or (error.status_code == 404 and not error.is_json)
    return error.is_temporary or error.status_code in (401, 403, 407) or is_a_proxys


class NotAnswered(Exception):
    """The server does not say what it was asked. `cause` is what it did instead."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def until_answered(
    ask: Callable[[], Awaitable[T]],
    *,
    tell: Callable[[ConnectionEvent], Awaitable[None]] | None = None,
    patience_s: float = float("inf"),
) -> T:
    """Ask until the server answers; a refusal that will not change is raised.

    Args:
        tell: told when there has been no answer for a while, and when there is one again.
        patience_s: seconds after which it is given up; without it never.

    Raises:
        RequestRejected: the server said no, for good.
        AnswerTooLarge: it said more than is taken, and would again.
        NotAnswered: patience has ended.
    """
    delay, began, is_told = ASK_FIRST_S, time.monotonic(), False
    while True:
        problem: Exception
        try:
            answer = await ask()
        except AnswerTooLarge:
            raise
        except (ServerUnreachable, AnswerNotUnderstood) as error:
            logger.info("the server could not be asked, trying again in %.1f s: %s", delay, error)
            problem = error
        except RequestRejected as error:
            if not may_pass(error):
                raise
            logger.info("the server would not be asked, trying again in %.1f s: %s", delay, error)
            problem = error
        else:
            if tell is not None and is_told:
                await tell(ConnectionEvent("joined", "", 0))
            return answer
        waited_s = time.monotonic() - began
        if waited_s >= patience_s:
            raise NotAnswered(problem)
        if tell is not None and not is_told and waited_s >= ASK_TELL_S:
            is_told = True
            await tell(ConnectionEvent("lost", f"The server does not say how the run ended: {problem}", 0))
        await asyncio.sleep(delay)
        delay = min(delay * 2, ASK_MAX_S)


async def ask_how_it_ended(
    client: LangGraphClient,
    *,
    thread_id: str,
    run_id: str,
    answer: Answer | None,
    headers: dict[str, str],
    tell: Callable[[ConnectionEvent], Awaitable[None]] | None = None,
    state_patience_s: float = float("inf"),
) -> Facts:
    """Ask for the run, and where it helps for the state it left. Waits as long as the server is away.

    A server that says that the run is over, but for `state_patience_s` seconds not in which state, is not waited for.

    An answer that a join brought may be a later run's state (LANGGRAPH.md section 4), and some ends bring none that can
    be read: then the values of this run's own last checkpoint stand in.
    """
    try:
        remote: RemoteRun | None = await until_answered(
            lambda: client.runs.get(thread_id, run_id, headers=headers), tell=tell
        )
    except RunNotFound:
        remote = None
    status = remote.get("status") if remote else None
    if status in GOING_ON:
        return Facts(answer, status)
    thread: Mapping[str, Any] = {}
    began = time.monotonic()
    try:
        outline, is_present = await until_answered(
            lambda: _last_state(client, thread_id, run_id, headers), tell=tell, patience_s=state_patience_s
        )
        is_state_told = True
    except NotFound:
        return Facts(answer, status, thread_known=False)
    except (RequestRejected, NotAnswered, AnswerTooLarge) as error:
        # The dev server answers 400 for a thread whose values the graph's own schema refuses.
        logger.info("the thread's state cannot be had: %s", error)
        outline, is_present, is_state_told = None, True, False
        if status == "success":
            patience_s = max(0.0, state_patience_s - (time.monotonic() - began))
            thread = await _thread_left_by(client, thread_id, run_id, headers, tell=tell, patience_s=patience_s)
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
        thread = await _thread_without(client, thread_id, headers, tell=tell, patience_s=state_patience_s)
    took_s = _took_s(remote) if remote else None
    return Facts(answer, status, state, is_state_told=is_state_told, thread=thread, took_s=took_s)


async def _thread_left_by(
    client: LangGraphClient,
    thread_id: str,
    run_id: str,
    headers: dict[str, str],
    *,
    tell: Callable[[ConnectionEvent], Awaitable[None]] | None,
    patience_s: float,
) -> Mapping[str, Any]:
    """What the server says of the thread without its values: `status` and open `interrupts`; {} when it does not, or
    when another run has come to the thread since: then they are that one's.
    """
    try:
        thread = await until_answered(lambda: _thread(client, thread_id, headers), tell=tell, patience_s=patience_s)
        # In this order: a run that comes after the first question cannot be overlooked by the second.
        newest = await until_answered(
            lambda: client.runs.list(thread_id, limit=1, select=("run_id",), headers=headers),
            tell=tell,
            patience_s=patience_s,
        )
    except (RequestRejected, NotAnswered, AnswerTooLarge) as error:
        logger.info("what became of the thread cannot be had: %s", error)
        return {}
    return thread if [run.get("run_id") for run in newest if isinstance(run, dict)] == [run_id] else {}


async def _thread_without(
    client: LangGraphClient,
    thread_id: str,
    headers: dict[str, str],
    *,
    tell: Callable[[ConnectionEvent], Awaitable[None]] | None,
    patience_s: float,
) -> Mapping[str, Any]:
    """What the server says of the thread of a run it does not know; {} when another run is at work on it."""
    try:
        thread = await until_answered(lambda: _thread(client, thread_id, headers), tell=tell, patience_s=patience_s)
        if thread.get("status") != "busy":
            return thread
        newest = await until_answered(
            lambda: client.runs.list(thread_id, limit=1, select=("run_id", "status"), headers=headers),
            tell=tell,
            patience_s=patience_s,
        )
    except (RequestRejected, NotAnswered, AnswerTooLarge) as error:
        logger.info("what became of the thread cannot be had: %s", error)
        return {}
    return {} if any(isinstance(run, dict) and run.get("status") in GOING_ON for run in newest) else thread


def _took_s(run: Mapping[str, Any]) -> float | None:
    """How long the run was at the server, by its own clock; None when it does not say."""
    created_at, ended_at = moment_in(run, "created_at"), moment_in(run, "updated_at")
    return (ended_at - created_at).total_seconds() if created_at and ended_at and ended_at >= created_at else None


async def _thread(client: LangGraphClient, thread_id: str, headers: dict[str, str]) -> Mapping[str, Any]:
    """The thread's `status` and `interrupts`.

    Searched for first: the thread by itself comes with its values, which may be what cannot be had.
    """
    try:
        found = await _search_thread(client, thread_id, (*THREAD_FIELDS, "interrupts"), headers)
    except AnswerTooLarge:
        # The questions are what is large. That there are some is all that is kept of them.
        found = await _search_thread(client, thread_id, THREAD_FIELDS, headers)
        found = {**found, "interrupts": {"": [{}]}} if found else None
    except RequestRejected as error:
        if may_pass(error):
            raise
        logger.info("the thread cannot be searched for: %s", error)
        found = None
    return found or await client.threads.get(thread_id, headers=headers, max_bytes=THREAD_BYTES)


async def _search_thread(
    client: LangGraphClient, thread_id: str, fields: tuple[str, ...], headers: dict[str, str]
) -> Mapping[str, Any] | None:
    threads = await client.threads.search(
        ids=[thread_id], select=fields, limit=1, headers=headers, max_bytes=THREAD_BYTES
    )
    for thread in threads:
        if isinstance(thread, dict) and thread.get("thread_id") == thread_id:
            return thread
    return None


async def _last_state(
    client: LangGraphClient, thread_id: str, run_id: str, headers: dict[str, str]
) -> tuple[StateOutline | None, bool]:
    """The last state this run left on its thread, and whether that is also the thread's present one.

    Servers that do not write run ids into checkpoints only have the present one to give.

    Raises:
        NotFound: the server does not know the thread.
        NotAnswered: it has no history, or gives another run's.
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
        if may_pass(error):
            raise
        raise NotAnswered(error) from error  # there may be one: a 404 is about the history, for the thread is there
    if not states:
        return None, False
    if (states[0].state.get("metadata") or {}).get("run_id") != run_id:
        raise NotAnswered(AnswerNotUnderstood("The server gives a state of another run instead of this one's."))
    return states[0], False
