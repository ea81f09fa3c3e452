"""The scripted server's answers about its assistants."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from tests.scripted_server.wire import Request


def assistants_answer(
    graphs: Sequence[str] | None, endpoint: str, ids: list[str], request: Request
) -> tuple[int, Any, dict[str, str | None] | None]:
    """Status, body and headers for a request about assistants; there is one for each of `graphs`."""
    everyone = [
        {"assistant_id": assistant_uuid(name), "graph_id": name, "name": name, "config": {}, "metadata": {}}
        for name in (graphs or ["chat"])
    ]
    if endpoint == "assistants":
        wanted = request.json or {}
        found = [a for a in everyone if wanted.get("graph_id") in (None, a["graph_id"])]
        start, limit = wanted.get("offset", 0), wanted.get("limit", 10)
        after = str(start + limit) if start + limit < len(found) else None
        return 200, found[start : start + limit], {"x-pagination-next": after}
    mine = next((a for a in everyone if ids[0] in (a["assistant_id"], a["graph_id"])), None)
    if mine is None:
        return 404, {"detail": f"Assistant with ID {ids[0]} not found"}, None
    if endpoint == "schemas":
        schema = {"type": "object", "properties": {"topic": {"type": "string"}}}
        names = ("input_schema", "output_schema", "state_schema", "config_schema", "context_schema")
        return 200, {"graph_id": mine["graph_id"], **dict.fromkeys(names, schema)}, None
    if endpoint == "graph":
        return 200, {"nodes": [{"id": "__start__"}, {"id": "node"}], "edges": []}, None
    return 200, mine, None


def assistant_uuid(graph: str) -> str:
    """The id of a graph's default assistant: stable per name, as on the real server."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, graph))
