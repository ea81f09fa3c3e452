"""Reads the JSON Schemas that a server publishes for its graphs and their questions."""

from __future__ import annotations

from typing import Any


def schema_example(schema: Any) -> Any:
    """An example for a JSON Schema: its own `examples`, else one of each property; None without any."""
    if not isinstance(schema, dict):
        return None
    examples = schema.get("examples")
    if isinstance(examples, list) and examples:
        return examples[0]
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return None
    found = {}
    for name, part in properties.items():
        if not isinstance(part, dict):
            continue
        if isinstance(part.get("examples"), list) and part["examples"]:
            found[name] = part["examples"][0]
        elif "default" in part and part["default"] is not None:
            found[name] = part["default"]
    return found or None
