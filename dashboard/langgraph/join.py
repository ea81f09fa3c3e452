"""Await a run that exists: join it until its answer is whole or the server knows no such run.

What ends the loop: a whole answer; 404 *from the LangGraph server* (JSON), confirmed by `GET run`; a refusal that no
later attempt can change (400, 405, 422 ...); cancellation of the task. Everything else is retried without
limit: a refused connection, silence, 5xx, 429, a redirect, a proxy's own 404 page. Also 401 and 403: a refused key says
nothing about the run, so it is reported through `on_connection` and tried again, more slowly.

Some servers send no heartbeats, or not even headers before the answer. Silence on such a connection is no loss as long
as the server says that the run goes on: it is joined again without a report.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Mapping
from typing import Any, Final

import httpx

from dashboard.langgraph._transport.client import HttpClient
from dashboard.langgraph._transport.urls import segment
from dashboard.langgraph.answers import Answer, ConnectionEvent, OnConnection, Reading, read_body
from dashboard.langgraph.backoff import Backoff
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
_OVER: Final = frozenset({"success", "error", "timeout", "interrupted"})
USELESS_ANSWERS_MAX: Final = 7
"""After so many in a row, with the run over, no answer will come. At the usual pace that takes half a minute."""


async def call_back(callback: Any, argument: Any) -> None:
    """Call a callback that may be None, sync, or async."""
    if callback is not None:
        result = callback(argument)
        if inspect.isawaitable(result):
            await result


class Joiner:
    """Awaits one run, joining it as often as necessary."""

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
        expected_at: float = 0.0,
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
        self._has_beaten = False
        self._expected_at = expected_at

    async def join(self, lost: Reading | None = None) -> Answer:
        """Join until the answer is whole.

        Args:
            lost: The broken reading of the `wait` this takes over from, None to join at once.

        Raises:
            RunNotFound: The server does not know the run.
            RequestRejected: A refusal that no later attempt can change; the run may well exist.
            AnswerNotUnderstood: The run is over, and what the server sends is repeatedly no answer.
            AnswerTooLarge: It is more than the client takes.
        """
        if lost is not None:
            self._has_beaten = lost.has_beaten
            if lost.body or not await self._is_only_quiet(lost.error):
                await self._pause(lost.reason, lost.error)
        while True:
            self._attempt += 1
            await self._report("joining", "Joining the run.")
            began_at = time.monotonic()
            try:
                answer = await self._join_once()
            except RequestRejected as error:
                if not self._is_worth_another_try(error):
                    raise
                await self._pause(f"The server refused to let us join the run ({error}).", error)
            except ServerUnreachable as error:
                if not await self._is_only_quiet(error.__cause__):
                    await self._pause(str(error), error)
            else:
                if isinstance(answer, Answer):
                    return answer
                if not answer.body and await self._is_only_quiet(answer.error):
                    continue
                if time.monotonic() - began_at >= self._backoff.steady_s:
                    self._attempt = 0
                await self._pause(answer.reason, answer.error)

    async def _join_once(self) -> Answer | Reading:
        """One attempt. Returns the answer, or the reading that is no answer."""
        try:
            async with self._http.stream(
                "GET", f"{self._path}/join", headers=self._headers, params=self._params
            ) as response:
                self._connections += 1
                reading = await read_body(response, max_bytes=self._http.max_answer_bytes, on_beat=self._report_joined)
                self._has_beaten |= reading.has_beaten
        except NotFound as error:
            await self._confirm_unknown(error)
            raise
        if not reading.is_whole:
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
                return Reading(reading.body, False, None)
        if not reading.has_beaten:
            await self._report_joined()
        return answer

    async def _is_only_quiet(self, error: BaseException | None) -> bool:
        """Whether a silent connection is that of a server without heartbeats, which says that the run goes on.

        Waits until the run is due, when it starts later.
        """
        if self._has_beaten or not isinstance(error, httpx.ReadTimeout):
            return False
        try:
            status = (await self._run()).get("status")
        except (RequestRejected, ServerUnreachable):
            return False
        if status not in ("pending", "running"):
            return False
        if status == "pending":
            await asyncio.sleep(max(0.0, self._expected_at - time.monotonic()))
        self._attempt = 0
        return True

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

        Where the run exists, the server has no join endpoint and would be asked for ever: then the 404 is raised as it
        is.
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
        await self._report("lost", reason, retry_in_s=delay, error=error)
        await asyncio.sleep(delay)

    async def _report_joined(self) -> None:
        await self._http.note_heartbeat()
        await self._report("joined", "Joined the run; waiting for its answer.")

    async def _report(self, kind: Any, reason: str, *, retry_in_s: float = 0.0, error: Exception | None = None) -> None:
        await call_back(self._on_connection, ConnectionEvent(kind, reason, self._attempt, retry_in_s, error))
