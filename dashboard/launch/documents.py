"""The documents of a launch (input, context, config), each as a form or as JSON: two views of one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from django.http import QueryDict
from django.urls import reverse

from dashboard.schema_forms import MISSING, Fixed, SchemaForm, check, json_text
from dashboard.servers.models import Assistant

NAMES: Final = ("input", "context", "config")
_LABELS: Final = {"input": "Input", "context": "Context", "config": "Settings"}
_TAGS: Final = {"type": "array", "title": "Tags", "items": {"type": "string"}}
_LIMIT: Final = {
    "type": "integer",
    "title": "Recursion limit",
    "minimum": 1,
    "description": "How many steps the graph may take before it is stopped. Default: the assistant's own.",
}


@dataclass
class Schema:
    """The schema of one document, or a sentence why there is none."""

    value: dict[str, Any] | None
    why: str = ""


def schema_of(assistant: Assistant | None, name: str) -> Schema:
    """An assistant's schema of the document `name`."""
    if assistant is None:
        return Schema(None)
    schemas = assistant.schemas
    if name == "config":
        return Schema(_config_schema(schemas))
    found = schemas.get(f"{name}_schema")
    if name == "input":
        if not isinstance(found, dict):
            found = schemas.get("state_schema")
        if not isinstance(found, dict):
            why = assistant.schema_problem or "The server gives no schema of this assistant's input."
            return Schema(None, f"{why.rstrip('.')}. So there is no form; the input is typed as JSON.")
    return Schema(found if isinstance(found, dict) else None)


