"""Form fields for the values of `wait`. Each returns None for "not given", and its errors say what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError

from dashboard.schema_forms import json_text


def speak_plainly(fields: Mapping[str, forms.Field]) -> None:
    """Replace the framework's sentences, which are about forms and validity, by ones that say what to do."""
    for field in fields.values():
        field.error_messages |= {
            "max_length": "This is too long: it has %(show_value)d characters, and %(limit_value)d fit.",
            "null_characters_not_allowed": "NUL characters are not allowed here.",
        }
        if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
            words = [str(word) for word, _ in cast("list[tuple[str, str]]", field.choices) if word]
            field.error_messages["invalid_choice"] = (
                f"“%(value)s” is not a choice: give {', '.join(words[:-1])} or {words[-1]}; empty is the default."
            )
        elif isinstance(field, forms.UUIDField):
            field.error_messages["invalid"] = "This form was damaged in transit. Reload the page, and fill it in again."


class ServerChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # Django does not support the parameter at run time
    """One of the team's servers, by its id."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except ValidationError:
            raise ValidationError("Your team has no such server; choose one of those offered.") from None


class JSONText(forms.CharField):
    """A JSON document typed by a person; returns the parsed value, or None when empty (or `null`, which is the same).

    Refuses, with the place, what JSON cannot say or would change silently: NaN, numbers beyond double,
    a key that stands twice, nesting too deep.
    """

    widget = forms.Textarea

    def __init__(self, *, example: str, only_object: bool = True, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        super().__init__(strip=False, **kwargs)
        self.example = example
        self.only_object = only_object

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text or not text.strip():
            return None
        parsed = self._parse(text)
        if parsed is not None and self.only_object and not isinstance(parsed, dict):
            found = {list: "a list", str: "a text", bool: "true or false"}.get(type(parsed), "a number")
            raise ValidationError(f"{self.label} must be a JSON object, for example {self.example}. This is {found}.")
        return parsed

    def validate(self, value: Any) -> None:
        """CharField's own checks are about text; the value is no text any more."""

    def run_validators(self, value: Any) -> None:
        """The text was checked before it was parsed."""

    def _parse(self, text: str) -> Any:
        try:
            parsed = json_text.parse(text)
        except json_text.Problem as problem:
            raise self._wrong(str(problem)) from None
        if refused := json_text.refusals_of_text(text, parsed):
            raise ValidationError(refused)
        return parsed

    def _wrong(self, sentence: str) -> ValidationError:
        shape = "a JSON object" if self.only_object else "JSON"
        return ValidationError(f"{self.label} must be {shape}, for example {self.example}. {sentence}")


class ReadDocument(forms.Field):
    """A document whose form has read it already."""

    def __init__(self, read: Callable[[], Any], **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.read = read

    def clean(self, value: Any) -> Any:
        return self.read()


class BooleanText(forms.TypedChoiceField):
    """`true`, `false`, or empty for "not given"."""

    def __init__(self, **kwargs: Any) -> None:
        default = kwargs.pop("default_label", "Not given")
        super().__init__(
            choices=[("", default), ("true", "true"), ("false", "false")],
            coerce=lambda text: text == "true",
            empty_value=None,
            required=False,
            **kwargs,
        )


class OptionText(forms.TypedChoiceField):
    """One of the server's words, or empty for "not given"."""

    def __init__(self, words: list[tuple[str, str]], *, default_label: str = "Not given", **kwargs: Any) -> None:
        super().__init__(choices=[("", default_label), *words], empty_value=None, required=False, **kwargs)


class NodeNames(forms.CharField):
    """Node names, one a line, or `*` for every node. Returns a list, "*", or None."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        names = [line.strip() for line in (text or "").splitlines() if line.strip()]
        if not names:
            return None
        if "*" in names:
            if len(names) > 1:
                raise ValidationError("Give node names, or * alone for every node; not both.")
            return "*"
        return list(dict.fromkeys(names))

    def run_validators(self, value: Any) -> None:
        """The text was checked before it became a list."""
        super().run_validators("\n".join(value) if isinstance(value, list) else value)


class Tags(forms.CharField):
    """Words separated by commas or spaces. Returns a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> Any:
        words = [word for word in re.split(r"[,\s]+", super().to_python(value) or "") if word]
        if any(len(word) > 60 for word in words):
            raise ValidationError("A tag has at most 60 characters.")
        if len(words) > 20:
            raise ValidationError("A run has at most 20 tags.")
        return list(dict.fromkeys(words))

    def run_validators(self, value: Any) -> None:
        super().run_validators(" ".join(value))


def tie_to_help(fields: Mapping[str, forms.Field]) -> None:
    """Link each control to its help, and give those for JSON or names their size and an example."""
    for name, field in fields.items():
        attrs = field.widget.attrs
        if field.help_text and not isinstance(field.widget, forms.RadioSelect):
            attrs["aria-describedby"] = f"id_{name}_help"
        if isinstance(field, JSONText):
            attrs |= {"spellcheck": "false", "placeholder": field.example, "rows": 4}
        if isinstance(field, NodeNames):
            attrs |= {"spellcheck": "false", "rows": 2}
