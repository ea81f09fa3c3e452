"""What a server says of a thread without its values, and whether that is one run's doing or another's."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from dashboard.langgraph import AnswerTooLarge, LangGraphClient, RequestRejected
from dashboard.langgraph._json.state_summary import StateSummary
from dashboard.worker.retry import GaveUp, Tell, is_retryable, retry_until_answered

logger = logging.getLogger(__name__)

GOING_ON = ("pending", "running")
THREAD_FIELDS = ("thread_id", "status")
THREAD_BYTES = 1_000_000
"""The most that is read of what a server says of a thread: its questions are kept in the run's own row."""


async def thread_left_by(
    client: LangGraphClient,
    thread_id: str,
    run_id: str,
    headers: dict[str, str],
    *,
    tell: Tell | None,
    patience_s: float,
) -> Mapping[str, Any]:
    """What the server says of the thread without its values: `status` and open `interrupts`; {} when it does not, or
    when another run has come to the thread since: then they are that one's.
    """
    try:
        thread = await retry_until_answered(
            lambda: thread_now(client, thread_id, headers), tell=tell, patience_s=patience_s
        )
        # In this order: a run that comes after the first question cannot be overlooked by the second.
        newest = await retry_until_answered(
            lambda: client.runs.list(thread_id, limit=1, select=("run_id",), headers=headers),
            tell=tell,
            patience_s=patience_s,
        )
    except (RequestRejected, GaveUp, AnswerTooLarge) as error:
        logger.info("what became of the thread cannot be had: %s", error)
        return {}
    return thread if [run.get("run_id") for run in newest if isinstance(run, dict)] == [run_id] else {}


async def thread_without(
    client: LangGraphClient,
    thread_id: str,
    headers: dict[str, str],
    *,
    tell: Tell | None,
    patience_s: float,
) -> Mapping[str, Any]:
    """What the server says of the thread of a run it does not know; {} when another run is at work on it."""
    try:
        thread = await retry_until_answered(
            lambda: thread_now(client, thread_id, headers), tell=tell, patience_s=patience_s
        )
        if thread.get("status") != "busy":
            return thread
        newest = await retry_until_answered(
            lambda: client.runs.list(thread_id, limit=1, select=("run_id", "status"), headers=headers),
            tell=tell,
            patience_s=patience_s,
        )
    except (RequestRejected, GaveUp, AnswerTooLarge) as error:
        logger.info("what became of the thread cannot be had: %s", error)
        return {}
    return {} if any(isinstance(run, dict) and run.get("status") in GOING_ON for run in newest) else thread


async def thread_now(client: LangGraphClient, thread_id: str, headers: dict[str, str]) -> Mapping[str, Any]:
    """The thread's `status` and `interrupts`.

    Searched for first: the thread by itself comes with its values, which may be what cannot be had.

    Raises:
        NotFound, RequestRejected, ServerUnreachable, AnswerNotUnderstood: it could not be asked.
    """
    try:
        found = await _search_thread(client, thread_id, (*THREAD_FIELDS, "interrupts"), headers)
    except AnswerTooLarge:
        # The questions are what is large. That there are some is all that is kept of them.
        found = await _search_thread(client, thread_id, THREAD_FIELDS, headers)
        found = {**found, "interrupts": {"": [{}]}} if found else None
    except RequestRejected as error:
        if is_retryable(error):
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


async def is_told_by_its_graph(
    client: LangGraphClient, thread_id: str, outline: StateSummary, headers: dict[str, str]
) -> bool:
    """Whether a state of a thread to which another run has come names the nodes and questions of the run that left it.

    A server tells every state of a thread by the graph of the run that came to it last: by another graph's it has none
    of the nodes that wait, although they do.

    Raises:
        ServerUnreachable, AnswerNotUnderstood, RequestRejected: it could not be asked.
    """
    found = await _search_thread(client, thread_id, ("thread_id", "metadata"), headers)
    graph_id = ((found or {}).get("metadata") or {}).get("graph_id")
    own = (outline.state.get("metadata") or {}).get("graph_id")
    return not graph_id or not own or bool(graph_id == own)
