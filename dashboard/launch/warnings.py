"""Warnings about parameters without effect: shown before the launch, and kept with the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dashboard.servers.models import Assistant

RUN_ID_KEY = "runboard_run_id"
_OF_THE_CONFIG = ("recursion_limit", "tags")


def launch_warnings(data: Mapping[str, Any], assistant: Assistant | None) -> dict[str, list[str]]:
    """Sentences by field name about parameters that the server takes silently and does not use."""
    found: dict[str, list[str]] = {}
    server = data.get("server")
    # Only by the server's last answer: one that is away, or was never asked, may well have it.
    if assistant is None and data.get("assistant_id") and server and server.checked_at and not server.problem:
        found["assistant_id"] = [f"{server.name} offers no assistant of this name; launch anyway?"]
    config = data.get("config")
    configurable = config.get("configurable") if isinstance(config, Mapping) else None
    if isinstance(configurable, Mapping):
        known = _properties(assistant)
        for name in _OF_THE_CONFIG:
            if name in configurable and name not in known:
                found.setdefault(f"config/configurable/{name}", []).append(
                    f"{name} does nothing inside configurable: it belongs one level up, next to configurable."
                )
    metadata = data.get("metadata")
    if isinstance(metadata, Mapping) and RUN_ID_KEY in metadata:
        found["metadata"] = [f"{RUN_ID_KEY} is Runboard's own: the id of this run replaces it."]
    nodes = assistant.nodes if assistant is not None else []
    for parameter in ("interrupt_before", "interrupt_after"):
        names = data.get(parameter)
        if not nodes or not isinstance(names, list):
            continue
        if unknown := [name for name in names if name not in nodes]:
            found[parameter] = [
                f"The graph has no step called {_listed(unknown)}, so the run will not stop there. "
                f"It has {_listed(nodes[:20])}."
            ]
    return found


def _properties(assistant: Assistant | None) -> Iterable[str]:
    schema = assistant.schemas.get("config_schema") if assistant is not None else None
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else ()


def _listed(names: list[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
