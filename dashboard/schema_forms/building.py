"""Turns a form's values and schema into nodes for the templates. Here: which kind of node a value gets."""

from __future__ import annotations

from typing import Any, Final

from dashboard.schema_forms.exporting import exported
from dashboard.schema_forms.json_text import write
from dashboard.schema_forms.labels import branch_labels
from dashboard.schema_forms.leaf_nodes import Place
from dashboard.schema_forms.list_nodes import ListNodes
from dashboard.schema_forms.matching import branch_of, is_drawable
from dashboard.schema_forms.nodes import MOST_NODES, Node, Option
from dashboard.schema_forms.object_nodes import ObjectNodes
from dashboard.schema_forms.shapes import Shape, hint_of
from dashboard.schema_forms.values import MISSING, Chosen, Unread

MOST_ITEMS: Final = 100
DEEPEST: Final = 12
_SCALARS: Final = {"text", "integer", "number", "boolean", "choice", "const", "any"}
_WHY_NO_BRANCH: Final = "This matches none of the kinds in the schema, so you edit it as JSON."
_WHY_DEEP: Final = "This is nested so deeply that you edit it as JSON."


class Builder(ObjectNodes, ListNodes):
    """Builds the nodes of one form."""

    def build(self, schema: Any, value: Any, place: Place) -> Node:
        """The node of `value`, and of everything below it."""
        self.count += 1
        shape = self.shapes.of(schema, place.key)
        place = self._placed(shape, place)
        if isinstance(value, Unread):
            node = self._json(shape, place, value.text) if value.is_json else self._leaf(shape, value.text, place)
            if value.sentence not in node.errors:
                node.errors.append(value.sentence)
            return node
        if isinstance(value, Chosen) and shape.kind != "union":
            value = value.value
        if shape.kind == "json":
            text = "" if value is MISSING else write(value)
            return self._json(shape, place, text, note=f"{shape.why} You edit it as JSON here.")
        if shape.kind == "union":
            return self._union(shape, value, place)
        if value is None and shape.kind not in ("const", "null"):
            value = MISSING
            return self._drawn(shape, value, place, is_null=True)
        if value is not MISSING and not (shape.kind == "any" or is_drawable(shape, value)):
            return self._json(shape, place, write(value), note=_why_json(shape, value), clears=True)
        if (
            shape.kind in ("object", "list", "messages")
            and value is not MISSING
            and (why := self._too_much(value, place))
        ):
            return self._json(shape, place, write(exported(value)), note=why)
        return self._drawn(shape, value, place)

    def _placed(self, shape: Shape, place: Place) -> Place:
        default = shape.default
        if default is MISSING:
            default = hint_of(shape.schema).get("default", MISSING)
        return Place(
            **{
                **place.__dict__,
                "default": default if default is not MISSING and default is not None else place.default,
                "locked": place.locked or place.name in self.locked,
            }
        )

    def _too_much(self, value: Any, place: Place) -> str:
        if place.depth > DEEPEST:
            return "This is nested so deeply that you edit it as JSON."
        if isinstance(value, list) and len(value) > MOST_ITEMS:
            return f"A list of {len(value):,} items: you edit it as JSON."
        if self.count + len(value) > MOST_NODES:
            return "The form already has very many fields; you edit this part as JSON."
        return ""

    def _drawn(self, shape: Shape, value: Any, place: Place, *, is_null: bool = False) -> Node:
        match shape.kind:
            case "object":
                return self._object(shape, value, place, is_null)
            case "list" | "messages":
                return self._list(shape, value, place, is_null)
            case "choice" | "const" | "null":
                return self._choice(shape, value, place, is_null)
            case "boolean":
                return self._boolean(shape, value, place, is_null)
            case "any":
                return self._any(shape, value, place, is_null)
        text = "" if value is MISSING else value if isinstance(value, str) else write(value)
        node = self._leaf(shape, text, place)
        self._give(node, shape, place, is_null=is_null, is_empty=value == "", empty="empty text")
        return node

    def _union(self, shape: Shape, value: Any, place: Place) -> Node:
        chosen: int | None = None
        if isinstance(value, Chosen):
            chosen, held = value.kind, value.value
        elif value is MISSING or value is None:
            held = MISSING
            if value is MISSING and (place.required or all(self._is_scalar(branch) for branch in shape.branches)):
                chosen = 0
        else:
            held, chosen = value, branch_of(self.shapes, shape, value)
            if chosen is None:
                return self._json(shape, place, write(exported(value)), note=_WHY_NO_BRANCH, clears=True)
        if place.depth > DEEPEST:
            return self._json(shape, place, "" if value is MISSING else write(exported(value)), note=_WHY_DEEP)
        labels = branch_labels(self.shapes, shape)
        node = self._node("_union", shape, place)
        node.kinds = [Option(str(index), label, index == chosen) for index, label in enumerate(labels)]
        if not place.required or chosen is None:
            out = "Default" if place.default is not MISSING else "Not given"
            node.kinds.insert(0, Option("", out, chosen is None and value is not None))
        if shape.is_nullable or value is None:
            node.given = [Option("", "given"), Option("null", "null", value is None)]
        if chosen is not None:
            branch = shape.branches[chosen]
            inner = Place(
                name=place.name,
                label=place.label,
                required=True,
                default=place.default,
                depth=place.depth + 1,
                refs=place.refs | self.shapes.of(branch).refs,
                locked=place.locked,
                is_row=place.is_row,
                is_branch=True,
                holder_is_given=True,
            )
            child = self.build(branch, held, inner)
            child.is_bare = child.template in ("_object", "_list")
            child.required = node.required and not place.is_row
            child.errors = [sentence for sentence in child.errors if sentence not in node.errors]
            child.warnings = []
            if child.template == "_leaf":
                node.errors, child.errors = [], [*node.errors, *child.errors]
            node.children = [child]
        return node

    def _is_scalar(self, schema: Any) -> bool:
        return self.shapes.of(schema).kind in _SCALARS


def _why_json(shape: Shape, value: Any) -> str:
    wanted = {
        "text": "a text", "integer": "a whole number", "number": "a number", "boolean": "yes or no",
        "list": "a list", "messages": "a list of messages", "object": "an object",
    }.get(shape.kind, "one of the choices")  # fmt: skip
    if isinstance(value, str) and shape.kind == "text":
        return "A text field would change some characters of this text, so you edit it as JSON."
    return f"The schema wants {wanted}. This is something else, so you edit it as JSON."
