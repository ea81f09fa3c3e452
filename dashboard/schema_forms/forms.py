"""A form made from a JSON Schema: shown from a document, read back from a POST."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from django.http import QueryDict
from django.utils.safestring import SafeString, mark_safe

from dashboard.schema_forms.acting import Actor
from dashboard.schema_forms.building import Builder
from dashboard.schema_forms.checking import findings
from dashboard.schema_forms.exporting import compacted, exported
from dashboard.schema_forms.labels import label_of
from dashboard.schema_forms.leaf_nodes import Place
from dashboard.schema_forms.missing_parts import missing_parts
from dashboard.schema_forms.nodes import Node
from dashboard.schema_forms.pointers import join, path_of
from dashboard.schema_forms.posted import posted_tree
from dashboard.schema_forms.reading import holds_unread, read
from dashboard.schema_forms.shapes import Shapes
from dashboard.schema_forms.values import MISSING, Chosen, NewKey, Unread, copied

MOST_BLANK_FORMS: Final = 64


@dataclass(frozen=True)
class Fixed:
    """Fields that keep the values of `document`, whatever is posted: shown but locked, or not shown at all."""

    document: Any = MISSING
    locked: frozenset[str] = field(default_factory=frozenset)
    hidden: frozenset[str] = field(default_factory=frozenset)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.locked) | frozenset(self.hidden)


NOTHING_FIXED = Fixed()


class SchemaForm:
    """The controls of one document.

    Attributes:
        document: The JSON value; MISSING when nothing was given.
        errors: What blocks, by control name: what cannot be read, types, bounds, required fields. Filled by `is_valid`.
        warnings: What has no effect, by control name: keys that the schema forbids. Filled by `is_valid`.
    """

    def __init__(
        self,
        schema: Any,
        *,
        name: str,
        document: Any = MISSING,
        label: str = "",
        fixed: Fixed = NOTHING_FIXED,
        post_url: str | None = None,
    ) -> None:
        """`post_url`: where htmx posts the row buttons; None: they are submit buttons of the page's own form."""
        self.schema = schema if isinstance(schema, dict) else {}
        self.name = name
        self.label = label or str(self.schema.get("title") or name.rsplit("/", 1)[-1])
        self.post_url = post_url
        self.fixed = fixed
        self.errors: dict[str, list[str]] = {}
        self.warnings: dict[str, list[str]] = {}
        self._shapes = Shapes(self.schema)
        self._focus = ""
        self._tree = copied(document)
        self._put_fixed()

    @classmethod
    def from_post(
        cls,
        schema: Any,
        data: QueryDict,
        *,
        name: str,
        files: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> SchemaForm:
        """The form as it was posted."""
        form = cls(schema, name=name, **options)
        posted = posted_tree(name, data, files)
        form._tree = read(form._shapes, form.schema, posted)
        form._forged()
        form._put_fixed()
        return form

    _pastes: Mapping[str, Any] = {}  # never changed, only replaced

    @property
    def document(self) -> Any:
        return exported(self._tree)

    @property
    def is_readable(self) -> bool:
        """Whether every control could be read: then the document has all that was typed."""
        return not holds_unread(self._tree) or not holds_unread(compacted(self._tree))

    def check_readable(self) -> None:
        """Fill `errors` with what cannot be read, and nothing else; the empty rows of lists are dropped."""
        self._tree = compacted(self._tree)
        self.errors = {**self._forgeries}
        self._read_errors(self._tree, self.name)

    def is_valid(self) -> bool:
        """Check everything; the empty rows of lists are dropped."""
        self.check_readable()
        if (document := self.document) is MISSING:
            found = self._missing()
        else:
            found, self.warnings = findings(self.schema, document, self.name)
            found |= missing_parts(self._shapes, self.schema, self._tree, self.name)
        # If something cannot be read or may not be changed, report only that.
        self.errors = {**found, **self.errors}
        return not self.errors

    def _missing(self) -> dict[str, list[str]]:
        """Nothing was given at all: what is required is missing."""
        shape = self._shapes.of(self.schema)
        return {join(self.name, key): ["This is required."] for key in shape.required if shape.kind == "object"}

    def _read_errors(self, value: Any, name: str) -> None:
        if isinstance(value, Unread):
            self.errors.setdefault(name, []).append(value.sentence)
        elif isinstance(value, Chosen):
            self._read_errors(value.value, name)
        elif isinstance(value, dict):
            for key, member in value.items():
                if isinstance(key, NewKey):
                    self.errors.setdefault(name, []).append(key.sentence or "Give the new row a name.")
                else:
                    self._read_errors(member, join(name, key))
        elif isinstance(value, list):
            for index, member in enumerate(value):
                self._read_errors(member, join(name, index))

    def act(self, action: str) -> bool:
        """Carry out a row button; returns whether it belongs to this form."""
        actor = Actor(self._shapes, self.name, self._tree)
        done = actor.act(action)
        self._tree = actor.tree
        self._focus = actor.focus
        self._put_fixed()
        return done

    # Fixed values.

    def _forged(self) -> None:
        """Values of locked and hidden fields that were posted although they cannot be changed."""
        self._forgeries = {}
        for name in self.fixed.names:
            posted = _value_at(exported(self._tree), path_of(self.name, name))
            wanted = _value_at(self.fixed.document, path_of(self.name, name))
            if posted is not MISSING and posted != wanted:
                self._forgeries[name] = ["The preset has locked this field; its value cannot be changed."]

    _forgeries: dict[str, list[str]] = {}  # never changed, only replaced

    def _put_fixed(self) -> None:
        for name in self.fixed.names:
            if not (name == self.name or name.startswith(f"{self.name}/")):
                continue
            path = path_of(self.name, name)
            self._tree = _with_value(self._tree, path, _value_at(self.fixed.document, path))

    # Showing.

    @property
    def root(self) -> Node:
        """The form as a tree of nodes."""
        focus = self._focus
        builder = Builder(
            self._shapes,
            errors=self.errors,
            warnings=self.warnings,
            locked=frozenset(self.fixed.locked),
            hidden=frozenset(self.fixed.hidden),
            focus=focus,
            post_url=self.post_url,
            target=self.html_id,
        )
        place = Place(name=self.name, label=self.label, required=True)
        return builder.build(self.schema, self._tree, place)

    def label_of(self, control: str) -> str:
        """The label of a control of this form, with the labels around it."""
        return label_of(self._shapes, self.schema, path_of(self.name, control)) or self.label

    @property
    def html_id(self) -> str:
        return "form-" + self.name.replace("/", "-")

    @property
    def needs_multipart(self) -> bool:
        """Whether a file may be uploaded: the page's form is then multipart/form-data."""
        text = str(self.schema)
        return any(word in text for word in ("base64", "HumanMessage", "data-url", "'binary'", "'byte'", "messages"))

    def __str__(self) -> SafeString:
        is_blank = self._tree is MISSING and not (self._focus or self.fixed.names or self.errors or self.warnings)
        if is_blank:
            return _blank_html(json.dumps(self.schema), self.name, self.label, self.post_url)
        return self._drawn()

    def _drawn(self) -> SafeString:
        root = self.root
        root.is_bare = root.template in ("_object", "_list", "_union")
        root.part["html_id"] = self.html_id
        page = Node("form", self.name, children=[root], part={"html_id": self.html_id})
        return mark_safe(str(page))  # noqa: S308  # a rendered template

    __html__ = __str__


@lru_cache(maxsize=MOST_BLANK_FORMS)
def _blank_html(schema_text: str, name: str, label: str, post_url: str | None) -> SafeString:
    """A blank form, which is the same for everybody: rendered once and cached."""
    return SchemaForm(json.loads(schema_text), name=name, label=label, post_url=post_url)._drawn()


def _value_at(document: Any, path: list[str]) -> Any:
    for key in path:
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            return MISSING
    return document


def _with_value(tree: Any, path: list[str], value: Any) -> Any:
    """The tree with `value` at `path`; creates objects on the way, and MISSING removes the key."""
    if not path:
        return copied(value)
    key, rest = path[0], path[1:]
    if isinstance(tree, Chosen):
        tree.value = _with_value(tree.value, path, value)
    elif isinstance(tree, list):
        if key.isdecimal() and int(key) < len(tree):
            tree[int(key)] = _with_value(tree[int(key)], rest, value)
    elif isinstance(tree, dict) or value is not MISSING:
        tree = tree if isinstance(tree, dict) else {}
        below = _with_value(tree.get(key, MISSING), rest, value)
        if below is MISSING:
            tree.pop(key, None)
        else:
            tree[key] = below
    return tree
