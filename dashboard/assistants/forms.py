"""The form of an assistant on its server: its name, and the context and config it starts its graph with."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from dashboard.schema_forms import json_text
from dashboard.servers.models import Assistant


class AssistantForm(forms.Form):
    """An assistant's settings. Documents are JSON texts; empty means the graph's own."""

    name = forms.CharField(
        max_length=200,
        label="Name",
        error_messages={"required": "Give it a name."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    description = forms.CharField(
        required=False, max_length=5_000, label="Description", widget=forms.Textarea(attrs={"rows": 2})
    )
    context = forms.CharField(
        required=False,
        strip=False,
        label="Context",
        help_text="Settings for its runs, as a JSON object. A launch can override them.",
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
    )
    config = forms.CharField(
        required=False,
        strip=False,
        label="Config",
        help_text="recursion_limit, tags and configurable, as a JSON object.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None, *, assistant: Assistant, is_new: bool) -> None:
        initial = {
            "name": "" if is_new else assistant.name,
            "description": assistant.description,
            **{name: json_text.write(value) for name, value in assistant.settings.items()},
        }
        super().__init__(data, initial=initial)

    def clean_context(self) -> dict[str, Any]:
        return self._document("context")

    def clean_config(self) -> dict[str, Any]:
        return self._document("config")

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("context") and (data.get("config") or {}).get("configurable"):
            self.add_error("context", "Give a context or config.configurable, not both; servers refuse them together.")
        return data

    def _document(self, name: str) -> dict[str, Any]:
        text: str = self.cleaned_data[name]
        if not text.strip():
            return {}
        try:
            document = json_text.parse(text)
        except json_text.Problem as problem:
            raise ValidationError(str(problem)) from None
        if not isinstance(document, dict):
            raise ValidationError('This must be a JSON object, for example {"tone": "plain"}.')
        return document

    def settings(self) -> dict[str, Any]:
        """The settings for the server. Only for a valid form."""
        return {name: self.cleaned_data[name] for name in ("name", "description", "context", "config")}
