"""Reads a JSON Schema as the kinds of value that a form can draw."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from dashboard.schema_forms.json_text import write
from dashboard.schema_forms.merging import RULES, merged
from dashboard.schema_forms.messages import ITEM, is_messages
from dashboard.schema_forms.pointers import unescape
from dashboard.schema_forms.values import MISSING, is_one_line

TEXT_FORMATS: Final = {"date", "time", "date-time", "duration", "email", "uri", "uuid"}
_FORMAT_NAMES: Final = {
    "idn-email": "email",
    "url": "uri",
    "uri-reference": "uri",
    "iri": "uri",
    "timedelta": "duration",
}
_FILE_FORMATS: Final = {"base64", "byte", "binary", "data-url", "base64url"}
_TYPES: Final = {
    "string": "text", "integer": "integer", "number": "number", "boolean": "boolean", "null": "null",
    "array": "list", "object": "object",
}  # fmt: skip
_HINT_TYPES: Final = {"slider", "select", "textarea", "text", "number", "boolean"}
_MOST_HOPS: Final = 40


@dataclass
class Shape:
    """A schema, for a form.

    `kind`: text, number, integer, boolean, choice, const, list, messages, object, union, null, any, or json for what
    cannot be drawn; `why` then says why. `branches` are the schemas of a union, null left out of them.
    """

    kind: str
    schema: dict[str, Any]
    is_nullable: bool = False
    branches: list[dict[str, Any]] = field(default_factory=list)
    options: list[tuple[Any, str]] = field(default_factory=list)
    format: str = ""
    why: str = ""
    refs: frozenset[str] = frozenset()

    @property
    def default(self) -> Any:
        """The schema's default; MISSING without one, and for null, which means none."""
        default = self.schema.get("default", MISSING)
        return MISSING if default is None else default

    @property
    def properties(self) -> dict[str, Any]:
        found = self.schema.get("properties")
        return found if isinstance(found, dict) else {}

    @property
    def required(self) -> list[str]:
        found = self.schema.get("required")
        return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []

    @property
    def extra(self) -> Any:
        """The schema of the keys that `properties` does not name; False when the schema forbids them."""
        found = self.schema.get("additionalProperties", True)
        return found if isinstance(found, dict | bool) else True

    def item(self, index: int) -> Any:
        """The schema of the list's member at `index`."""
        first = self.schema.get("prefixItems")
        if isinstance(first, list) and index < len(first):
            return first[index]
        found = self.schema.get("items", {})
        if isinstance(found, list):  # drafts before 2020
            return found[index] if index < len(found) else self.schema.get("additionalItems", {})
        return found


