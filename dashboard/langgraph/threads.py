"""Threads: the conversations runs happen on, and their states."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from dashboard.langgraph._json.state_summary import StateSummary, state_outline
from dashboard.langgraph._transport.client import HttpClient
from dashboard.langgraph._transport.urls import segment
from dashboard.langgraph.checkpoints import Checkpoint, ValuesRoom, checkpoint
from dashboard.langgraph.errors import AnswerNotUnderstood
from dashboard.langgraph.types import Thread, ThreadState, ThreadStatus


class ThreadsClient:
    """`client.threads`. Every method raises NotFound for an unknown thread; see `errors` for the rest."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def create(
        self,
        *,
        thread_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        if_exists: Literal["raise", "do_nothing"] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Thread:
        """Create a thread. `thread_id` must be a UUID; with `if_exists="do_nothing"` creating it twice is harmless.

        Raises:
            RequestRejected: 409, it exists and `if_exists` is "raise" (the default).
        """
        body = {"thread_id": thread_id, "metadata": metadata, "if_exists": if_exists}
        return cast("Thread", await self._json("POST", "/threads", json=_given(body), headers=headers))

    async def get(
        self, thread_id: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> Thread:
        """The thread: status, present values, waiting interrupts by task id.

        Raises:
            AnswerTooLarge: the answer is longer than `max_bytes`.
        """
        path = f"/threads/{segment(thread_id)}"
        return cast("Thread", await self._json("GET", path, headers=headers, max_bytes=max_bytes))

    async def search(
        self,
        *,
        metadata: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
        ids: Sequence[str] | None = None,
        status: ThreadStatus | None = None,
        limit: int = 10,
        offset: int = 0,
        select: Sequence[str] | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> builtins.list[Thread]:
        """One page of the threads that match; `select` names the fields to return.

        Servers that do not know `ids` or `select` yet ignore them.

        Raises:
            AnswerTooLarge: the answer is longer than `max_bytes`.
        """
        body = {
            "metadata": metadata,
            "values": values,
            "ids": ids,
            "status": status,
            "limit": limit,
            "offset": offset,
            "select": select,
        }
        return await self._list("POST", "/threads/search", json=_given(body), headers=headers, max_bytes=max_bytes)

    async def get_state(
        self,
        thread_id: str,
        *,
        checkpoint_id: str | None = None,
        subgraphs: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> ThreadState:
        """The state at a checkpoint (None: the present one): values, nodes waiting, tasks with errors unmasked."""
        path = f"/threads/{segment(thread_id)}/state"
        if checkpoint_id is not None:
            path += f"/{segment(checkpoint_id)}"
        query = {"subgraphs": True} if subgraphs else None
        return cast("ThreadState", await self._json("GET", path, params=query, headers=headers))

    async def get_history(
        self,
        thread_id: str,
        *,
        limit: int = 10,
        before: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> builtins.list[ThreadState]:
        """States of the thread, newest first; `before` is the checkpoint id to continue from.

        `metadata` filters by the checkpoints' metadata: `{"run_id": ...}` gives the states one run has made.
        """
        if metadata is not None:
            body = _given({"limit": limit, "before": before, "metadata": metadata})
            return await self._list("POST", f"/threads/{segment(thread_id)}/history", json=body, headers=headers)
        query: dict[str, Any] = {"limit": limit}
        if before is not None:
            query["before"] = before
        return await self._list("GET", f"/threads/{segment(thread_id)}/history", params=query, headers=headers)

    async def outline_state(self, thread_id: str, *, headers: Mapping[str, str] | None = None) -> StateSummary:
        """The present state as `get_state` gives it, but of any size: its values stay bytes."""
        path = f"/threads/{segment(thread_id)}/state"
        return await (await self._http.request("GET", path, headers=headers)).read(state_outline)

    async def outline_history(
        self,
        thread_id: str,
        *,
        limit: int,
        metadata: Mapping[str, Any],
        before: str | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> builtins.list[StateSummary]:
        """States as `get_history` gives them, their values as bytes; with `before` only those with smaller ids.

        Raises:
            AnswerTooLarge: the answer is longer than `max_bytes`.
        """
        path = f"/threads/{segment(thread_id)}/history"
        body: dict[str, Any] = {"limit": limit, "metadata": metadata}
        if before is not None:
            # The schema wants an object, not the id that the SDK sends; the dev server reads it as a config.
            body["before"] = {"checkpoint_id": before, "configurable": {"checkpoint_id": before}}
        reply = await self._http.request("POST", path, json=body, headers=headers, max_bytes=max_bytes)
        return await reply.read(lambda states: [state_outline(state) for state in states.items()])

    async def checkpoints(
        self,
        thread_id: str,
        *,
        limit: int,
        metadata: Mapping[str, Any] | None = None,
        subgraph: str = "",
        before: str | None = None,
        room: ValuesRoom | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> tuple[builtins.list[Checkpoint], int]:
        """The tasks of the thread's history, newest first, and how many bytes the answer had.

        Args:
            subgraph: the namespace of a graph inside a node, as `Task.subgraph` gives it; "" for the graph itself.
            room: how much of the values is copied; None: nothing.

        Raises:
            AnswerTooLarge: the answer is longer than `max_bytes`.
        """
        body: dict[str, Any] = {"limit": limit}
        if metadata is not None:
            body["metadata"] = metadata
        if subgraph:
            body["checkpoint"] = {"checkpoint_ns": subgraph}
        if before is not None:
            body["before"] = {"checkpoint_id": before, "configurable": {"checkpoint_id": before}}
        path = f"/threads/{segment(thread_id)}/history"
        reply = await self._http.request("POST", path, json=body, headers=headers, max_bytes=max_bytes)
        return await reply.read(lambda states: [checkpoint(state, room) for state in states.items()]), len(reply.body)

    async def checkpoint(
        self,
        thread_id: str,
        *,
        checkpoint_id: str | None = None,
        room: ValuesRoom | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> Checkpoint:
        """The tasks of one checkpoint (None: the latest)."""
        path = f"/threads/{segment(thread_id)}/state"
        if checkpoint_id is not None:
            path += f"/{segment(checkpoint_id)}"
        reply = await self._http.request("GET", path, headers=headers, max_bytes=max_bytes)
        return await reply.read(lambda state: checkpoint(state, room))

    async def delete(self, thread_id: str, *, headers: Mapping[str, str] | None = None) -> None:
        """Delete the thread with its runs and checkpoints."""
        await self._http.request("DELETE", f"/threads/{segment(thread_id)}", headers=headers)

    async def _json(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        found = (await self._http.request(method, path, **request)).json()
        if not isinstance(found, dict):
            raise AnswerNotUnderstood(f"The answer to {method} {path} is no JSON object.")
        return found

    async def _list(self, method: str, path: str, **request: Any) -> builtins.list[Any]:
        found = (await self._http.request(method, path, **request)).json()
        if not isinstance(found, list):
            raise AnswerNotUnderstood(f"The answer to {method} {path} is no JSON list.")
        return found


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value is not None}
