"""Assistants: what a server can run, and what it wants as input."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, cast

from dashboard.langgraph._transport.client import HttpClient
from dashboard.langgraph._transport.urls import segment
from dashboard.langgraph.errors import AnswerNotUnderstood
from dashboard.langgraph.types import Assistant, Graph, GraphSchemas

_PAGE: Final = 100


class AssistantsClient:
    """`client.assistants`. Ids are the server's UUIDs. An unknown one raises NotFound."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def search(
        self,
        *,
        graph_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        limit: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> list[Assistant]:
        """All assistants that match, every page of them; at most `limit` when given."""
        found: list[Assistant] = []
        if limit is not None and limit <= 0:
            return found
        async for assistant in self.iterate(graph_id=graph_id, metadata=metadata, headers=headers):
            found.append(assistant)
            if len(found) == limit:
                break
        return found

    async def iterate(
        self,
        *,
        graph_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Assistant]:
        """Assistants one by one, fetching pages as needed. Each comes once."""
        query: dict[str, Any] = {"limit": _PAGE, "offset": 0}
        if graph_id is not None:
            query["graph_id"] = graph_id
        if metadata is not None:
            query["metadata"] = metadata
        seen: set[str] = set()
        while True:
            reply = await self._http.request("POST", "/assistants/search", json=query, headers=headers)
            page = reply.json()
            if not isinstance(page, list) or not all(isinstance(entry, dict) for entry in page):
                raise AnswerNotUnderstood("The server's list of assistants is no list of objects.", body=reply.body)
            fresh = [entry for entry in page if entry.get("assistant_id") not in seen]
            for entry in fresh:
                seen.add(str(entry.get("assistant_id")))
                yield cast("Assistant", entry)
            after = reply.headers.get("x-pagination-next", "")
            if after.isdecimal() and int(after) > query["offset"]:
                query["offset"] = int(after)
            elif not after and len(page) == _PAGE:  # a server without the header: go on while pages are full
                query["offset"] += _PAGE
            else:
                return
            if not fresh:
                return

    async def get(self, assistant_id: str, *, headers: Mapping[str, str] | None = None) -> Assistant:
        """One assistant."""
        return cast("Assistant", await self._json(f"/assistants/{segment(assistant_id)}", headers=headers))

    async def get_schemas(self, assistant_id: str, *, headers: Mapping[str, str] | None = None) -> GraphSchemas:
        """The JSON Schemas of input, output, state, config and context. Any may be None; fall back to `state_schema`.

        Raises:
            ServerUnreachableNotCreated: 500 twice (status_code 500): the server cannot make these schemas.
        """
        return cast("GraphSchemas", await self._json(f"/assistants/{segment(assistant_id)}/schemas", headers=headers))

    async def get_graph(
        self, assistant_id: str, *, xray: bool | int = False, headers: Mapping[str, str] | None = None
    ) -> Graph:
        """Nodes and edges, for drawing; `xray` opens subgraphs (a number: that many levels)."""
        path = f"/assistants/{segment(assistant_id)}/graph"
        return cast("Graph", await self._json(path, params={"xray": xray}, headers=headers))

    async def create(
        self, graph_id: str, *, assistant_id: str, settings: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        """Make an assistant of a graph under an id of the caller's. Asking twice makes one.

        `settings` are any of `name`, `description`, `config`, `context`, `metadata`.

        Raises:
            RequestRejected: the server refuses the graph, or the settings; nothing was made.
        """
        body = {"graph_id": graph_id, "assistant_id": assistant_id, "if_exists": "do_nothing", **settings}
        await self._http.request("POST", "/assistants", json=body, headers=headers)

    async def update(
        self, assistant_id: str, *, settings: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        """Change an assistant, which makes a new version of it."""
        await self._http.request("PATCH", f"/assistants/{segment(assistant_id)}", json=dict(settings), headers=headers)

    async def set_latest(self, assistant_id: str, version: int, *, headers: Mapping[str, str] | None = None) -> None:
        """Make an earlier version of an assistant the one that runs."""
        path = f"/assistants/{segment(assistant_id)}/latest"
        await self._http.request("POST", path, json={"version": version}, headers=headers)

    async def delete(self, assistant_id: str, *, headers: Mapping[str, str] | None = None) -> None:
        """Delete an assistant. Runs that used it stay."""
        await self._http.request("DELETE", f"/assistants/{segment(assistant_id)}", headers=headers)

    async def _json(self, path: str, **request: Any) -> dict[str, Any]:
        found = (await self._http.request("GET", path, **request)).json()
        if not isinstance(found, dict):
            raise AnswerNotUnderstood(f"The answer to GET {path} is no JSON object.")
        return found
