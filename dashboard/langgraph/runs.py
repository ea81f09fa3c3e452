"""Runs: create one and await it, join, cancel, read."""

from __future__ import annotations

import builtins
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Unpack, cast

from dashboard.langgraph._transport.client import READING_ERRORS, HttpClient, Reply
from dashboard.langgraph._transport.request_trace import sentence
from dashboard.langgraph._transport.urls import segment
from dashboard.langgraph.answers import Answer, OnConnection
from dashboard.langgraph.backoff import Backoff
from dashboard.langgraph.create import Creator
from dashboard.langgraph.errors import (
    AnswerNotUnderstood,
    NotFound,
    RunFailed,
    RunNotFound,
    RunRejected,
    ServerUnreachablePerhapsCreated,
)
from dashboard.langgraph.events import FROM_THE_BEGINNING, StreamEvent, stream_events
from dashboard.langgraph.join import Joiner
from dashboard.langgraph.payload import RunOptions, run_payload, warn_of_checkpoint_during
from dashboard.langgraph.types import (
    All,
    CancelAction,
    Checkpoint,
    Command,
    Config,
    Context,
    DisconnectMode,
    Durability,
    IfNotExists,
    Input,
    LangSmithTracing,
    MultitaskStrategy,
    OnCompletionBehavior,
    OnRunCreated,
    QueryParamTypes,
    Run,
    RunStatus,
)


