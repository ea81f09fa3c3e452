"""Nodes for values with one control: texts, numbers, choices, yes or no, and JSON where there is no better way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dashboard.schema_forms.json_text import write
from dashboard.schema_forms.labels import bounds_of, help_of
from dashboard.schema_forms.matching import option_of
from dashboard.schema_forms.nodes import Node, Option
from dashboard.schema_forms.reading_texts import option_texts, reads_as_format
from dashboard.schema_forms.shapes import Shape, Shapes, hint_of
from dashboard.schema_forms.values import MISSING, is_number, is_plain

_FEW_OPTIONS: Final = 4
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME: Final = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)


@dataclass(frozen=True)
class Place:
    """The place of a value: its name, and what is around it."""

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
class LeafNodes:
    """What every builder shares, and the nodes that have no others below them."""

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
        raise NotImplementedError

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
        """How to distinguish "left out", null and empty, if the control alone cannot."""
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
