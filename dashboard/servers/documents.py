"""Servers and assistants as JSON for programs, without secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dashboard.servers.models import API_KEY_HEADER, Assistant, Server, ServerCheck
from dashboard.teams.encryption import SecretUnreadable


def server_document(server: Server, *, check: ServerCheck | None = None) -> dict[str, Any]:
    """A server's settings and its last answer. `check`: the last requested one, to include it."""
    try:
        names = sorted(server.headers())
    except SecretUnreadable:
        names = []
    document = {
        "id": str(server.pk),
        "name": server.name,
        "url": server.url,
        "has_api_key": API_KEY_HEADER in names,
        "headers": [name for name in names if name != API_KEY_HEADER],
        "max_runs": server.max_runs,
        "timeout_s": server.timeout_s,
        "retry_for_s": server.retry_for_s,
        "proxy": server.proxy,
        "allow_private": server.allow_private,
        "stream_events": server.stream_events,
        "trace_url": server.trace_url,
        "version": server.version,
        "problem": server.problem,
        "checked_at": _iso(server.checked_at),
        "heartbeat_at": _iso(server.heartbeat_at),
    }
    if check is not None:
        document["check"] = {
            "id": str(check.pk),
            "requested_at": _iso(check.requested_at),
            "finished_at": _iso(check.finished_at),
            "findings": check.findings,
        }
    return document


def assistant_document(assistant: Assistant) -> dict[str, Any]:
    """An assistant with its schemas; `id` is what a launch takes as `assistant_id`."""
    schemas = assistant.schemas
    return {
        "id": str(assistant.assistant_id),
        "name": assistant.name,
        "description": assistant.description,
        "graph_id": assistant.graph_id,
        "version": assistant.version,
        "server": {"id": str(assistant.server_id), "name": assistant.server.name},
        "input_schema": schemas.get("input_schema"),
        "context_schema": schemas.get("context_schema"),
        "config_schema": schemas.get("config_schema"),
        "schema_problem": assistant.schema_problem,
        "seen_at": _iso(assistant.seen_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