class RunsClient:
    """`client.runs`."""

    def __init__(self, http: HttpClient, backoff: Backoff) -> None:
        self._http = http
        self._backoff = backoff
        self._creator = Creator(http, backoff)

    async def wait(
        self,
        thread_id: str | None,
        assistant_id: str,
        *,
        input: Input | None = None,
        command: Command | None = None,
        metadata: Mapping[str, Any] | None = None,
        config: Config | None = None,
        context: Context | None = None,
        checkpoint: Checkpoint | None = None,
        checkpoint_id: str | None = None,
        checkpoint_during: bool | None = None,
        interrupt_before: All | Sequence[str] | None = None,
        interrupt_after: All | Sequence[str] | None = None,
        webhook: str | None = None,
        on_disconnect: DisconnectMode | None = None,
        on_completion: OnCompletionBehavior | None = None,
        multitask_strategy: MultitaskStrategy | None = None,
        if_not_exists: IfNotExists | None = None,
        after_seconds: int | None = None,
        langsmith_tracing: LangSmithTracing | None = None,
        raise_error: bool = True,
        headers: Mapping[str, str] | None = None,
        params: QueryParamTypes | None = None,
        on_run_created: OnRunCreated | None = None,
        durability: Durability | None = None,
        strict_resume: bool | None = None,
    ) -> builtins.list[dict[str, Any]] | dict[str, Any]:
        """Create a run, wait until it finishes and return the final state.

        The signature is the SDK's. How long the run may take has no limit; a lost connection is joined again by itself.
        On a server that does not have this endpoint the run is created with `POST .../runs` and joined.

        Args:
            thread_id: Thread to create the run on; None for a stateless run.
            assistant_id: Assistant id (UUID) or graph name.
            input: The graph's input.
            command: `{"resume", "update", "goto"}`; cannot be combined with input.
            metadata: Kept with the run.
            config: `{"tags", "recursion_limit", "configurable"}`.
            context: Static context; the server refuses it together with `config.configurable`.
            checkpoint: Checkpoint to resume from.
            checkpoint_id: The same by its id.
            checkpoint_during: Deprecated: True is durability "async", False is "sync".
            interrupt_before: Node names, or "*", to stop before.
            interrupt_after: Node names, or "*", to stop after.
            webhook: URL the server calls once the run is done.
            on_disconnect: "cancel" or "continue" when our connection drops.
            on_completion: "delete" or "keep" the thread made for a stateless run.
            multitask_strategy: "reject", "interrupt", "rollback" or "enqueue" on a busy thread.
            if_not_exists: "reject" (default) or "create" a missing thread.
            after_seconds: Seconds to wait before starting.
            langsmith_tracing: `{"project_name", "example_id"}`.
            raise_error: Raise RunFailed when the graph failed, else return the `{"__error__": ...}` state.
            headers: Extra request headers.
            params: Extra query parameters; a list repeats its key.
            on_run_created: Called once with `{"run_id", "thread_id"}` when the response headers are in. May be async.
                What it raises comes out unchanged.
            durability: "sync", "async" or "exit".
            strict_resume: Fail a resume that answers an interrupt which does not wait; without it, or on servers whose
                `/info` does not report it, such an answer is ignored.

        Returns:
            The final state, usually a dict, as orjson reads it: integers beyond 64 bits as floats, the last of two
            equal keys. `wait_answer` returns the bytes.

        Raises:
            RequestInvalid: The request cannot be put on the wire; nothing was created.
            RunRejected: 3xx, 4xx, 501, 503: nothing was created.
            ServerUnreachableNotCreated: Nothing was sent: nothing was created.
            ServerUnreachablePerhapsCreated: No trustworthy answer, and no run id to join by: it may have been created.
            RunFailed: The graph raised, and raise_error is true.
            RunNotFound: The server forgot the run while we were away.
            AnswerNotUnderstood: The run is over and the server's answer is no JSON.
        """
        warn_of_checkpoint_during(checkpoint_during)
        payload = run_payload(
            assistant_id,
            input=input,
            command=command,
            metadata=metadata,
            config=config,
            context=context,
            checkpoint=checkpoint,
            checkpoint_id=checkpoint_id,
            checkpoint_during=checkpoint_during,
            interrupt_before=interrupt_before,
            interrupt_after=interrupt_after,
            webhook=webhook,
            on_disconnect=on_disconnect,
            on_completion=on_completion,
            multitask_strategy=multitask_strategy,
            if_not_exists=if_not_exists,
            after_seconds=after_seconds,
            langsmith_tracing=langsmith_tracing,
            durability=durability,
            strict_resume=strict_resume,
        )
        exchange = partial(
            self._creator.create_and_wait,
            thread_id,
            payload,
            headers=headers,
            params=params,
            on_run_created=on_run_created,
        )
        try:
            answer = await exchange()
        except RunRejected as refused:
            if not refused.is_missing_route:
                raise
            answer = await exchange(by_create=True)
        await answer.examine()
        if raise_error and (error := answer.graph_error):
            raise RunFailed(
                error.type, error.message, state=answer.value, run_id=answer.run_id, thread_id=answer.thread_id
            )
        return cast("dict[str, Any]", answer.value)

    def wait_answer(
        self,
        thread_id: str | None,
        assistant_id: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: QueryParamTypes | None = None,
        on_run_created: OnRunCreated | None = None,
        before_send: Callable[[], None] | None = None,
        on_connection: OnConnection | None = None,
        with_events: bool = False,
        with_values: bool = False,
        by_create: bool = False,
        **options: Unpack[RunOptions],
    ) -> Coroutine[Any, Any, Answer]:
        """Like `wait`, but returns the document byte for byte and how it came; a failed graph is an Answer too.

        Args:
            before_send: Called in the last moment before the first byte leaves, on the established connection. When it
                raises, nothing is sent and its exception comes out unchanged.
            with_events: Ask the server to keep the run's events, so that it can be watched with `join_stream`.
            with_values: With events, ask for the values after each step as well. Needed where the graph's output is
                only a part of its state: without them the server answers with the whole state.
            on_connection: Called when the connection is lost and when it is joined again. May be async.
            by_create: Create the run with `POST .../runs` and join it, for servers without `POST .../runs/wait`.
            options: As for `wait`.

        Raises:
            As `wait`, without RunFailed. A deprecated `checkpoint_during` is sent without a warning.
        """
        # Not `async` itself: its frame would keep the arguments until the run ends.
        return self._creator.create_and_wait(
            thread_id,
            run_payload(assistant_id, **options),
            headers=headers,
            params=params,
            on_run_created=on_run_created,
            with_events=with_events,
            with_values=with_values,
            before_send=before_send,
            on_connection=on_connection,
            by_create=by_create,
        )

    async def join_answer(
        self,
        thread_id: str,
        run_id: str,
        *,
        on_connection: OnConnection | None = None,
        headers: Mapping[str, str] | None = None,
        params: QueryParamTypes | None = None,
        starts_in_s: float = 0.0,
    ) -> Answer:
        """Await a run that exists, through any number of lost connections, until the task is cancelled.

        The body of a run that is already over is the *thread's* present state; that of an interrupted one is only
        `{"__interrupt__": [...]}`. A server that is away, or refuses our key (401, 403), is tried again without end and
        reported through `on_connection`. `starts_in_s`: a scheduled run begins in so many seconds.

        Raises:
            RunNotFound: The server does not know the run.
            RequestRejected: A refusal that no later attempt can change (400, 405, 422 ...); the run may well exist.
            AnswerNotUnderstood: The run is over and the server's answer is no JSON.
        """
        joiner = Joiner(
            self._http,
            self._backoff,
            thread_id,
            run_id,
            headers=headers,
            params=params,
            on_connection=on_connection,
            expected_at=time.monotonic() + starts_in_s,
        )
        return await joiner.join()

    async def join(
        self,
        thread_id: str,
        run_id: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: QueryParamTypes | None = None,
    ) -> dict[str, Any]:
        """Wait until a run is done; return what `join_answer` returns, as Python values. Raises the same."""
        answer = await self.join_answer(thread_id, run_id, headers=headers, params=params)
        return cast("dict[str, Any]", answer.value)

    def join_stream(
        self,
        thread_id: str,
        run_id: str,
        *,
        last_event_id: str = FROM_THE_BEGINNING,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[StreamEvent, None]:
        """The run's events after `last_event_id`, until it is over. See `events.stream_events` for what it raises."""
        return stream_events(self._http, thread_id, run_id, last_event_id=last_event_id, headers=headers)

    async def get(
        self,
        thread_id: str,
        run_id: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: QueryParamTypes | None = None,
    ) -> Run:
        """The run's status, metadata and kwargs; no output and no error text.

        Raises:
            RunNotFound: 404; with `is_json` the server's own, else that of a proxy before it.
        """
        found = (await self._get(thread_id, run_id, headers, params)).json()
        if not isinstance(found, dict):
            raise AnswerNotUnderstood(
                "The server's answer about a run is no JSON object.", run_id=run_id, thread_id=thread_id
            )
        return cast("Run", found)

    async def output(self, thread_id: str, run_id: str, *, headers: Mapping[str, str] | None = None) -> bytes | None:
        """The output that some servers keep with a run, exactly as written; None if the server names none.

        Raises:
            RunNotFound: As `get`.
        """
        answer = await self._get(thread_id, run_id, headers, None)
        found = await answer.read(lambda run: run.members("output").get("output"))
        return found.raw if found is not None else None

    async def _get(
        self, thread_id: str, run_id: str, headers: Mapping[str, str] | None, params: QueryParamTypes | None
    ) -> Reply:
        path = f"/threads/{segment(thread_id)}/runs/{segment(run_id)}"
        try:
            return await self._http.request("GET", path, headers=headers, params=params)
        except NotFound as error:
            raise RunNotFound(error.detail, status_code=404, is_json=error.is_json) from error

    async def list(
        self,
        thread_id: str,
        *,
        limit: int = 10,
        offset: int = 0,
        status: RunStatus | None = None,
        select: Sequence[str] | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> builtins.list[Run]:
        """The thread's runs, newest first: at most `limit`, after the first `offset`.

        `select` names the fields to return; servers that do not know it return all, with every input.

        Raises:
            NotFound: The server does not know the thread.
        """
        query: dict[str, Any] = {"limit": limit, "offset": offset}
        if status is not None:
            query["status"] = status
        if select is not None:
            query["select"] = list(select)
        query.update(params or {})
        path = f"/threads/{segment(thread_id)}/runs"
        found = (await self._http.request("GET", path, headers=headers, params=query)).json()
        if not isinstance(found, list):
            raise AnswerNotUnderstood("The server's list of runs is no list.", thread_id=thread_id)
        return found

    async def cancel(
        self,
        thread_id: str,
        run_id: str,
        *,
        wait: bool = False,
        action: CancelAction = "interrupt",
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        """Ask the server to stop a run. Without `wait` it is stopped some time after this returns.

        Args:
            wait: Return only when the run has stopped.
            action: "interrupt" keeps what the run did; "rollback" deletes the run and its checkpoints.

        Raises:
            RunNotFound: 404: unknown, or already over (the server does not tell which; ask `get`).
            ServerUnreachable: `may_exist` here means: may have been cancelled. Asking again does no harm.
        """
        query: dict[str, Any] = {"wait": 1 if wait else 0, "action": action, **(params or {})}
        path = f"/threads/{segment(thread_id)}/runs/{segment(run_id)}/cancel"
        try:
            async with self._http.stream("POST", path, params=query, headers=headers) as response:
                try:
                    async for _ in response.aiter_bytes():
                        pass
                except READING_ERRORS as error:
                    if wait:
                        raise ServerUnreachablePerhapsCreated(
                            f"The connection broke while waiting for the cancelled run: {sentence(error)}.",
                            run_id=run_id,
                            thread_id=thread_id,
                        ) from error
        except NotFound as error:
            raise RunNotFound(error.detail, status_code=404, is_json=error.is_json) from error
