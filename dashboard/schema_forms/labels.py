"""The texts of a form: labels, help, bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from dashboard.schema_forms.shapes import Shape, Shapes, hint_of

_LONGEST_HELP: Final = 220
_KINDS: Final = {
    "text": "Text", "integer": "Whole number", "number": "Number", "boolean": "Yes or no", "list": "List",
    "messages": "Messages", "object": "Fields", "any": "Anything", "choice": "Choice", "null": "null", "json": "JSON",
    "union": "Other",
}  # fmt: skip
_FORMATS: Final = {"date": "Date", "time": "Time", "date-time": "Date and time", "duration": "Duration",
    "email": "E-mail address", "uri": "Address", "uuid": "UUID", "file": "File"}  # fmt: skip
FORMAT_HELP: Final = {
    "date-time": "Date and time, such as 2026-11-26T14:30:00+01:00",
    "duration": "Duration, such as PT15M for 15 minutes",
    "email": "E-mail address",
    "uri": "Address, such as https://example.org",
    "uuid": "UUID",
}


def own_title(schema: Any) -> str:
    """The title of the property itself; the title behind a reference names a type, not the field."""
    if not isinstance(schema, dict):
        return ""
    title = schema.get("title") or hint_of(schema).get("label")
    return title if isinstance(title, str) else ""


def key_words(key: str) -> str:
    return key or '""'


def help_of(shape: Shape) -> tuple[str, str]:
    """The first paragraph of the description, and the whole when that is longer."""
    found = shape.schema.get("description") or hint_of(shape.schema).get("description") or ""
    if not isinstance(found, str):
        return "", ""
    text = found.strip()
    first = " ".join(text.split("\n\n", 1)[0].split())
    if len(first) > _LONGEST_HELP:
        first = short(first, _LONGEST_HELP)
    return first, text if " ".join(text.split()) != first else ""


def short(text: str, length: int) -> str:
    """The beginning of a text, cut at a word."""
    if len(text) <= length:
        return text
    return text[:length].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def bounds_of(shape: Shape) -> str:
    """What the schema allows, in a few words."""
    schema = shape.schema
    hint = hint_of(schema)
    parts = []
    if shape.kind in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", hint.get("min")))
        high = schema.get("maximum", schema.get("exclusiveMaximum", hint.get("max")))
        parts.append(_between(low, high, "more than " if "exclusiveMinimum" in schema else ""))
        if _is_number(schema.get("multipleOf")) and schema["multipleOf"] != 1:
            parts.append(f"in steps of {schema['multipleOf']}")
    elif shape.kind == "text":
        parts.append(FORMAT_HELP.get(shape.format, ""))
        if _is_number(schema.get("maxLength")):
            parts.append(f"at most {schema['maxLength']:,} characters")
        if isinstance(schema.get("pattern"), str) and len(schema["pattern"]) <= 60:
            parts.append(f"pattern {schema['pattern']}")
    elif shape.kind == "list":
        low, high = schema.get("minItems"), schema.get("maxItems")
        if _is_number(low) and low == high:
            parts.append(f"exactly {low} items")
        elif words := _between(low, high, ""):
            parts.append(f"{words} items")
    text = ", ".join(part for part in parts if part)
    return text[:1].upper() + text[1:]


def _between(low: Any, high: Any, more: str) -> str:
    if _is_number(low) and _is_number(high):
        return f"{more}{low:,} to {high:,}" if not more else f"more than {low:,}, at most {high:,}"
    if _is_number(low):
        return f"more than {low:,}" if more else f"{low:,} or more"
    return f"at most {high:,}" if _is_number(high) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def branch_labels(shapes: Shapes, shape: Shape) -> list[str]:
    """A name for each kind that a value can be."""
    labels: list[str] = []
    for number, branch in enumerate(shape.branches, start=1):
        own = shapes.of(branch)
        ref = branch.get("$ref") if isinstance(branch, dict) else None
        label = own_title(branch) or str(own.schema.get("title") or "")
        if not label and isinstance(ref, str):
            label = ref.rsplit("/", 1)[-1]
        if not label:
            label = _constant_of(shapes, own) or _FORMATS.get(own.format, "") or _KINDS.get(own.kind, f"Kind {number}")
        if label == "List" and (inner := shapes.of(own.item(0)).kind) in ("text", "integer", "number", "object"):
            label = {"text": "List of texts", "object": "List of objects"}.get(inner, "List of numbers")
        labels.append(label if label not in labels else f"{label} ({number})")
    return labels


def _constant_of(shapes: Shapes, shape: Shape) -> str:
    for key in shape.properties:
        own = shapes.of(shape.properties[key], key)
        if own.kind == "const" and isinstance(own.options[0][0], str):
            return str(own.options[0][0])
    return ""


def label_of(shapes: Shapes, schema: Any, path: Sequence[str]) -> str:
    """The labels on the way to the value at `path`, as the form shows them: `Home / Street`, `Tags 2`."""
    words: list[str] = []
    key = ""
    for segment in path:
        shape = _holder(shapes, shapes.of(schema, key), segment)
        if shape.kind in ("list", "messages") and segment.isdecimal():
            schema, key = shape.item(int(segment)), ""
            label = own_title(schema) or (words.pop() if words else "Item")
            words.append(f"{label} {int(segment) + 1}")
        else:
            schema, key = shape.properties.get(segment, {}), segment
            label = own_title(schema) or key_words(segment)
            if words[-1:] != [label]:
                words.append(label)
    return " / ".join(words)


def _holder(shapes: Shapes, shape: Shape, segment: str) -> Shape:
    """The kind of a union that has a member called `segment`; what is no union is its own."""
    if shape.kind != "union":
        return shape
    kinds = [_holder(shapes, shapes.of(branch), segment) for branch in shape.branches]
    fitting = (kind for kind in kinds if segment in kind.properties or (kind.kind == "list" and segment.isdecimal()))
    return next(fitting, kinds[0])
