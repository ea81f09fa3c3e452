"""What a run answered: the final JSON document exactly as received, and how it came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import httpx

from dashboard.langgraph._json.documents import (
    SMALL_BYTES,
    is_self_delimiting,
    is_whole,
    may_be_json,
    parse_document,
)
from dashboard.langgraph._json.slice import Part, whole_part
from dashboard.langgraph._json.state_summary import GraphError, graph_error, questions
from dashboard.langgraph._transport.client import READING_ERRORS
from dashboard.langgraph._transport.request_trace import sentence
from dashboard.langgraph.errors import AnswerNotUnderstood, AnswerTooLarge

_WHITESPACE = b" \t\r\n"


@dataclass(frozen=True)
class Answer:
    """The answer to a `wait` or a `join`. It does not say how the run ended.

    Ask `runs.get` and `threads.get_state` for that.

    Attributes:
        body: The JSON document exactly as received, heartbeats and outer whitespace stripped.
        run_id: The run's id; None when the server never named it.
        thread_id: The thread's id; None when neither caller nor server named one.
        source: Which exchange delivered it. "join": of a run that was already over it is the *thread's* present state,
            not necessarily this run's result.
        connections: How many connections answered with headers until this document was whole; 1 when nothing was cut.
        was_awaited: Whether the run was still going on when this connection opened. A join that is answered at once
            may be of a run that was over.
    """

    body: bytes
    run_id: str | None
    thread_id: str | None
    source: Literal["wait", "join"]
    connections: int
    was_awaited: bool = True

    @cached_property
    def value(self) -> Any:
        """The document as Python values, parsed when first asked for.

        Raises:
            AnswerNotUnderstood: Never for a document that passed the check on arrival; only for one made by hand.
        """
        try:
            return parse_document(self.body)
        except ValueError as error:
            raise AnswerNotUnderstood(
                f"The final state is not JSON: {error}.", body=self.body, run_id=self.run_id, thread_id=self.thread_id
            ) from error

    @cached_property
    def graph_error(self) -> GraphError | None:
        """What the graph raised, or None."""
        error = self._marks.get("__error__")
        return graph_error(error) if error else None

    @cached_property
    def questions(self) -> list[Any] | None:
        """What the graph asks, or None: the entries of `__interrupt__`, a very large one only as its id."""
        asked = self._marks.get("__interrupt__")
        return questions(asked) if asked else None

    @cached_property
    def _marks(self) -> dict[str, Part]:
        """What the server added to the state's own keys. Reads the document only when it can hold any of it."""
        if not self.body.startswith(b"{") or not (b'"__error__"' in self.body or b'"__interrupt__"' in self.body):
            return {}
        return whole_part(self.body).members("__error__", "__interrupt__")

    async def examine(self) -> None:
        """Look for errors and questions, in a thread where that takes a while; `graph_error` and `questions` follow."""
        if len(self.body) <= SMALL_BYTES:
            return
        await asyncio.to_thread(lambda: (self.graph_error, self.questions))


@dataclass(frozen=True)
class ConnectionEvent:
    """A change of the connection to the server while a run is awaited.

    Attributes:
        kind: "lost": the connection broke, or a join failed. "joining": an attempt begins. "joined": the server has
            sent a heartbeat or the answer; headers alone it also sends for a run it does not know.
        reason: A sentence for people.
        attempt: 0 for the loss of the first connection of a `wait`; else the number of the attempt, from 1 again
            after every connection that held for a while.
        retry_in_s: With "lost": seconds until the next attempt; else 0.
        error: With "lost": what happened (an error of ours, or of httpx for the log); else None.
    """

    kind: Literal["lost", "joining", "joined"]
    reason: str
    attempt: int
    retry_in_s: float = 0.0
    error: Exception | None = None


OnConnection: TypeAlias = Callable[[ConnectionEvent], None] | Callable[[ConnectionEvent], Awaitable[None]]


@dataclass(frozen=True)
class Reading:
    """One response body, read as far as it went.

    Attributes:
        body: What came, outer whitespace stripped.
        is_whole: Whether that is a whole document. A whole object counts although the connection broke after it.
        has_beaten: Whether a heartbeat came before it.
        error: What ended the reading, None when the server ended it.
    """

    body: bytes
    is_whole: bool
    error: Exception | None
    has_beaten: bool = False

    @property
    def reason(self) -> str:
        """Why this is not an answer, as a sentence."""
        if self.error is not None:
            return f"The connection broke while waiting for the run: {sentence(self.error)}."
        if not self.body:
            return "The server ended its answer without saying anything."
        if may_be_json(self.body):
            return "The server's answer was no whole JSON document."
        return "The server's answer was not JSON."


async def read_body(
    response: httpx.Response, *, max_bytes: int | None, on_beat: Callable[[], Awaitable[None]] | None = None
) -> Reading:
    """Read a streamed `wait` or `join` body to its end or to the cut; never raises an error of the connection.

    `on_beat` is called at the first heartbeat.

    Heartbeats before the document are dropped as they come, so hours of them cost no memory. Linear in the size.

    Raises:
        AnswerTooLarge: it has more than `max_bytes`; what had arrived is released.
    """
    chunks: list[bytes] = []
    size = 0
    has_beaten = False
    error: Exception | None = None
    try:
        async for chunk in response.aiter_bytes():
            if not chunks and not (chunk := chunk.lstrip(_WHITESPACE)):
                if on_beat is not None and not has_beaten:
                    await on_beat()
                has_beaten = True
                continue
            chunks.append(chunk)
            size += len(chunk)
            if max_bytes is not None and size > max_bytes:
                raise AnswerTooLarge(f"The final state has more than {max_bytes:,} bytes.")
    except READING_ERRORS as cut:
        error = cut
    body = b"".join(chunks)
    chunks.clear()
    body = body.rstrip(_WHITESPACE)
    if len(body) <= SMALL_BYTES:
        whole = is_whole(body)
    else:
        whole = await asyncio.to_thread(is_whole, body)
    if error is not None and not is_self_delimiting(body):
        whole = False
    return Reading(body, whole, error, has_beaten)
