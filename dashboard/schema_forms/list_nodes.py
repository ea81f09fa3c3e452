"""Nodes for lists; a list of messages looks like a chat."""

from __future__ import annotations

from typing import Any

from dashboard.schema_forms.json_text import write
from dashboard.schema_forms.labels import own_title, short
from dashboard.schema_forms.leaf_nodes import LeafNodes, Place
from dashboard.schema_forms.nodes import Node, Option
from dashboard.schema_forms.pointers import join
from dashboard.schema_forms.shapes import Shape, Shapes
from dashboard.schema_forms.values import MISSING, Chosen, Rows, Untouched


class ListNodes(LeafNodes):
    """Nodes with a row for each item."""

    def _list(self, shape: Shape, value: Any, place: Place, is_null: bool) -> Node:
        is_chat = shape.kind == "messages"
        node = self._node("_list", shape, place)
        node.part["is_chat"] = is_chat
        items = value if isinstance(value, list) else []
        is_given = isinstance(value, list) and not isinstance(value, Rows)
        if is_given:
            node.hidden.append((f"given/{place.name}", "value"))
        elif value is MISSING and not is_null and (is_chat or place.required) and self._starts_with_row(shape, is_chat):
            items = [MISSING]
        if not items:
            if is_given:
                node.note = "An empty list."
                if not place.required or shape.is_nullable:
                    node.actions.append((f"out {place.name}", "Leave out", ""))
            elif is_null:
                node.note = "null"
                node.hidden.append((f"given/{place.name}", "null"))
                node.actions.append((f"out {place.name}", "Leave out", ""))
            else:
                node.note = _list_default(place.default)
                node.default = "shown" if place.default else ""
                node.actions.append((f"put {place.name}", "Give an empty list", ""))
                if shape.is_nullable:
                    node.actions.append((f"null {place.name}", "Give null", ""))
        first = self.shapes.of(shape.item(0))
        node.pastes = not is_chat and first.kind in ("text", "integer", "number", "any") and first.format != "file"
        fixed = shape.schema.get("prefixItems")
        is_full = (
            len(items) >= shape.schema["maxItems"] if isinstance(shape.schema.get("maxItems"), int) else False
        ) or (isinstance(fixed, list) and shape.schema.get("items") is False and len(items) >= len(fixed))
        if not place.locked and not is_full:
            node.add = "Add a message" if is_chat else f"Add {_item_words(shape)}"
        for index, item in enumerate(items):
            node.children.append(self._row(shape, index, item, place, len(items), is_chat))
        return node

    def _starts_with_row(self, shape: Shape, is_chat: bool) -> bool:
        return is_chat or self.shapes.of(shape.item(0)).kind in ("text", "integer", "number")

    def _row(self, shape: Shape, index: int, item: Any, place: Place, count: int, is_chat: bool) -> Node:
        schema = shape.item(index)
        inner = Place(
            name=join(place.name, index),
            label=f"{own_title(schema) or _item_title(self.shapes, schema) or place.label} {index + 1}",
            required=is_chat,
            depth=place.depth + 1,
            refs=place.refs | shape.refs,
            locked=place.locked,
            is_row=True,
        )
        if is_chat and item is MISSING:
            item = Chosen(0, Untouched())
        child = self.build(schema, item, inner)
        if is_chat:
            child = self._message(child, item, inner)
        child.row = "chat" if is_chat else "list"
        child.part["is_first"] = index == 0
        child.part["is_last"] = index == count - 1
        child.part["number"] = index + 1
        return child

    def _message(self, node: Node, item: Any, place: Place) -> Node:
        """A message as in a chat: who, what, and other fields only if they matter."""
        if node.template != "_union" or not node.children or node.children[0].template != "_object":
            return node
        held = item.value if isinstance(item, Chosen) else item
        held = held if isinstance(held, dict) else {}
        message = node.children[0]
        message.template = "_message"
        message.label = place.label
        message.hidden.insert(0, (f"kind/{place.name}", "0"))
        message.errors = [*node.errors, *message.errors]
        message.warnings = [*node.warnings, *message.warnings]
        speaker = "type" if "type" in held and "role" not in held else "role"
        members = {child.name.rsplit("/", 1)[1]: child for child in message.children}
        role = members.get(speaker)
        if role is not None and role.control in ("radios", "select"):
            role.control = "select"
            if speaker not in held and not isinstance(item, dict | str):
                role.options = [Option(o.value, o.label, o.value == "user") for o in role.options if o.value]
        content = members.get("content")
        if content is not None and content.template == "_union":
            content = self._content(content)
        shown = {"role", "type", "content", "tool_call_id", "name"}
        message.part = {
            "role": role,
            "content": content,
            "tool": [members[name] for name in ("tool_call_id", "name") if name in members],
            "more": [child for key, child in members.items() if key not in shown],
            "is_tool": held.get(speaker) in ("tool",) or "tool_call_id" in held or "name" in held,
        }
        other = "role" if speaker == "type" else "type"
        if other in held and other in members:
            message.part["more"].append(members[other])
        message.children = []
        message.add = ""
        return message

    def _content(self, content: Node) -> Node:
        """A message's text, or its parts; a hidden mark says which, and adding an image or a file changes it."""
        inner = content.children[0] if content.children else content
        kind = next((option.value for option in content.kinds if option.is_chosen), "0")
        inner.hidden.insert(0, (f"kind/{content.name}", kind))
        inner.errors = [*content.errors, *inner.errors] if inner is not content else inner.errors
        for part in inner.children:
            for block in part.children:
                for member in block.children:
                    member.is_bare = member.template == "_object"
        if inner.template == "_leaf":
            inner.given = []
        return inner


def _list_default(default: Any) -> str:
    if not isinstance(default, list):
        return ""
    if not default:
        return "Default: an empty list."
    return f"Default: {short(write(default, indent=None), 200)}"


def _item_title(shapes: Shapes, schema: Any) -> str:
    ref = schema.get("$ref") if isinstance(schema, dict) else None
    return str(shapes.of(schema).schema.get("title") or "") if isinstance(ref, str) else ""


def _item_words(shape: Shape) -> str:
    title = own_title(shape.item(0))
    return f"a {title[:1].lower()}{title[1:]}" if title and len(title) < 24 else "an item"
