"""Nodes for objects and mappings, with the keys that the schema does not name."""

from __future__ import annotations

from typing import Any, Final

from dashboard.schema_forms.json_text import write
from dashboard.schema_forms.labels import key_words, own_title, short
from dashboard.schema_forms.leaf_nodes import LeafNodes, Place
from dashboard.schema_forms.messages import MESSAGE
from dashboard.schema_forms.nodes import MOST_NODES, Node
from dashboard.schema_forms.pointers import join
from dashboard.schema_forms.reading import NEW, extra_schema, has_content
from dashboard.schema_forms.shapes import Shape
from dashboard.schema_forms.values import MISSING, NewKey, Untouched

_DEEPEST_UNASKED: Final = 3


class ObjectNodes(LeafNodes):
    """Nodes with one below them for each key."""

    def _object(self, shape: Shape, value: Any, place: Place, is_null: bool) -> Node:
        node = self._node("_object", shape, place)
        is_given = isinstance(value, dict) and not isinstance(value, Untouched)
        refs = place.refs | shape.refs
        is_optional = not place.required and not place.is_row and place.depth > 0
        if value is MISSING and is_optional and (is_null or not self._opens_unasked(shape, place)):
            node.template = "_absent"
            node.actions = [(f"put {place.name}", f"Add {place.label}", "")]
            if is_null:
                node.note = "null"
                node.hidden = [(f"given/{place.name}", "null")]
                node.actions.append((f"out {place.name}", "Leave out", ""))
            elif shape.is_nullable:
                node.actions.append((f"null {place.name}", "Give null", ""))
            return node
        if is_null:
            node.note = "null"
            node.hidden = [(f"given/{place.name}", "null")]
            node.template = "_absent"
            node.actions = [(f"put {place.name}", f"Add {place.label}", "")]
            return node
        held: dict[Any, Any] = value if isinstance(value, dict) else {}
        if is_given:
            node.hidden.append((f"given/{place.name}", "value"))
            if is_optional:
                node.actions = [(f"out {place.name}", "Leave out", "Remove it with everything in it")]
        elif place.required and place.holder_is_given and place.depth > 0 and not getattr(value, "is_required", False):
            node.hidden.append((f"given/{place.name}", "blank"))
        elif not place.is_row and place.depth > 0 and not place.required:
            node.note = "optional"
            is_blank = value is MISSING or not has_content(value)
            has_error = any(control.startswith(f"{place.name}/") for control in self.errors)
            if place.default and not shape.properties:
                node.note = f"default: {short(write(place.default, indent=None), 120)}"
                node.actions.append((f"default {place.name}", "Edit the default", ""))
            node.is_folded = is_blank and not has_error and bool(shape.properties)
        if (order := self._order(shape, held)) is not None:
            node.hidden.append((f"order/{place.name}", write(order, indent=None)))
        default = place.default if isinstance(place.default, dict) else {}
        names = shape.required
        for key, schema in shape.properties.items():
            child_name = join(place.name, key)
            if child_name in self.hidden:
                continue
            inner = Place(
                name=child_name,
                label=own_title(schema) or key_words(key),
                key=key,
                required=key in names or (place.is_branch and self.shapes.of(schema, key).kind == "const"),
                default=default.get(key, MISSING),
                depth=place.depth + 1,
                refs=refs,
                locked=place.locked,
                holder_is_given=is_given,
            )
            self._member(node, schema, held.get(key, MISSING), inner)
        self._extras(node, shape, held, place, refs)
        return node

    def _member(self, node: Node, schema: Any, value: Any, place: Place) -> None:
        """A property: a required constant needs no control, only a mark when the document lacks it."""
        own = self.shapes.of(schema, place.key)
        if own.kind == "const" and value is MISSING and place.required:
            if place.holder_is_given:
                node.hidden.append((f"given/{place.name}", "blank"))
            return
        child = self.build(schema, value, place)
        if child.control == "constant":
            node.hidden.append((child.name, child.value))
            if not child.errors:
                return
        node.children.append(child)

    def _extras(self, node: Node, shape: Shape, held: dict[Any, Any], place: Place, refs: frozenset[str]) -> None:
        """The rows of a mapping, and keys that the schema does not name."""
        number = 0
        for key, member in held.items():
            if not isinstance(key, NewKey) and key in shape.properties:
                continue
            text = key.text if isinstance(key, NewKey) else key
            name = f"{place.name}/{NEW}{number}" if isinstance(key, NewKey) else join(place.name, key)
            number += isinstance(key, NewKey)
            if name in self.hidden:
                continue
            inner = Place(
                name=name,
                label=f"Value of {text}" if text else "Value",
                depth=place.depth + 1,
                refs=refs,
                locked=place.locked,
                is_row=True,
            )
            child = self.build(extra_schema(shape, text), member, inner)
            child.key = text
            child.row = "mapping"
            child.focus = child.focus or (isinstance(key, NewKey) and not text and name == self.focus)
            if isinstance(key, NewKey) and key.sentence:
                child.errors.append(key.sentence)
                node.errors = [sentence for sentence in node.errors if sentence != key.sentence]
            node.children.append(child)
        is_mapping = isinstance(shape.schema.get("additionalProperties"), dict) or (
            shape.extra is not False and (not shape.properties or shape.schema.get("additionalProperties") is True)
        )
        if is_mapping and not place.locked and shape.schema is not MESSAGE:
            node.add = "Add a key"

    def _order(self, shape: Shape, held: dict[Any, Any]) -> list[str] | None:
        """The document's order of keys, when it is not that of the form."""
        keys = [key for key in held if not isinstance(key, NewKey)]
        natural = [key for key in shape.properties if key in held]
        natural += [key for key in keys if key not in shape.properties]
        return keys if keys != natural else None

    def _opens_unasked(self, shape: Shape, place: Place) -> bool:
        """Whether an optional object without a value shows its fields at once."""
        if place.depth > _DEEPEST_UNASKED or shape.refs & place.refs:
            return False
        if not shape.properties:
            return True
        return len(shape.properties) <= 12 and self.count < MOST_NODES // 2
