"""A thread's status and questions without its values, and whether they come from this run or from another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from dashboard.langgraph import AnswerTooLarge, LangGraphClient, RequestRejected, ServerUnreachable, StateSummary
from dashboard.langgraph.types import Run as RemoteRun
from dashboard.worker.retry import GaveUp, OnEvent, is_refused_for_good, retry_until_answered
from dashboard.worker.run_on_server import GOING_ON, RunOnServer

logger = logging.getLogger(__name__)

THREAD_FIELDS: Final = ("thread_id", "status")
THREAD_BYTES: Final = 1_000_000
"""The most that is read of a thread: its questions are kept in the run's row."""

Thread = Mapping[str, Any]
"""A thread's `status` and open `interrupts`; {} when they say nothing about the run."""


async def thread_if_latest(place: RunOnServer, *, on_event: OnEvent | None, patience_s: float) -> Thread:
    """The thread's status and questions; {} if another run has come to it since: then they are that run's."""
    return await _thread_unless(
        place, lambda newest: [run.get("run_id") for run in newest] != [place.run_id], on_event, patience_s
    )


async def thread_without(place: RunOnServer, *, on_event: OnEvent | None, patience_s: float) -> Thread:
    """The thread of a run that its server does not know; {} when it is busy with another run."""
    return await _thread_unless(
        place, lambda newest: any(run.get("status") in GOING_ON for run in newest), on_event, patience_s, only_busy=True
    )


async def _thread_unless(
    place: RunOnServer,
    is_anothers: Callable[[list[RemoteRun]], bool],
    on_event: OnEvent | None,
    patience_s: float,
    *,
    only_busy: bool = False,
) -> Thread:
    """The thread; {} when the server does not answer, or when its newest run is another one.

    Asked in this order, so that the second question notices a run that came after the first.
    """
    ask = partial(retry_until_answered, on_event=on_event, patience_s=patience_s)
    try:
        thread = await ask(lambda: thread_now(place.client, place.thread_id, place.headers))
        if only_busy and thread.get("status") != "busy":
            return thread
        newest = await ask(
            lambda: place.client.runs.list(place.thread_id, limit=1, select=("run_id", "status"), headers=place.headers)
        )
    except (RequestRejected, GaveUp, AnswerTooLarge) as error:
        logger.info("the thread's status is not available: %s", error)
        return {}
    return {} if is_anothers([run for run in newest if isinstance(run, dict)]) else thread


async def thread_now(client: LangGraphClient, thread_id: str, headers: dict[str, str]) -> Thread:
    """The thread's `status` and `interrupts`.

    Searches first: the thread itself comes with its values, which may be what the server cannot deliver.

    Raises:
        NotFound, RequestRejected, ServerUnreachable, AnswerNotUnderstood: It could not be asked.
    """
    try:
        found = await _search_thread(client, thread_id, (*THREAD_FIELDS, "interrupts"), headers)
    except AnswerTooLarge:
        # The questions are what is large. Only the fact that there are some is kept.
        found = await _search_thread(client, thread_id, THREAD_FIELDS, headers)
        found = {**found, "interrupts": {"": [{}]}} if found else None
    except (RequestRejected, ServerUnreachable) as error:
        if not is_refused_for_good(error):
            raise
        logger.info("the thread cannot be searched for: %s", error)
        found = None
    return found or await client.threads.get(thread_id, headers=headers, max_bytes=THREAD_BYTES)


async def _search_thread(
    client: LangGraphClient, thread_id: str, fields: tuple[str, ...], headers: dict[str, str]
) -> Thread | None:
    threads = await client.threads.search(
        ids=[thread_id], select=fields, limit=1, headers=headers, max_bytes=THREAD_BYTES
    )
    for thread in threads:
        if isinstance(thread, dict) and thread.get("thread_id") == thread_id:
            return thread
    return None


async def is_same_graph(place: RunOnServer, summary: StateSummary) -> bool:
    """Whether a state of a thread to which another run has come names the nodes and questions of the run that left it.

    A server renders every state of a thread with the graph of the run that came to it last: with another graph it shows
    none of the nodes that wait, although they do.

    Raises:
        ServerUnreachable, AnswerNotUnderstood, RequestRejected: It could not be asked.
    """
    found = await _search_thread(place.client, place.thread_id, ("thread_id", "metadata"), place.headers)
    graph_id = ((found or {}).get("metadata") or {}).get("graph_id")
    own = (summary.state.get("metadata") or {}).get("graph_id")
    return not graph_id or not own or bool(graph_id == own)
