"""Answers of the scripted server that come at once: all except `wait`, `create` and `join`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tests.scripted_server.assistants import assistants_answer
from tests.scripted_server.runs import TERMINAL, ScriptedThread
from tests.scripted_server.wire import Request

if TYPE_CHECKING:
    from tests.scripted_server.server import ScriptedServer


def answer_at_once(
    server: ScriptedServer, endpoint: str, ids: list[str], request: Request
) -> tuple[int, Any, dict[str, str | None] | None]:
    """Status, body and headers."""
    query = dict(request.params)
    if endpoint == "ok":
        return 200, {"ok": True}, None
    if endpoint == "info":
        return 200, {"version": "0.0.0-scripted", "flags": {"assistants": True}}, None
    if endpoint in ("assistants", "assistant", "schemas", "graph"):
        return assistants_answer(server.graphs, endpoint, ids, request)
    if endpoint == "threads_create":
        wanted = request.json or {}
        thread_id = wanted.get("thread_id") or str(uuid.uuid4())
        if thread_id in server.threads and wanted.get("if_exists") != "do_nothing":
            return 409, {"detail": f"Thread with ID {thread_id} already exists"}, None
        thread = server.threads.setdefault(thread_id, ScriptedThread(thread_id, metadata=wanted.get("metadata") or {}))
        return 200, thread.as_json(), None
    if endpoint == "threads_search":
        return 200, _threads_found(server, request.json or {}), None
    if endpoint in ("run", "cancel"):
        run = server.find(*ids)
        if run is None or (endpoint == "cancel" and run.status in TERMINAL):
            return 404, {"detail": "Run not found"}, None
        if endpoint == "run":
            return 200, run.as_json(server.manner), None
        if query.get("action") == "rollback":
            if not server.manner.rolls_back:
                return 422, {"detail": "String should match pattern '^(cancel|interrupt)$'"}, None
            run.roll_back()
        else:
            run.cancel()
        return (204 if query.get("wait") in ("1", "true") else 202), {}, None
    known = server.threads.get(ids[0]) if ids else None
    if known is None and endpoint == "runs" and server.manner.lists_unknown_threads:
        return 200, [], None
    if known is None:
        return 404, {"detail": "Thread not found" if ids else "Not Found"}, None
    if endpoint == "runs":
        runs = [r for r in reversed(server.created) if r.thread is known and not r.is_forgotten]
        if server.manner.lists == "over":
            runs = [r for r in runs if r.over.is_set()]
        if status := query.get("status"):
            runs = [r for r in runs if r.status == status]
        start = int(query.get("offset", "0"))
        found = [r.as_json(server.manner) for r in runs[start : start + int(query.get("limit", "10"))]]
        select = [value for name, value in request.params if name == "select" and server.manner.selects]
        return 200, [_selected(each, select) for each in found], None
    if endpoint == "thread_delete":
        del server.threads[known.thread_id]
        return 204, None, None
    if endpoint in ("state", "history") and known.error and not server.manner.builds_failed_states:
        return 500, {"detail": "Internal Server Error"}, None
    if endpoint == "state":
        return 200, known.state_as_json(), None
    if endpoint == "history":
        if (request.json or {}).get("metadata") and not server.manner.filters_history:
            return 500, {"detail": "Error retrieving thread history"}, None
        return 200, known.history(request.json or {}), None
    return 200, known.as_json(), None


def _threads_found(server: ScriptedServer, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    metadata, ids, select = wanted.get("metadata") or {}, wanted.get("ids"), wanted.get("select")
    found = [
        thread.as_json()
        for thread in server.threads.values()
        if metadata.items() <= thread.metadata.items() and (ids is None or thread.thread_id in ids)
    ][: wanted.get("limit", 10)]
    return [_selected(each, select) for each in found]


def _selected(entry: dict[str, Any], select: Sequence[str] | None) -> dict[str, Any]:
    return {key: entry[key] for key in select if key in entry} if select else entry
