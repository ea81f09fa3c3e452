"""Finds out whether a launch whose answer was lost took effect, by looking for its run on the server.

Nothing is launched again before its absence is proven, and a server's silence proves nothing:

- A run that carries our id in its metadata is ours. A server may leave metadata out of its answers.
- On a thread whose id we made every run is ours, as long as it does not carry another Runboard run's id. While that
  thread exists our launch has made it, so only a thread that does not exist proves that nothing was created.
- On any other thread the run must have been created after we sent ours, for the same assistant, with the
  same input, and be the only such one. No other run may be on its way there either: a list may name runs only once they
  are over, so a busy thread must name the run it is busy with.
- A server that took the request and fell silent may still begin it: then no absence is believed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from dashboard.langgraph import Backoff, LangGraphClient, NotFound, RequestRejected
from dashboard.langgraph.types import Run as RemoteRun
from dashboard.worker.retry import GaveUp, is_retryable, retry_until_answered
from dashboard.worker.run_on_server import GOING_ON, moment_in

logger = logging.getLogger(__name__)

RUN_ID_KEY = "runboard_run_id"
"""Our run id in the server's metadata: it finds a run whose answer was lost."""

LOOKUPS = 4
"""The lookups in a row that must find nothing: the request may still be on its way through the server."""
LOOKUP = Backoff(first_s=2.0, longest_s=15.0)
LOOKUP_PAGE = 100
LOOKUP_FIELDS = ("run_id", "thread_id", "assistant_id", "created_at", "status", "metadata")
CLOCK_MARGIN = timedelta(seconds=60)
"""A run created this long before ours was sent is surely not ours, whatever the clocks say."""
DATE_MARGIN = timedelta(seconds=2)
"""`Date` has whole seconds: a run created this shortly before ours was sent, by the server's clock, may be ours."""


class NotLaunched(Exception):
    """The server provably has no such run."""


class CannotKnow(Exception):
    """Nobody can find out how the run ended or whether it exists. `body` is what it answered, if anything."""

    def __init__(self, sentence: str, body: bytes | None = None) -> None:
        super().__init__(sentence)
        self.body = body


class Launched(NamedTuple):
    """The server's ids of a run that was found."""

    run_id: str
    thread_id: str


@dataclass(frozen=True)
class SentLaunch:
    """A launch as it went out.

    Attributes:
        our_id: Our run id.
        thread_id: The thread it was sent to; None for a stateless run.
        is_own_thread: We made the thread's id for this run alone.
        assistant_id: As sent: a UUID, or a graph's name.
        input: As sent; None when there was none.
        sent_at: When, by our database's clock; None when that is not known.
    """

    our_id: str
    thread_id: str | None
    is_own_thread: bool
    assistant_id: str
    input: Any = field(default=None, repr=False)
    sent_at: datetime | None = None


class LookupResult(NamedTuple):
    """The result of one lookup: the run; or that there is none; or neither (`why`), for good when it is ambiguous."""

    run: Launched | None = None
    is_absent: bool = False
    is_ambiguous: bool = False
    why: str = ""


AnothersRuns = Callable[[], Awaitable[Collection[str]]]
"""The server's ids of other runs of ours on the same thread."""


async def look_up_launch(
    client: LangGraphClient,
    launch: SentLaunch,
    *,
    headers: dict[str, str],
    anothers: AnothersRuns,
    was_taken: bool = False,
    patience_s: float,
) -> Launched:
    """Find the run of a launch whose answer was lost. Each lookup waits until the server answers.

    Args:
        was_taken: The server had the request and fell silent.
        patience_s: How long to go on where neither the run nor its absence is found.

    Raises:
        NotLaunched: Nothing was created.
        CannotKnow: Neither was found.
        RequestRejected: The server refused to answer.
    """
    if launch.thread_id is None:
        return await _look_up_stateless(client, launch, headers)
    began = time.monotonic()
    absent = 0
    for number, delay_s in enumerate(LOOKUP.delays(), 1):
        try:
            look = await retry_until_answered(
                lambda: lookup_once(client, launch, headers=headers, anothers=anothers), broken_after_s=patience_s
            )
        except GaveUp as error:
            raise CannotKnow(f"The server neither confirmed the run nor says whether it has it: {error}") from error
        if look.run is not None:
            return look.run
        absent = absent + 1 if look.is_absent else 0
        if absent >= LOOKUPS and not was_taken:
            raise NotLaunched("The launch was not confirmed, and the server has no such run.")
        if number >= LOOKUPS and (look.is_ambiguous or time.monotonic() - began >= patience_s):
            why = look.why or "The server took the request and fell silent; it has no such run yet, but may begin it."
            raise CannotKnow(f"The server did not confirm the run. {why} It may or may not have run.")
        await asyncio.sleep(LOOKUP.delay_s(0) if absent and not was_taken else delay_s)
    raise AssertionError("delays never end")


async def lookup_once(
    client: LangGraphClient, launch: SentLaunch, *, headers: dict[str, str], anothers: AnothersRuns
) -> LookupResult:
    """One lookup on the thread.

    Raises:
        ServerUnreachable, RequestRejected, AnswerNotUnderstood: It could not be asked.
    """
    assert launch.thread_id is not None
    try:
        runs = await _runs_of(client, launch.thread_id, headers)
    except NotFound as error:
        if is_retryable(error):
            raise
        return LookupResult(is_absent=True)
    named = [run for run in runs if _our_id_in(run) == launch.our_id]
    if named:
        return _found(launch, named[0])
    if launch.is_own_thread:
        mine = [run for run in runs if _our_id_in(run) is None]
        if mine:
            return _found(launch, mine[-1])  # newest first; the thread may have got others since
        if await _thread_status(client, launch.thread_id, headers) is None:
            return LookupResult(is_absent=True)
        return LookupResult(why="Its thread is there, and no run of it is listed.")
    return await _lookup_among_others(client, launch, runs, headers, anothers)