def _config_schema(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """`config` as a form: what the assistant can be configured with stands first, unless it goes into the context."""
    properties: dict[str, Any] = {}
    own = schemas.get("config_schema")
    if has_configurable(schemas) and isinstance(own, dict):
        properties["configurable"] = {**own, "title": own.get("title") or "Configurable"}
        definitions = {key: own[key] for key in ("$defs", "definitions") if key in own}
    else:
        definitions = {}
    return {"type": "object", "properties": {**properties, "recursion_limit": _LIMIT, "tags": _TAGS}, **definitions}


def has_configurable(schemas: Mapping[str, Any]) -> bool:
    """Whether the assistant is configured by `config.configurable`: servers refuse that together with a context."""
    own = schemas.get("config_schema")
    has_properties = isinstance(own, dict) and bool(own.get("properties"))
    return has_properties and not schemas.get("context_schema")


def document_label(name: str) -> str:
    """The label of the document."""
    return _LABELS[name]


@dataclass
class Document:
    """One document, as posted or to show."""

    name: str
    schema: Schema
    view: str
    form: SchemaForm | None = None
    text: str = ""
    problem: str = ""
    warnings: dict[str, list[str]] = field(default_factory=dict)
    # Row buttons are plain buttons of the page's own form, for strangers, who have no launch page.
    is_plain: bool = False

    @classmethod
    def from_post(
        cls,
        name: str,
        schema: Schema,
        data: Mapping[str, Any],
        files: Mapping[str, Any] | None,
        fixed: Fixed,
        *,
        is_plain: bool = False,
    ) -> Document:
        """The document as typed: `shown/<name>` says which view the controls are of, else `<name>_view` does."""
        view = str(data.get(f"shown/{name}") or data.get(f"{name}_view") or "json")
        document = cls(name, schema, "form" if view == "form" else "json", text=str(data.get(name) or ""))
        document.is_plain = is_plain
        if document.view == "form":
            if not data.get(f"shown/{name}") and not schema.value:
                schema = document.schema = Schema({}, schema.why)
            posted = data if isinstance(data, QueryDict) else _query(data)
            document.form = SchemaForm.from_post(schema.value or {}, posted, files=files, **document.options(fixed))
            document.text = ""
        return document

    @classmethod
    def of_text(
        cls, name: str, schema: Schema, text: str, view: str, fixed: Fixed, *, is_plain: bool = False
    ) -> Document:
        """The document to show: as a form wherever there is one, unless JSON is asked for."""
        document = cls(name, schema, "json", text=text, is_plain=is_plain)
        if view != "json" and schema.value is not None:
            document.show_form(fixed)
            document.problem = ""
        return document

    def options(self, fixed: Fixed) -> dict[str, Any]:
        post_url = None if self.is_plain else reverse("launch-form")
        return {"name": self.name, "label": self.label, "fixed": fixed, "post_url": post_url}

    def show_form(self, fixed: Fixed) -> None:
        """Switch to the form; a text that is not JSON stays as it is, with the reason."""
        try:
            value = json_text.parse(self.text) if self.text.strip() else MISSING
        except json_text.Problem as problem:
            self.problem = f"This is not JSON yet, so it cannot be shown as a form. {problem}"
            return
        self.form = SchemaForm(self.schema.value or {}, document=value, **self.options(fixed))
        self.view, self.text = "form", ""

    def show_json(self) -> None:
        """Switch to JSON; what the form cannot read stays there, with its errors."""
        assert self.form is not None
        if not self.form.is_readable:
            self.form.check_readable()
            return
        value = self.form.document
        self.text = "" if value is MISSING else json_text.write(value)
        self.view, self.form = "json", None

    def leave_empty(self) -> None:
        """Clear the document; as JSON if the form would fill in defaults."""
        if self.form is not None and self.value is not MISSING:
            self.view, self.form, self.text = "json", None, ""

    def forget_unknown(self, fixed: Fixed) -> None:
        """Another assistant was chosen: keep the values for which it has a field, and show its form."""
        value = self.value
        known = self.schema.value.get("properties") if self.schema.value else None
        if isinstance(value, dict) and isinstance(known, dict):
            value = {key: member for key, member in value.items() if key in known}
        self.problem, self.view, self.form = "", "json", None
        self.text = "" if value is MISSING or value == {} else json_text.write(value)
        if self.has_form:
            self.show_form(fixed)

    @property
    def label(self) -> str:
        return document_label(self.name)

    @cached_property
    def html(self) -> str:
        """The form to show; built once, after the last change."""
        return str(self.form) if self.form is not None else ""

    @property
    def value(self) -> Any:
        """The current value; MISSING when nothing was given, or it is not JSON."""
        if self.form is not None:
            return self.form.document
        try:
            return json_text.parse(self.text) if self.text.strip() else MISSING
        except json_text.Problem:
            return MISSING

    def given(self) -> Any:
        """The same with None for nothing, as in form fields."""
        value = self.value
        return None if value is MISSING else value

    views = (("form", "Form"), ("json", "JSON"))

    @property
    def description(self) -> str:
        """The first paragraph of the schema's description."""
        text = (self.schema.value or {}).get("description")
        return text.strip().split("\n\n")[0] if isinstance(text, str) and self.name != "config" else ""

    @property
    def example(self) -> bool:
        """Whether the blank form can be filled in with an example of the schema's own."""
        examples = (self.schema.value or {}).get("examples")
        return isinstance(examples, list) and bool(examples) and self.value is MISSING

    @property
    def has_form(self) -> bool:
        return self.schema.value is not None

    def check_form(self, *, may_be_missing: bool) -> dict[str, list[str]]:
        """The errors of the form view, by control name."""
        assert self.form is not None
        if self.form.is_valid() or (may_be_missing and self.form.document is MISSING and self.form.is_readable):
            self.form.errors = {}
        errors = dict(self.form.errors)
        if (value := self.form.document) is not MISSING:
            for pointer, sentence in json_text.refusals(value):
                errors.setdefault(self.name + pointer, [sentence])
            self.form.errors = errors
        self.warnings = dict(self.form.warnings)
        return errors

    def check_json(self, value: Any) -> None:
        """What the schema refuses in the JSON view: warnings with their lines."""
        if self.schema.value is None or value is None:
            return
        found = check(self.schema.value, value, self.name)
        lines = json_text.line_of(self.text, {control[len(self.name) :] for control in found})
        for control, sentences in found.items():
            pointer = control[len(self.name) :]
            line = lines.get(pointer) or lines.get(pointer.rpartition("/")[0]) or 1
            where = f"Line {line}{f' ({pointer[1:]})' if pointer else ''}: "
            self.warnings[control] = [where + sentence for sentence in sentences]


def _query(data: Mapping[str, Any]) -> QueryDict:
    query = QueryDict(mutable=True)
    query.update({key: str(value) for key, value in data.items()})
    return query
