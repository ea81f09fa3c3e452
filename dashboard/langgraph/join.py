"""Hold on to a run that exists: join it, again and again, until its answer is whole or the server knows no such run.

What ends the loop: a whole answer; 404 *from the LangGraph server* (JSON), confirmed by `GET run`; a refusal that no
later try can change (400, 405, 422 ...); cancellation of the task. Everything else is tried again, without a limit of
tries: a refused connection, silence, 5xx, 429, a redirect, a proxy's own 404 page. Also 401 and 403: a refused key says
nothing about the run, so it is reported through `on_connection` and tried again, more slowly.
"""

from __future__ import annotations

import asyncio
import inspect
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dashboard.langgraph._json.scanner import DocumentState
from dashboard.langgraph._transport.client import HttpClient
from dashboard.langgraph._transport.urls import segment
from dashboard.langgraph.answers import Answer, ConnectionEvent, OnConnection, Reading, read_body
from dashboard.langgraph.errors import (
    AnswerNotUnderstood,
    AnswerTooLarge,
    NotFound,
    RequestRejected,
    RunNotFound,
    ServerUnreachable,
)
from dashboard.langgraph.types import QueryParamTypes

_TRY_LATER: Final = frozenset({401, 403, 404, 407, 408, 409, 421, 423, 425, 429, 503})
_REFUSED: Final = frozenset({401, 403, 407})
_OVER: Final = frozenset({"success", "error", "timeout", "interrupted"})
USELESS_ANSWERS_MAX: Final = 7
"""So many in a row, and the run over: then there will be no answer. At the usual pace that takes half a minute."""


@dataclass(frozen=True)
class Backoff:
    """How long to wait between two tries to join: doubling, plus or minus a quarter.

    The jitter is for a thousand waits cut at once: they must not come back at once.

    Attributes:
        first_s: Before the first try, in seconds.
        longest_s: Upper bound for a server that is away.
        refused_s: Wait after 401, 403, 407 or a redirect: people must act before it can get better.
        steady_s: A connection that held this long makes the next loss a first one again.
    """

    first_s: float = 0.25
    longest_s: float = 15.0
    refused_s: float = 60.0
    steady_s: float = 10.0

    def delay_s(self, attempt: int, error: Exception | None = None) -> float:
        """Seconds to wait after `attempt` tries in a row (0: the first loss); at least what `Retry-After` asked."""
        if isinstance(error, RequestRejected) and (error.status_code in _REFUSED or error.status_code < 400):
            delay = self.refused_s
        else:
            delay = min(self.longest_s, self.first_s * 2 ** min(attempt, 30))
        asked = getattr(error, "retry_after_s", None) or 0.0
        return max(delay * random.uniform(0.75, 1.25), asked)  # noqa: S311 - jitter, not a secret


async def tell(callback: Any, argument: Any) -> None:
    """Call a callback that may be None, sync, or async."""
    if callback is not None:
        result = callback(argument)
        if inspect.isawaitable(result):
            await result


