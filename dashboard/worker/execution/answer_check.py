"""Whether a server still waits for what a run is about to answer, or to continue.

Servers ignore an answer that meets no question, so Runboard asks right before it sends one.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from dashboard.langgraph import (
    AnswerNotUnderstood,
    LangGraphClient,
    NotFound,
    RequestRejected,
    ServerUnreachable,
    ServerUnreachableNotCreated,
)
from dashboard.runs.selectors import AwaitedAnswer
from dashboard.runs.statuses import RunStatus
from dashboard.worker.outcomes.thread_status import thread_now
from dashboard.worker.retry import is_retryable

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Verdict:
    """What a server says about a question: `sentence` is why it cannot be answered, "" when it can or nobody knows.

    `is_gone`: it never can be answered again; otherwise its thread is only busy.
    """

    sentence: str = ""
    is_gone: bool = False


OPEN = Verdict()
UNKNOWN_THREAD = Verdict("The server no longer knows the thread.", is_gone=True)
MOVED_ON = Verdict("The thread went on without it on the server, which no longer waits for this.", is_gone=True)
BUSY = Verdict("Another run is going on in this thread.")


class NotAwaited(Exception):
    """The server waits for no such answer. Nothing was sent."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.sentence)
        self.verdict = verdict


async def ask_whether_awaited(
    client: LangGraphClient, thread_id: str, awaited: AwaitedAnswer, headers: dict[str, str]
) -> Verdict:
    """Ask the server. If it refuses, or has no such endpoint, the question counts as open.

    Raises:
        ServerUnreachableNotCreated: it cannot be reached just now.
    """
    try:
        thread = await thread_now(client, thread_id, headers)
        status, interrupts = thread.get("status"), thread.get("interrupts")
        if status == "busy":
            return BUSY
        if status != "idle" and _may_wait(awaited, interrupts):
            return OPEN
        # A thread's own account may lag behind its runs: only another run can have moved it on.
        newest = await client.runs.list(thread_id, limit=1, select=("run_id",), headers=headers)
        ids = [run.get("run_id") for run in newest if isinstance(run, dict)]
        return MOVED_ON if ids and ids[0] not in {awaited.remote_run_id, *awaited.given_up} else OPEN
    except NotFound:
        return UNKNOWN_THREAD
    except (RequestRejected, AnswerNotUnderstood) as error:
        if isinstance(error, RequestRejected) and is_retryable(error):
            raise ServerUnreachableNotCreated(str(error), retry_after_s=error.retry_after_s) from error
        logger.info("the server does not say whether a question still waits: %s", error)
        return OPEN
    except ServerUnreachable as error:
        raise ServerUnreachableNotCreated(str(error), retry_after_s=error.retry_after_s) from error


def _may_wait(awaited: AwaitedAnswer, interrupts: object) -> bool:
    """Whether all these may still wait, by the thread's interrupts. A stop at a node has none, and no id."""
    if awaited.status == RunStatus.PAUSED:
        return False
    if not isinstance(interrupts, dict) or not awaited.interrupt_ids:
        return True
    asked = [entry for task in interrupts.values() if isinstance(task, list) for entry in task]
    waiting = {entry.get("id") for entry in asked if isinstance(entry, dict)}
    return awaited.interrupt_ids <= waiting or None in waiting


async def still_asks(
    client: LangGraphClient, thread_id: str, interrupt_ids: frozenset[str], headers: dict[str, str]
) -> bool | None:
    """Whether the server itself names these questions as waiting, after an answer to them came to nothing.

    None while its thread is busy. After a graph raised over its answer, its server names no questions, and would
    ignore a second answer (measured on `langgraph dev` 0.4). After a cancel, or without an answer, it names them.

    Raises:
        ServerUnreachable, RequestRejected, AnswerNotUnderstood: it does not say.
    """
    thread = await thread_now(client, thread_id, headers)
    if thread.get("status") == "busy":
        return None
    interrupts = thread.get("interrupts")
    tasks = interrupts.values() if isinstance(interrupts, dict) else ()
    named = {entry.get("id") for task in tasks if isinstance(task, list) for entry in task if isinstance(entry, dict)}
    return bool(interrupt_ids) and interrupt_ids <= named


async def knows_strict_resume(client: LangGraphClient, headers: dict[str, str]) -> bool:
    """Whether the server, asked to, fails an answer that meets no question."""
    try:
        async with asyncio.timeout(2):
            info = await client.info(headers=headers)
    except (ServerUnreachable, RequestRejected, AnswerNotUnderstood, TimeoutError):
        return False
    flags = info.get("flags")
    return isinstance(flags, dict) and flags.get("strict_resume") is True
