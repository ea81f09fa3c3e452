"""Matches values with schemas: the branch of a union for a value, and whether it needs JSON."""

from __future__ import annotations

from typing import Any

from dashboard.schema_forms.json_text import write
from dashboard.schema_forms.reading_texts import reads_as_format
from dashboard.schema_forms.shapes import Shape, Shapes
from dashboard.schema_forms.values import MISSING, Chosen, NewKey, Unread, is_number, is_one_line, is_plain

_DEEPEST = 6
_MOST_ITEMS = 50


def branch_of(shapes: Shapes, shape: Shape, value: Any) -> int | None:
    """The first branch of a union that `value` belongs to; None for none."""
    for index, branch in enumerate(shape.branches):
        if matches(shapes, branch, value):
            return index
    return None


def option_of(shape: Shape, value: Any) -> int | None:
    """The index of the option that is `value`: 1, 1.0 and true are three different ones."""
    text = write(value, indent=None)
    for index, (option, _) in enumerate(shape.options):
        if write(option, indent=None) == text:
            return index
    return None


def matches(shapes: Shapes, schema: Any, value: Any, depth: int = 0, key: str = "") -> bool:
    """Whether `value` has the type and the constants of `schema`. Bounds do not count."""
    shape = shapes.of(schema, key)
    if value is MISSING or isinstance(value, Unread | Chosen) or depth > _DEEPEST:
        return True
    if value is None and shape.is_nullable:
        return True
    match shape.kind:
        case "text":
            return isinstance(value, str) and (not shape.format or reads_as_format(value, shape.format))
        case "integer":
            return is_number(value) and float(value).is_integer()
        case "number":
            return is_number(value)
        case "boolean":
            return isinstance(value, bool)
        case "choice" | "const":
            return not isinstance(value, dict | list) and option_of(shape, value) is not None
        case "null":
            return value is None
        case "list" | "messages":
            return isinstance(value, list) and all(
                matches(shapes, shape.item(index), item, depth + 1) for index, item in enumerate(value[:_MOST_ITEMS])
            )
        case "object":
            return isinstance(value, dict) and _object_matches(shapes, shape, value, depth)
        case "union":
            return any(matches(shapes, branch, value, depth + 1) for branch in shape.branches)
    return True


def _object_matches(shapes: Shapes, shape: Shape, value: dict[Any, Any], depth: int) -> bool:
    if any(name not in value for name in shape.required):
        return False
    properties = shape.properties
    for name, member in value.items():
        if name in properties:
            if not matches(shapes, properties[name], member, depth + 1, name):
                return False
        elif shape.extra is False and not isinstance(name, NewKey):
            return False
    return True


def is_drawable(shape: Shape, value: Any) -> bool:
    """Whether the controls of `shape` return `value` unchanged; otherwise it is edited as JSON."""
    match shape.kind:
        case "text":
            return isinstance(value, str) and is_plain(value) and ("\n" not in value or not shape.format)
        case "integer" | "number":
            return is_number(value)
        case "boolean":
            return isinstance(value, bool)
        case "choice" | "const":
            return not isinstance(value, dict | list) and option_of(shape, value) is not None
        case "list" | "messages":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict) and all(isinstance(key, NewKey) or is_one_line(key) for key in value)
        case "null":
            return value is None
        case "any":
            return isinstance(value, str) and is_plain(value)
    return False
