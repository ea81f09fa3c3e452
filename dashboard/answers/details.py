"""What goes along with an answer: the inherited parameters, which can be changed before it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from dashboard.runs.inheritance import INHERITED
from dashboard.runs.models import ParentKind, Run
from dashboard.schema_forms import json_text

JSON_FIELDS = {"context": "Context", "config": "Config", "metadata": "Metadata"}
TEXT_FIELDS = {"name": "Name", "tags": "Tags", "webhook": "Webhook"}
NAME_CHARS, TAG_CHARS, TAGS_MOST = 200, 60, 20


@dataclass
class DetailField:
    """One parameter; `text` as it is shown or was typed."""

    name: str
    label: str
    text: str
    is_json: bool
    error: str = ""


class Details:
    """The parameters that can be changed, and the names of those that are sent unchanged."""

    def __init__(self, run: Run, data: QueryDict | None) -> None:
        params = run.request.params
        self._was = {name: json_text.write(params[name]) if name in params else "" for name in JSON_FIELDS}
        self._was |= {"name": run.name, "tags": ", ".join(run.tags), "webhook": str(params.get("webhook") or "")}
        self.fields = [self._field(name, label, data, is_json=False) for name, label in TEXT_FIELDS.items()]
        self.fields += [self._field(name, label, data, is_json=True) for name, label in JSON_FIELDS.items()]
        self.hidden = [
            name
            for name in params
            if ParentKind.ANSWER in INHERITED.get(name, frozenset()) and name not in {**JSON_FIELDS, **TEXT_FIELDS}
        ]

    def _field(self, name: str, label: str, data: QueryDict | None, *, is_json: bool) -> DetailField:
        typed = data.get(f"with/{name}") if data is not None else None
        text = self._was[name] if typed is None else str(typed).replace("\r\n", "\n")
        return DetailField(name, label, text, is_json)

    @property
    def is_open(self) -> bool:
        """Whether something was changed."""
        return any(field.error or field.text.strip() != self._was[field.name].strip() for field in self.fields)

    def changes(self, errors: dict[str, list[str]]) -> dict[str, Any]:
        """The changes, as `run_answer` takes them. Fills `errors`."""
        changed: dict[str, Any] = {}
        for field in self.fields:
            text = field.text.strip()
            if text == self._was[field.name].strip():
                continue
            try:
                changed[field.name] = self._value(field, text)
            except ValueError as problem:
                field.error = str(problem)
                errors[f"with/{field.name}"] = [f"{field.label}: {problem}"]
        return changed

    def _value(self, field: DetailField, text: str) -> Any:
        if field.is_json:
            document = json_text.parse(text) if text else None
            if document is not None and not isinstance(document, dict):
                raise ValueError("Give a JSON object, or nothing.")
            return document
        if field.name == "tags":
            tags = list(dict.fromkeys(tag.strip() for tag in text.split(",") if tag.strip()))
            if len(tags) > TAGS_MOST or any(len(tag) > TAG_CHARS for tag in tags):
                raise ValueError(f"At most {TAGS_MOST} tags, of at most {TAG_CHARS} characters each.")
            return tags
        if field.name == "webhook" and text and not text.startswith(("http://", "https://")):
            raise ValueError("Give an address that starts with http:// or https://.")
        if field.name == "name" and len(text) > NAME_CHARS:
            raise ValueError(f"At most {NAME_CHARS} characters.")
        return text or (None if field.name == "webhook" else "")