class Joiner:
    """Awaits one run by joining it as often as it takes."""

    def __init__(
        self,
        http: HttpClient,
        backoff: Backoff,
        thread_id: str,
        run_id: str,
        *,
        headers: Mapping[str, str] | None,
        params: QueryParamTypes | None,
        on_connection: OnConnection | None,
        connections: int = 0,
    ) -> None:
        self._http = http
        self._backoff = backoff
        self._thread_id = thread_id
        self._run_id = run_id
        self._path = f"/threads/{segment(thread_id)}/runs/{segment(run_id)}"
        self._headers = headers
        self._params = params
        self._on_connection = on_connection
        self._connections = connections
        self._attempt = 0
        self._useless = 0

    async def join(self, lost: Reading | None = None) -> Answer:
        """Join until the answer is whole.

        Args:
            lost: The broken reading of the `wait` this takes over from, None to join at once.

        Raises:
            RunNotFound: The server does not know the run.
            RequestRejected: A refusal that no later try can change; the run may well exist.
            AnswerNotUnderstood: The run is over, and what the server sends as its answer is none, time and again.
            AnswerTooLarge: It is more than the client takes.
        """
        if lost is not None:
            await self._pause(lost.reason, lost.error)
        while True:
            self._attempt += 1
            await self._tell("joining", "Joining the run.")
            began_at = time.monotonic()
            try:
                answer = await self._join_once()
            except RequestRejected as error:
                if not self._is_worth_another_try(error):
                    raise
                await self._pause(f"The server refused to let us join the run ({error}).", error)
            except ServerUnreachable as error:
                await self._pause(str(error), error)
            else:
                if isinstance(answer, Answer):
                    return answer
                if time.monotonic() - began_at >= self._backoff.steady_s:
                    self._attempt = 0
                await self._pause(answer.reason, answer.error)

    async def _join_once(self) -> Answer | Reading:
        """One try. Gives the answer, or the reading that is none."""
        try:
            async with self._http.stream(
                "GET", f"{self._path}/join", headers=self._headers, params=self._params
            ) as response:
                self._connections += 1
                reading = await read_body(response, max_bytes=self._http.max_answer_bytes, on_beat=self._tell_joined)
        except NotFound as error:
            await self._confirm_unknown(error)
            raise
        if reading.state is not DocumentState.WHOLE:
            if reading.error is None:
                await self._count_useless(reading)
            return reading
        answer = Answer(
            reading.body, self._run_id, self._thread_id, "join", self._connections, was_awaited=reading.has_beaten
        )
        await answer.examine()
        graph_error = answer.graph_error
        if graph_error is not None and graph_error.type == "HTTPException":
            # The join endpoint's own failure, dressed as a graph's: "404: Run not found". A graph may raise the same.
            run = await self._run()
            if run.get("status") not in _OVER:
                return Reading(reading.body, DocumentState.CUT, None)
        if not reading.has_beaten:
            await self._tell_joined()
        return answer

    async def _run(self) -> dict[str, Any]:
        """GET the run.

        Raises:
            RunNotFound: An honest 404.
        """
        try:
            found = (await self._http.request("GET", self._path, headers=self._headers)).json()
        except AnswerTooLarge:
            raise
        except AnswerNotUnderstood:
            return {}
        except NotFound as error:
            if error.is_json:
                raise RunNotFound(error.detail, status_code=404) from error
            raise
        return found if isinstance(found, dict) else {}

    async def _confirm_unknown(self, error: NotFound) -> None:
        """After a 404 to the join: raises RunNotFound when the run itself is unknown too.

        A server without a join endpoint would be asked for ever if the run exists: then the 404 comes out as it is.
        """
        if error.is_json:
            run = await self._run()
            if run.get("status") in _OVER:
                raise RequestRejected(
                    f"The run is over, but the server will not join it ({error.detail}).", status_code=404
                ) from error

    async def _count_useless(self, reading: Reading) -> None:
        """An answer that the server itself ended and that is none: not JSON, not all of it, or not a word."""
        self._useless += 1
        if self._useless >= USELESS_ANSWERS_MAX and (await self._run()).get("status") in _OVER:
            raise AnswerNotUnderstood(
                f"The run is over, but what the server sends is no answer to it. {reading.reason}",
                body=reading.body,
                run_id=self._run_id,
                thread_id=self._thread_id,
            )

    @staticmethod
    def _is_worth_another_try(error: RequestRejected) -> bool:
        if isinstance(error, RunNotFound):
            return False
        if type(error) is RequestRejected and error.status_code == 404:
            return False
        return error.status_code in _TRY_LATER or error.status_code < 400

    async def _pause(self, reason: str, error: Exception | None) -> None:
        delay = self._backoff.delay_s(self._attempt, error)
        await self._tell("lost", reason, retry_in_s=delay, error=error)
        await asyncio.sleep(delay)

    async def _tell_joined(self) -> None:
        await self._http.note_heartbeat()
        await self._tell("joined", "Joined the run; waiting for its answer.")

    async def _tell(self, kind: Any, reason: str, *, retry_in_s: float = 0.0, error: Exception | None = None) -> None:
        await tell(self._on_connection, ConnectionEvent(kind, reason, self._attempt, retry_in_s, error))
