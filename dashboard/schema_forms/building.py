"""The tree of a form's values, and its schema -> nodes for the templates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dashboard.schema_forms.exporting import exported
from dashboard.schema_forms.json_text import write
from dashboard.schema_forms.labels import bounds_of, branch_labels, help_of, key_words, own_title, short
from dashboard.schema_forms.matching import branch_of, is_drawable, option_of
from dashboard.schema_forms.messages import MESSAGE
from dashboard.schema_forms.nodes import Node, Option
from dashboard.schema_forms.pointers import join
from dashboard.schema_forms.reading import NEW, extra_schema, has_content
from dashboard.schema_forms.reading_texts import option_texts, reads_as_format
from dashboard.schema_forms.shapes import Shape, Shapes, hint_of
from dashboard.schema_forms.values import MISSING, Chosen, NewKey, Rows, Unread, Untouched, is_number, is_plain

MOST_NODES: Final = 1200
MOST_ITEMS: Final = 100
DEEPEST: Final = 12
_DEEPEST_UNASKED: Final = 3
_FEW_OPTIONS: Final = 4
_SCALARS: Final = {"text", "integer", "number", "boolean", "choice", "const", "any"}
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME: Final = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)


@dataclass(frozen=True)
class Place:
    """Where a value stands: what it is called, and what is around it."""

    name: str
    label: str
    key: str = ""
    required: bool = False
    default: Any = MISSING
    depth: int = 0
    refs: frozenset[str] = frozenset()
    locked: bool = False
    is_row: bool = False
    is_branch: bool = False
    holder_is_given: bool = False


@dataclass
class Builder:
    """Builds the nodes of one form."""

    shapes: Shapes
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    warnings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    locked: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    focus: str = ""
    post_url: str | None = None
    target: str = ""
    count: int = 0

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
            return self._json(shape, place, text, note=f"{shape.why} It is edited as JSON here.")
        if shape.kind == "union":
            return self._union(shape, value, place)
        if value is None and shape.kind not in ("const", "null"):
            value = MISSING
            return self._drawn(shape, value, place, is_null=True)
        if value is not MISSING and shape.kind != "null" and not (shape.kind == "any" or is_drawable(shape, value)):
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
            return "This is nested so deeply that it is edited as JSON."
        if isinstance(value, list) and len(value) > MOST_ITEMS:
            return f"A list of {len(value):,} items is edited as JSON."
        if self.count + len(value) > MOST_NODES:
            return "The form has very many fields already; this part is edited as JSON."
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

    # Leaves.

    def _node(self, template: str, shape: Shape, place: Place, **more: Any) -> Node:
        text, rest = help_of(shape)
        return Node(
            template,
            place.name,
            label=place.label,
            help=text,
            more=rest,
            bounds=bounds_of(shape),
            required=place.required and place.default is MISSING and not shape.is_nullable,
            locked=place.locked,
            focus=place.name == self.focus,
            errors=list(self.errors.get(place.name, ())),
            warnings=list(self.warnings.get(place.name, ())),
            post_url=self.post_url,
            target=self.target,
            **more,
        )

    def _leaf(self, shape: Shape, text: str, place: Place) -> Node:
        node = self._node("_leaf", shape, place, value=text)
        node.control = _control(shape, text)
        node.is_data_url = shape.schema.get("format") == "data-url"
        if place.default is not MISSING:
            shown = place.default if isinstance(place.default, str) else write(place.default, indent=None)
            node.placeholder = shown
            node.default = shown
        elif isinstance(hint := hint_of(shape.schema).get("placeholder"), str):
            node.placeholder = hint
        node.examples = _examples(shape)
        return node

    def _give(
        self,
        node: Node,
        shape: Shape,
        place: Place,
        *,
        is_null: bool,
        is_empty: bool,
        empty: str,
    ) -> None:
        """How "left out", null and empty are told from each other, where the control alone does not say it."""
        if shape.kind in ("integer", "number"):
            empty = ""
        out = "default" if place.default is not MISSING else "left out"
        if not empty and not shape.is_nullable and not is_null:
            return
        node.given = [Option("", f"Empty: {out}")]
        if empty:
            node.given.append(Option("value", f"Empty: {empty}", is_empty))
        if shape.is_nullable or is_null:
            node.given.append(Option("null", "Empty: null", is_null))

    def _boolean(self, shape: Shape, value: Any, place: Place, is_null: bool) -> Node:
        node = self._node("_leaf", shape, place, control="radios")
        node.options = [
            Option("true", "Yes", value is True),
            Option("false", "No", value is False),
        ]
        if shape.is_nullable or is_null:
            node.options.append(Option("null", "None (null)", is_null))
        words = {True: "Default: yes", False: "Default: no"}.get(place.default, "Not given")
        node.options.insert(0, Option("", words, value is MISSING and not is_null))
        if node.required and value is not MISSING:
            del node.options[0]
        return node

    def _choice(self, shape: Shape, value: Any, place: Place, is_null: bool) -> Node:
        node = self._node("_leaf", shape, place)
        texts = option_texts(shape)
        chosen = option_of(shape, value) if value is not MISSING else None
        if shape.kind == "null":
            node.options = [Option("null", "null", value is None)]
        else:
            node.options = [
                Option(text, label, index == chosen)
                for index, (text, (_, label)) in enumerate(zip(texts, shape.options, strict=True))
            ]
        if shape.kind == "const" and place.required and value is not MISSING:
            node.control, node.value = "constant", texts[0]
            return node
        if (shape.is_nullable or is_null) and shape.kind != "null":
            node.options.append(Option("null", "None (null)", is_null))
        words = "Not given"
        if place.default is not MISSING and (index := option_of(shape, place.default)) is not None:
            words = f"Default: {shape.options[index][1]}"
        node.options.insert(0, Option("", words, value is MISSING and not is_null))
        is_short = len(node.options) <= _FEW_OPTIONS + 1 and sum(len(option.label) for option in node.options) <= 60
        node.control = "radios" if is_short else "select"
        if node.control == "radios" and node.required and value is not MISSING:
            del node.options[0]
        return node

    def _any(self, shape: Shape, value: Any, place: Place, is_null: bool) -> Node:
        is_text = value is MISSING or (isinstance(value, str) and is_plain(value))
        node = self._leaf(shape, "" if value is MISSING else value if is_text else write(value), place)
        node.control = "area"
        if isinstance(value, str) and is_text:
            self._give(node, shape, place, is_null=is_null, is_empty=value == "", empty="empty text")
        elif value is MISSING:
            self._give(node, shape, place, is_null=is_null, is_empty=False, empty="empty text")
            if not is_null:
                node.given.append(Option("null", "Empty: null"))
        node.kinds = [Option("text", "Text", is_text), Option("json", "JSON", not is_text)]
        return node

    def _json(self, shape: Shape, place: Place, text: str, *, note: str = "", clears: bool = False) -> Node:
        node = self._node("_leaf", shape, place, control="json", value=text, note=note)
        node.hidden = [(f"kind/{place.name}", "json")]
        if clears:
            node.actions = [(f"out {place.name}", "Clear", "Clear this, and use the form's own field")]
        return node

    # Unions.

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

    # Objects.

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
            is_told_of = any(control.startswith(f"{place.name}/") for control in self.errors)
            if place.default and not shape.properties:
                node.note = f"default: {short(write(place.default, indent=None), 120)}"
                node.actions.append((f"default {place.name}", "Edit the default", ""))
            node.is_folded = is_blank and not is_told_of and bool(shape.properties)
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
        """Whether an optional object that is not given shows its fields at once."""
        if place.depth > _DEEPEST_UNASKED or shape.refs & place.refs:
            return False
        if not shape.properties:
            return True
        return len(shape.properties) <= 12 and self.count < MOST_NODES // 2

    # Lists.

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
        """A message as a chat shows it: who, what, and only where they are of use the other fields."""
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


_WHY_NO_BRANCH: Final = "This is none of the kinds that the schema knows, so it is edited as JSON."
_WHY_DEEP: Final = "This is nested so deeply that it is edited as JSON."


def _why_json(shape: Shape, value: Any) -> str:
    wanted = {
        "text": "a text", "integer": "a whole number", "number": "a number", "boolean": "yes or no",
        "list": "a list", "messages": "a list of messages", "object": "an object",
    }.get(shape.kind, "one of the choices")  # fmt: skip
    if isinstance(value, str) and shape.kind == "text":
        return "This text has characters that a text field would change, so it is edited as JSON."
    return f"The schema wants {wanted}. This is something else, so it is edited as JSON."


def _control(shape: Shape, text: str) -> str:
    if shape.kind in ("integer", "number"):
        return shape.kind
    if shape.format == "file":
        return "file"
    if shape.format in ("date", "time"):
        pattern = _DATE if shape.format == "date" else _TIME
        is_native = pattern.fullmatch(text) and reads_as_format(text, shape.format)
        return shape.format if not text or is_native else "line"
    return (shape.format and {"email": "email", "uri": "url"}.get(shape.format, "line")) or "area"


def _examples(shape: Shape) -> list[tuple[int, str]]:
    """The examples that a click can fill in, with their places in the schema."""
    found = shape.schema.get("examples")
    texts = []
    for index, example in enumerate(found if isinstance(found, list) else []):
        text = example if isinstance(example, str) else write(example) if is_number(example) else ""
        if 0 < len(text) <= 2000 and is_plain(text):
            texts.append((index, text))
    return texts[:3]


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
