"""Turns posted controls into the tree of a form's values."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from dashboard.schema_forms.json_text import parse
from dashboard.schema_forms.matching import branch_of, matches
from dashboard.schema_forms.pointers import escape
from dashboard.schema_forms.posted import Posted, key_of
from dashboard.schema_forms.reading_texts import read_boolean, read_json, read_number, read_option
from dashboard.schema_forms.shapes import Shape, Shapes
from dashboard.schema_forms.values import MISSING, Chosen, NewKey, Rows, Unread, Untouched

NEW = "~n"
"""How the last part of a control's name begins when it is a mapping's row without a key (no JSON Pointer can)."""


def read(
    shapes: Shapes,
    schema: Any,
    posted: Posted | None,
    *,
    required: bool = False,
    key: str = "",
    is_branch: bool = False,
) -> Any:
    """The posted value, with marks for what is not a value.

    `is_branch`: it is one of the kinds of a union, whose constants tell it from the others and are filled in.
    """
    shape = shapes.of(schema, key)
    if posted is None:
        return _nothing(shape, required)
    given = posted.marks.get("given", "")
    if given == "null":
        return None
    if given == "out":
        return MISSING
    kind = posted.marks.get("kind", "")
    if kind == "json" or (shape.kind == "json" and not posted.members):
        return read_json(posted.text or "")
    return _read_kind(shapes, shape, posted, given, kind, required, is_branch)


def _nothing(shape: Shape, required: bool) -> Any:
    """The value when nothing was posted."""
    if shape.kind == "object":
        blank = Untouched()
        blank.is_required = required
        return blank
    return MISSING


def _read_kind(
    shapes: Shapes, shape: Shape, posted: Posted, given: str, kind: str, required: bool, is_branch: bool
) -> Any:
    text = posted.text if posted.text is not None else ""
    match shape.kind:
        case "text":
            return _read_text(shape, posted, text, given)
        case "integer" | "number":
            return read_number(text, is_whole=shape.kind == "integer")
        case "boolean":
            return read_boolean(text)
        case "choice" | "const":
            return read_option(text, shape)
        case "list" | "messages":
            return _read_list(shapes, shape, posted, given)
        case "object":
            return _read_object(shapes, shape, posted, given, required, is_branch)
        case "union":
            return _read_union(shapes, shape, posted, kind, required)
        case "null":
            return None if text == "null" else MISSING
    return _read_any(shapes, posted, text, given, kind)


def _read_text(shape: Shape, posted: Posted, text: str, given: str) -> Any:
    if posted.upload is not None:
        return _encoded(posted.upload, shape)
    if text or given == "value":
        return text
    return MISSING


def _encoded(upload: Any, shape: Shape) -> str:
    encoded = base64.b64encode(upload.read()).decode()
    if shape.schema.get("format") != "data-url":
        return encoded
    return f"data:{upload.content_type or 'application/octet-stream'};base64,{encoded}"


def _read_any(shapes: Shapes, posted: Posted, text: str, given: str, kind: str) -> Any:
    if posted.members:  # posted by hand, by names that say what it is
        if all(segment.isdecimal() for segment in posted.members):
            return _read_list(shapes, Shape("list", {}), posted, given)
        return _read_object(shapes, Shape("object", {}), posted, given, False)
    if kind == "text":
        return text if text or given == "value" else MISSING
    if not text:
        return "" if given == "value" else MISSING
    found = read_json(text)
    return text if isinstance(found, Unread) else found


def _read_list(shapes: Shapes, shape: Shape, posted: Posted, given: str) -> Any:
    items: list[Any] = []
    for index, (_, member) in enumerate(posted.items()):
        item = read(shapes, shape.item(index), member)
        if shape.kind == "messages":
            item = _unless_only_a_role(item)
        items.append(item)
    items += pasted(shapes, shape, posted.marks.get("paste", ""), len(items))
    if given == "value":
        return items
    return Rows(items) if items else MISSING


def _unless_only_a_role(item: Any) -> Any:
    """A message with only a chosen role is an empty row."""
    held = item.value if isinstance(item, Chosen) else item
    if isinstance(held, Untouched) and not any(has_content(held[key]) for key in held if key not in ("role", "type")):
        held.counts_as_blank = True
    return item


def pasted(shapes: Shapes, shape: Shape, text: str, start: int) -> list[Any]:
    """One item for each line that holds something."""
    lines = [line for line in text.split("\n") if line.strip()]
    return [read(shapes, shape.item(start + number), Posted(text=line)) for number, line in enumerate(lines)]


def _read_object(
    shapes: Shapes, shape: Shape, posted: Posted, given: str, required: bool, is_branch: bool = False
) -> Any:
    found: dict[Any, Any] = {} if given == "value" else Untouched()
    if isinstance(found, Untouched):
        found.is_required = required and given != "blank"
    names = shape.required
    seen = set()
    for name, schema in shape.properties.items():
        segment = escape(name)
        seen.add(segment)
        value = read(shapes, schema, posted.below(segment), required=name in names, key=name)
        if value is not MISSING:
            found[name] = value
    for segment, member in posted.members.items():
        if segment not in seen:
            _read_row(shapes, shape, found, segment, member)
    _fill_constants(shapes, shape, posted, found, shape.properties if is_branch else shape.required)
    return _ordered(found, posted.marks.get("order", ""))


def _read_row(shapes: Shapes, shape: Shape, found: dict[Any, Any], segment: str, member: Posted) -> None:
    """One row of a mapping, or a key that the schema does not name."""
    is_new = segment.startswith(NEW)
    key = key_of(segment, member) if not is_new else member.marks.get("key", "")
    schema = extra_schema(shape, key)
    value = read(shapes, schema, member)
    if value is MISSING and not is_new and "key" not in member.marks:
        return
    if value is MISSING and key and not member.marks.get("given") and shapes.of(schema).kind in ("text", "any"):
        value = ""
    if key in found or (is_new and not key):
        sentence = f"“{key[:60]}” stands twice. Give this one another name." if key else ""
        if not key and value is not MISSING and not (isinstance(value, Untouched) and not value):
            sentence = "Give it a name."
        found[NewKey(key, sentence)] = value
    else:
        found[key] = value


def extra_schema(shape: Shape, key: str) -> Any:
    """The schema of a key that `properties` does not name."""
    return shape.extra if isinstance(shape.extra, dict) else {}


def _fill_constants(shapes: Shapes, shape: Shape, posted: Posted, found: dict[Any, Any], names: Iterable[str]) -> None:
    """Constants need no typing. They come first, since nobody could say where."""
    constants = {}
    for name in names:
        if name in found or name not in shape.properties:
            continue
        own = shapes.of(shape.properties[name], name)
        member = posted.below(escape(name))
        if own.kind == "const" and (member is None or member.marks.get("given") not in ("out", "blank")):
            constants[name] = own.options[0][0]
    if constants and (not isinstance(found, Untouched) or has_content(found)):
        rest = dict(found)
        found.clear()
        found.update({**constants, **rest})


def has_content(value: Any) -> bool:
    """Whether any field of the object was given."""
    if isinstance(value, Untouched):
        return not value.counts_as_blank and any(has_content(member) for member in value.values())
    if isinstance(value, Rows):
        return any(has_content(member) for member in value)
    if isinstance(value, Chosen):
        return has_content(value.value)
    return value is not MISSING


def _ordered(found: dict[Any, Any], order: str) -> dict[Any, Any]:
    """The object with its keys in the document's order; new ones last."""
    if not order:
        return found
    try:
        keys = parse(order)
    except ValueError:
        return found
    first = [key for key in keys if isinstance(key, str) and key in found] if isinstance(keys, list) else []
    placed = set(first)
    rest = dict(found)
    found.clear()
    found.update({key: rest[key] for key in [*first, *(key for key in rest if key not in placed)]})
    return found


def _read_union(shapes: Shapes, shape: Shape, posted: Posted, kind: str, required: bool) -> Any:
    if kind.isdecimal() and int(kind) < len(shape.branches):
        index = int(kind)
        value = read(shapes, shape.branches[index], posted, required=required, is_branch=True)
        return value if branch_of(shapes, shape, value) == index and has_content(value) else Chosen(index, value)
    if not posted.is_typed:
        return MISSING
    first: Any = MISSING
    for index, branch in enumerate(shape.branches):
        value = read(shapes, branch, posted, required=required, is_branch=True)
        if value is not MISSING and not holds_unread(value) and matches(shapes, branch, value):
            return value if branch_of(shapes, shape, value) == index else Chosen(index, value)
        if first is MISSING:
            first = Chosen(index, value)
    return first


def holds_unread(tree: Any) -> bool:
    """Whether something in the tree could not be read."""
    parts = [tree]
    while parts:
        value = parts.pop()
        if isinstance(value, dict):
            if any(isinstance(key, NewKey) for key in value):
                return True
            parts += value.values()
        elif isinstance(value, list):
            parts += value
        elif isinstance(value, Chosen):
            parts.append(value.value)
        elif isinstance(value, Unread):
            return True
    return False