async def _lookup_among_others(
    client: LangGraphClient,
    launch: SentLaunch,
    runs: list[RemoteRun],
    headers: dict[str, str],
    anothers: AnothersRuns,
) -> LookupResult:
    assert launch.thread_id is not None
    ours_are_named = any(_our_id_in(run) for run in runs)
    others = set(await anothers()) if runs and not ours_are_named else set()
    clock_ahead_s = client.clock_ahead_s
    candidates: list[tuple[RemoteRun, bool | None]] = []
    for run in runs:
        if ours_are_named or run["run_id"] in others:
            continue
        likeness = _likeness(run, launch, clock_ahead_s)
        if likeness is None:  # lists may leave out what a run was launched with
            whole = await client.runs.get(launch.thread_id, run["run_id"], headers=headers)
            likeness = _likeness(whole, launch, clock_ahead_s)
        if likeness is not False:
            candidates.append((run, likeness))
    match candidates:
        case [(run, True)]:
            return _found(launch, run)
        case [_, *_]:
            why = "Its thread has a run that may be this one, and the server does not say whose it is."
            return LookupResult(is_ambiguous=True, why=why)
    if any(run.get("status") in GOING_ON for run in runs):
        return LookupResult(is_absent=True)  # it names the run that goes on, and would name ours
    status = await _thread_status(client, launch.thread_id, headers)
    if status == "busy":
        return LookupResult(why="Its thread is busy, and the server does not say with which run.")
    return LookupResult(is_absent=True)


def _found(launch: SentLaunch, run: RemoteRun) -> LookupResult:
    assert launch.thread_id is not None
    return LookupResult(Launched(run["run_id"], launch.thread_id))


def _our_id_in(run: RemoteRun) -> str | None:
    """The Runboard id in a run's metadata; None without one, or without metadata."""
    metadata = run.get("metadata")
    found = metadata.get(RUN_ID_KEY) if isinstance(metadata, dict) else None
    return str(found) if found else None


def _likeness(run: RemoteRun, launch: SentLaunch, clock_ahead_s: float | None) -> bool | None:
    """Whether a run without our id can be ours: False if not, True if all agrees, None if the server does not say.

    Compares times by the server's clock, as far as its answers carry it.
    """
    created_at = moment_in(run, "created_at")
    sent_at = (
        launch.sent_at + timedelta(seconds=clock_ahead_s) if launch.sent_at and clock_ahead_s is not None else None
    )
    if created_at and sent_at and created_at < sent_at - CLOCK_MARGIN:
        return False
    if _are_other_uuids(str(run.get("assistant_id")), launch.assistant_id):
        return False
    kwargs = run.get("kwargs")
    parameters: Mapping[str, Any] = run if "input" in run else kwargs if isinstance(kwargs, dict) else {}
    if "input" not in parameters:
        return None
    if _as_text(parameters["input"] or {}) != _as_text(launch.input or {}):
        return False
    return True if created_at and sent_at and created_at >= sent_at - DATE_MARGIN else None


def _are_other_uuids(one: str, other: str) -> bool:
    """Whether both are UUIDs and differ; a graph's name says nothing against the id of its assistant."""
    try:
        return UUID(one) != UUID(other)
    except ValueError:
        return False


def _as_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


async def _runs_of(client: LangGraphClient, thread_id: str, headers: Mapping[str, str]) -> list[RemoteRun]:
    """All runs of the thread that the server names, newest first."""
    found: list[RemoteRun] = []
    while True:
        page = await client.runs.list(
            thread_id, limit=LOOKUP_PAGE, offset=len(found), select=LOOKUP_FIELDS, headers=headers
        )
        found += [run if isinstance(run, dict) else {} for run in page]
        if len(page) < LOOKUP_PAGE:
            return [run for run in found if isinstance(run.get("run_id"), str)]


async def _thread_status(client: LangGraphClient, thread_id: str, headers: Mapping[str, str]) -> str | None:
    """The thread's status; None when the server does not know the thread."""
    try:
        return str((await client.threads.get(thread_id, headers=headers)).get("status"))
    except NotFound as error:
        if is_retryable(error):
            raise
        return None


async def _look_up_stateless(client: LangGraphClient, launch: SentLaunch, headers: dict[str, str]) -> Launched:
    """The stateless run that carries our id, by the metadata that servers copy to the thread they make for it.

    Raises:
        CannotKnow: It was not found, which proves nothing: a server may not copy them.
    """
    for number in range(LOOKUPS):
        if number:
            await asyncio.sleep(LOOKUP.delay_s(0))
        found = await retry_until_answered(lambda: find_launched_stateless(client, launch.our_id, headers=headers))
        if found is not None:
            return found
    raise CannotKnow(
        "The connection broke before the server confirmed the run, and the server has no thread with its id "
        f"({RUN_ID_KEY}: {launch.our_id}). It may or may not have run."
    )


async def find_launched_stateless(client: LangGraphClient, our_id: str, *, headers: dict[str, str]) -> Launched | None:
    """The run, or None.

    Raises:
        ServerUnreachable, RequestRejected: It could not be asked.
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
        if not thread_id:
            continue
        try:
            runs = await _runs_of(client, thread_id, headers)
        except NotFound as error:
            if is_retryable(error):
                raise
            continue
        for run in runs:
            if _our_id_in(run) == our_id:
                return Launched(run["run_id"], thread_id)
    return None
