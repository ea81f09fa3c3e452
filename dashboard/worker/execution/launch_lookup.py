"""Whether a launch whose answer was lost took effect: the run is looked for by our id, which its metadata carry."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from dashboard.langgraph import LangGraphClient, NotFound, RequestRejected
from dashboard.langgraph.types import Run as RemoteRun
from dashboard.worker.retry import is_retryable, retry_until_answered

RUN_ID_KEY = "runboard_run_id"
"""Our run id in the server's metadata: by it a run is found again whose answer was lost."""

LOOKUPS = 4
LOOKUP_PAUSE_S = 2.0
LOOKUP_PAGE = 100
LOOKUP_FIELDS = ("run_id", "thread_id", "metadata")


class NotLaunched(Exception):
    """The server provably has no such run."""


class CannotKnow(Exception):
    """How the run ended, or whether it exists, cannot be found out. `body` is what it answered, if anything."""

    def __init__(self, sentence: str, body: bytes | None = None) -> None:
        super().__init__(sentence)
        self.body = body


class Launched(NamedTuple):
    """The server's ids of a run that was found."""

    run_id: str
    thread_id: str


async def look_up_launch(
    client: LangGraphClient, *, our_id: str, thread_id: str | None, headers: dict[str, str]
) -> Launched:
    """Find the run of a launch whose answer was lost; `thread_id` is None when it was a stateless one.

    Asked several times, and each time until the server answers: the request may still be on its way through it.

    Raises:
        NotLaunched: the server answered each time and has no such run.
        CannotKnow: a stateless run was not found, which proves nothing.
        RequestRejected: the server would not be asked.
    """
    look: Callable[[], Awaitable[RemoteRun | None]]
    if thread_id is None:
        look = partial(find_launched_stateless, client, our_id=our_id, headers=headers)
    else:
        look = partial(find_launched, client, thread_id=thread_id, our_id=our_id, headers=headers)
    for attempt in range(LOOKUPS):
        if attempt:
            await asyncio.sleep(LOOKUP_PAUSE_S)
        found = await retry_until_answered(look)
        if found is not None:
            return Launched(found["run_id"], thread_id or found["thread_id"])
    if thread_id is None:
        raise CannotKnow(
            "The line broke before the server confirmed the run, and the server has no thread with its id "
            f"({RUN_ID_KEY}: {our_id}). It may or may not have run."
        )
    raise NotLaunched("The launch was not confirmed, and the server has no such run.")


async def find_launched(
    client: LangGraphClient, *, thread_id: str, our_id: str, headers: dict[str, str]
) -> RemoteRun | None:
    """The run on the thread that carries our id; None when the server has none, or not even the thread.

    Raises:
        ServerUnreachable, RequestRejected: it could not be asked.
    """
    offset = 0
    while True:
        try:
            runs = await client.runs.list(
                thread_id, limit=LOOKUP_PAGE, offset=offset, select=LOOKUP_FIELDS, headers=headers
            )
        except NotFound as error:
            if is_retryable(error):
                raise
            return None
        for run in runs:
            metadata = run.get("metadata") if isinstance(run, dict) else None
            if isinstance(metadata, dict) and metadata.get(RUN_ID_KEY) == our_id:
                return run
        if len(runs) < LOOKUP_PAGE:
            return None
        offset += LOOKUP_PAGE


async def find_launched_stateless(client: LangGraphClient, *, our_id: str, headers: dict[str, str]) -> RemoteRun | None:
    """The stateless run that carries our id, by the metadata that servers copy to the thread they make for it.

    None says less than it does for a run on a thread: a server may not copy them.

    Raises:
        ServerUnreachable, RequestRejected: it could not be asked.
    """
    try:
        threads = await client.threads.search(
            metadata={RUN_ID_KEY: our_id}, limit=LOOKUP_PAGE, select=("thread_id",), headers=headers
        )
    except RequestRejected as error:
        if is_retryable(error):
            raise
        return None
    for thread in threads:
        thread_id = thread.get("thread_id") if isinstance(thread, dict) else None
        if thread_id and (run := await find_launched(client, thread_id=thread_id, our_id=our_id, headers=headers)):
            return run
    return None
