"""Creates a run and awaits it: the POST, the run's ids, its answer, and `join.py` where the answer does not come."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import httpx

from dashboard.langgraph._json.documents import parse_document
from dashboard.langgraph._json.encoder import encode_json
from dashboard.langgraph._transport.client import HttpClient
from dashboard.langgraph._transport.connections import Content
from dashboard.langgraph._transport.urls import run_ids, segment
from dashboard.langgraph.answers import Answer, OnConnection, Reading, read_body
from dashboard.langgraph.backoff import Backoff
from dashboard.langgraph.errors import RunRejected, ServerUnreachablePerhapsCreated
from dashboard.langgraph.events import STREAM_EVENTS, STREAM_EVENTS_AND_VALUES
from dashboard.langgraph.join import Joiner, call_back
from dashboard.langgraph.types import OnRunCreated, QueryParamTypes, RunCreateMetadata


class Creator:
    """Creates runs on one server."""

    def __init__(self, http: HttpClient, backoff: Backoff) -> None:
        self._http = http
        self._backoff = backoff
        self._refuses_events = False

    async def create_and_wait(
        self,
        thread_id: str | None,
        body: dict[str, Any],
        *,
        headers: Mapping[str, str] | None,
        params: QueryParamTypes | None,
        on_run_created: OnRunCreated | None,
        before_send: Callable[[], None] | None = None,
        on_connection: OnConnection | None = None,
        by_create: bool = False,
        with_events: bool = False,
        with_values: bool = False,
    ) -> Answer:
        """Create a run with this body and await it. The arguments are those of `RunsClient.wait_answer`."""
        # The server does not even begin it before then.
        expected_at = time.monotonic() + (body.get("after_seconds") or 0)
        path = "/runs" if thread_id is None else f"/threads/{segment(thread_id)}/runs"
        if not by_create:
            path += "/wait"
        async with AsyncExitStack() as exits:
            response = await self._create(
                exits,
                path,
                body,
                params=params,
                headers=headers,
                before_send=before_send,
                events=(STREAM_EVENTS_AND_VALUES if with_values else STREAM_EVENTS) if with_events else None,
            )
            del body  # a wait may last for hours: do not keep what was sent
            created = run_ids(response.headers, thread_id=thread_id)
            if created is not None:
                await call_back(on_run_created, created)
                thread_id = created["thread_id"]
            reading = await read_body(
                response, max_bytes=self._http.max_answer_bytes, on_beat=self._http.note_heartbeat
            )
        if by_create and created is None and (created := _ids_in(reading, thread_id)) is not None:
            await call_back(on_run_created, created)
            thread_id = created["thread_id"]
        run_id = created["run_id"] if created else None
        if reading.is_whole and not by_create:
            return Answer(reading.body, run_id, thread_id, "wait", 1)
        if run_id is None or thread_id is None:
            raise ServerUnreachablePerhapsCreated(
                f"{reading.reason} The server did not say which run it had created.",
                run_id=run_id,
                thread_id=thread_id,
                was_taken=True,
            ) from reading.error
        joiner = Joiner(
            self._http,
            self._backoff,
            thread_id,
            run_id,
            headers=headers,
            params=None,
            on_connection=on_connection,
            connections=1,
            expected_at=expected_at,
        )
        return await joiner.join(lost=None if by_create else reading)

    async def _create(
        self,
        exits: AsyncExitStack,
        path: str,
        body: dict[str, Any],
        *,
        params: QueryParamTypes | None,
        headers: Mapping[str, str] | None,
        before_send: Callable[[], None] | None,
        events: Mapping[str, Any] | None,
    ) -> httpx.Response:
        """Post a run. A server that refuses to keep its events has created nothing: it is asked again without them."""

        def post(sent: dict[str, Any]) -> AbstractAsyncContextManager[httpx.Response]:
            content = Content(encode_json(sent))
            return self._http.stream(
                "POST", path, content=content, params=params, headers=headers, before_send=before_send, creates=True
            )

        if events and not self._refuses_events:
            try:
                return await exits.enter_async_context(post(body | dict(events)))
            except RunRejected as error:
                if error.status_code not in (400, 422) or "stream" not in error.detail:
                    raise
                self._refuses_events = True
        return await exits.enter_async_context(post(body))


def _ids_in(reading: Reading, thread_id: str | None) -> RunCreateMetadata | None:
    """The ids in the answer to `POST .../runs`; None when it names none."""
    try:
        run = parse_document(reading.body)
    except ValueError:
        return None
    if not isinstance(run, dict) or not isinstance(run.get("run_id"), str):
        return None
    return RunCreateMetadata(run_id=run["run_id"], thread_id=thread_id or run.get("thread_id"))