class Shapes:
    """The shapes of one document's schemas. Each is worked out once."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self._found: dict[tuple[int, bool], Shape] = {}
        # Shapes are found by the identity of their schema, so no schema may be freed and its identity reused.
        self._kept: list[Any] = []

    def of(self, schema: Any, key: str = "") -> Shape:
        """The shape of `schema`, which stands under `key` in the root schema or was made by a shape."""
        at = (id(schema), key == "messages")
        shape = self._found.get(at)
        if shape is None:
            shape = self._shape(schema)
            if shape.kind == "list" and is_messages(key, shape.schema):
                shape = replace(shape, kind="messages", schema={**shape.schema, "items": ITEM})
            self._found[at] = shape
            self._kept.append(schema)
        return shape

    def _shape(self, schema: Any) -> Shape:
        refs: set[str] = set()
        try:
            flat = self._flat(schema, refs)
        except _Unknown as problem:
            return Shape("json", schema if isinstance(schema, dict) else {}, why=str(problem), refs=frozenset(refs))
        shape = self._kind(flat)
        shape.refs = frozenset(refs)
        shape.is_nullable = shape.is_nullable or bool(flat.get("nullable")) or flat.get("default", 1) is None
        return shape

    def _flat(self, schema: Any, refs: set[str], hops: int = 0) -> dict[str, Any]:
        """`schema` with its `$ref` and `allOf` put in, and a union of one branch (and null) replaced by the branch."""
        if schema is False:
            raise _Unknown("The schema allows no value here.")
        if not isinstance(schema, dict):
            return {}
        if hops > _MOST_HOPS:
            raise _Unknown("Its schema refers to itself without end.")
        flat = schema
        if isinstance(ref := schema.get("$ref"), str):
            refs.add(ref)
            target = self._flat(self._target(ref), refs, hops + 1)
            flat = merged(target, {key: value for key, value in schema.items() if key != "$ref"})
        if isinstance(parts := flat.get("allOf"), list):
            flat = {key: value for key, value in flat.items() if key != "allOf"}
            for part in reversed(parts):
                flat = merged(self._flat(part, refs, hops + 1), flat)
        for word in ("anyOf", "oneOf"):
            branches = flat.get(word)
            if not isinstance(branches, list):
                continue
            if all(_is_rule(branch) for branch in branches):
                continue
            others = [branch for branch in branches if not _is_null(branch)]
            if len(others) == 1:
                outer = {key: value for key, value in flat.items() if key != word}
                flat = merged(self._flat(others[0], refs, hops + 1), outer)
                if len(branches) > 1:
                    flat["nullable"] = True
        return flat

    def _target(self, ref: str) -> Any:
        if not ref.startswith("#"):
            raise _Unknown(f"Its schema is elsewhere ({ref[:80]}).")
        found = self.root
        if ref.startswith("#/") or ref == "#":
            for segment in ref.split("/")[1:]:
                key = unescape(segment.replace("%25", "%").replace("%24", "$"))
                if isinstance(found, dict) and key in found:
                    found = found[key]
                elif isinstance(found, list) and key.isdigit() and int(key) < len(found):
                    found = found[int(key)]
                else:
                    raise _Unknown(f"Its schema refers to {ref[:80]}, which is not there.")
            return found
        anchored = [part for part in _parts(found) if part.get("$anchor") == ref[1:] or part.get("$id") == ref]
        if not anchored:
            raise _Unknown(f"Its schema refers to {ref[:80]}, which is not there.")
        return anchored[0]

    def _kind(self, flat: dict[str, Any]) -> Shape:
        if "const" in flat:
            return Shape("const", flat, options=[(flat["const"], _label(flat["const"], flat))])
        if isinstance(flat.get("enum"), list) and flat["enum"]:
            values = flat["enum"]
            return Shape(
                "choice",
                flat,
                is_nullable=None in values,
                options=[(value, _label(value, {})) for value in values if value is not None],
            )
        hint = hint_of(flat)
        if hint.get("type") == "select" and (options := _hint_options(hint)) and flat.get("type") in (None, "string"):
            return Shape("choice", flat, options=options)
        for word in ("oneOf", "anyOf"):
            branches = flat.get(word)
            if isinstance(branches, list) and branches and not all(_is_rule(branch) for branch in branches):
                return self._union(flat, word, branches)
        types = flat.get("type")
        if isinstance(types, list):
            others = [name for name in types if name != "null"]
            if len(others) > 1:
                parts = [{**_without(flat, "default", "title", "description"), "type": name} for name in others]
                return Shape("union", flat, branches=parts, is_nullable="null" in types)
            shape = self._kind({**flat, "type": others[0] if others else "null"})
            shape.is_nullable = shape.is_nullable or "null" in types
            return shape
        return self._plain(flat, types if isinstance(types, str) else _guessed_type(flat))

    def _union(self, flat: dict[str, Any], word: str, branches: list[Any]) -> Shape:
        is_nullable = any(_is_null(branch) for branch in branches)
        others = [branch for branch in branches if not _is_null(branch)]
        shapes = [self.of(branch) for branch in others]
        if others and all(shape.kind in ("const", "choice") for shape in shapes):
            options: dict[str, tuple[Any, str]] = {}
            for branch, shape in zip(others, shapes, strict=True):
                for value, label in shape.options:
                    own = _label(value, branch) if shape.kind == "const" else label
                    options.setdefault(write(value, indent=None), (value, own))
            is_nullable = is_nullable or any(shape.is_nullable for shape in shapes)
            return Shape("choice", flat, options=list(options.values()), is_nullable=is_nullable)
        outer = _without(flat, word, "title", "description", "default", "examples", "metadata")
        if any(key not in RULES for key in outer):
            others = [merged(outer, self._flat(branch, set())) for branch in others]
        return Shape("union", flat, branches=others, is_nullable=is_nullable)

    def _plain(self, flat: dict[str, Any], name: str) -> Shape:
        if not name:
            return Shape("any", flat)
        kind = _TYPES.get(name)
        if kind is None:
            return Shape("json", flat, why=f"Its type “{name[:40]}” is not known.")
        if kind == "object" and not all(is_one_line(key) for key in flat.get("properties") or {}):
            return Shape("json", flat, why="A key of it has line breaks.")
        if kind == "text":
            given = str(flat.get("format") or "")
            is_file = given in _FILE_FORMATS or str(flat.get("contentEncoding", "")).startswith("base64")
            found = "file" if is_file else _FORMAT_NAMES.get(given, given)
            return Shape("text", flat, format=found if is_file or found in TEXT_FORMATS else "")
        return Shape(kind, flat)


class _Unknown(Exception):
    """A schema that cannot be followed."""


def hint_of(schema: dict[str, Any]) -> dict[str, Any]:
    """Hints of LangGraph interfaces in a schema (`x_oap_ui_config`): description, bounds, options."""
    metadata = schema.get("metadata")
    for holder in (schema, metadata if isinstance(metadata, dict) else {}):
        for key in ("x_oap_ui_config", "x_lg_ui_config"):
            if isinstance(holder.get(key), dict):
                return holder[key]  # type: ignore[no-any-return]
    return {}


def _hint_options(hint: dict[str, Any]) -> list[tuple[Any, str]]:
    options = hint.get("options")
    found = []
    for option in options if isinstance(options, list) else []:
        if isinstance(option, dict) and "value" in option:
            found.append((option["value"], str(option.get("label") or option["value"])))
        elif isinstance(option, str):
            found.append((option, option))
    return found


def _label(value: Any, schema: dict[str, Any]) -> str:
    if isinstance(schema.get("title"), str) and schema.get("title") and "default" not in schema and "const" in schema:
        return str(schema["title"])
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return value if isinstance(value, str) else write(value, indent=None)


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and (schema.get("type") == "null" or schema.get("const", 1) is None)


def _is_rule(schema: Any) -> bool:
    """Whether a branch only adds rules to the schema around the union, such as which keys are required."""
    return isinstance(schema, bool) or (isinstance(schema, dict) and all(key in RULES for key in schema))


def _guessed_type(flat: dict[str, Any]) -> str:
    """The type that a schema without `type` implies; empty when it implies none."""
    for name, words in (
        ("object", ("properties", "additionalProperties", "patternProperties", "propertyNames")),
        ("array", ("items", "prefixItems", "minItems", "maxItems")),
        ("string", ("minLength", "maxLength", "pattern", "format", "contentEncoding")),
        ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
    ):
        if any(word in flat for word in words):
            return name
    hint = hint_of(flat).get("type")
    return {"slider": "number", "number": "number", "boolean": "boolean"}.get(str(hint), "")


def _without(schema: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in keys}


def _parts(schema: Any) -> list[dict[str, Any]]:
    """Every object within a schema."""
    found, stack = [], [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            found.append(part)
            stack += part.values()
        elif isinstance(part, list):
            stack += part
    return found
