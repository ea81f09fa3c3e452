"""An answer that needs only one choice, as buttons: an enum, or yes and no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

QUICK_CHOICES_MAX = 6


@dataclass(frozen=True)
class Quick:
    """The one required choice of a schema. `property` is "" when the whole answer is that choice.

    `name` is what follows the question's name in that of its control; `choices` are values as posted, with their words.
    """

    name: str
    property: str
    choices: tuple[tuple[str, str], ...]


def quick_of(schema: Any) -> Quick | None:
    """The choice that alone makes an answer."""
    if not isinstance(schema, dict):
        return None
    if (choices := _buttons(schema)) is not None:
        return Quick("", "", choices)
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict) or not isinstance(required, list) or len(required) != 1:
        return None
    name = str(required[0])
    choices = _buttons(properties.get(name))
    return Quick(f"/{name}", name, choices) if choices is not None and "/" not in name and "~" not in name else None


def _buttons(schema: Any) -> tuple[tuple[str, str], ...] | None:
    """The values of an enum of texts, or of a boolean, as they are posted, with their words."""
    if not isinstance(schema, dict):
        return None
    offered = schema.get("enum")
    if isinstance(offered, list) and 0 < len(offered) <= QUICK_CHOICES_MAX:
        if all(isinstance(value, str) and value for value in offered):
            return tuple((value, value[:1].upper() + value[1:].replace("_", " ")) for value in offered)
        return None
    return (("true", "Yes"), ("false", "No")) if schema.get("type") == "boolean" else None


def without(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    properties = {key: value for key, value in schema["properties"].items() if key != name}
    return {**schema, "properties": properties, "required": []}
