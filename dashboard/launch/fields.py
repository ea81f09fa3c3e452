"""Form fields for the kinds of values `wait` takes. Each gives None for "not given" and says what would be right."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError

from dashboard.text import clip

_EXPECTED = {
    "Expecting ',' delimiter": "expected a comma",
    "Expecting ':' delimiter": "expected a colon",
    "Expecting value": "expected a value",
    "Expecting property name enclosed in double quotes": "expected a key in double quotes",
    "Illegal trailing comma before end of object": "the last comma is one too many",
    "Illegal trailing comma before end of array": "the last comma is one too many",
    "Unterminated string starting at": "this text has no closing quote",
    "Invalid control character at": "a line break or tab inside a text must be written \\n or \\t",
    "Invalid \\escape": "a backslash inside a text must be doubled",
    "Invalid \\uXXXX escape": "expected four hex digits after \\u",
    "Extra data": "the document ended before this; expected nothing more",
}
# Possessive, and a text without its closing quote matches too: every character is looked at once, whatever was typed.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?+|-?(?:NaN|Infinity)|-?\d++(?:\.\d++)?+(?:[eE][+-]?\d++)?+', re.DOTALL)


def speak_plainly(fields: Mapping[str, forms.Field]) -> None:
    """Replace the framework's sentences, which speak of forms and validity, by ones that say what to do."""
    for field in fields.values():
        field.error_messages |= {
            "max_length": "This is too long: it has %(show_value)d characters, and %(limit_value)d fit.",
            "null_characters_not_allowed": "A NUL character cannot stand here.",
        }
        if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
            words = [str(word) for word, _ in cast("list[tuple[str, str]]", field.choices) if word]
            field.error_messages["invalid_choice"] = (
                f"“%(value)s” is none of the words: give {', '.join(words[:-1])} or {words[-1]}; empty is the default."
            )
        elif isinstance(field, forms.UUIDField):
            field.error_messages["invalid"] = "This form was damaged on its way. Load the page again, and fill it in."


class ServerChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # Django cannot be told it when it runs
    """One of the team's servers, by its id."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except ValidationError:
            raise ValidationError("Your team has no such server; choose one of those offered.") from None


class JSONText(forms.CharField):
    """A JSON document typed by a person; gives the parsed value, or None when empty (or `null`, which is the same).

    What JSON has no way to say, or would change silently, is refused with its place: NaN, numbers beyond double,
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
        if "\x00" in text:
            raise ValidationError("A NUL character cannot stand here; inside a text it is written \\u0000.")
        try:
            return json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique, parse_float=_finite)
        except json.JSONDecodeError as error:
            expected = _EXPECTED.get(error.msg, error.msg[:1].lower() + error.msg[1:])
            raise self._wrong(f"{_place(text, error.pos)}: {expected}.") from None
        except _Refused as error:
            raise self._wrong(f"{_place(text, _find(text, error.token))}: {error}") from None
        except RecursionError:
            raise self._wrong("It is nested too deeply.") from None
        except ValueError:
            raise self._wrong("It holds a whole number with too many digits.") from None

    def _wrong(self, sentence: str) -> ValidationError:
        shape = "a JSON object" if self.only_object else "JSON"
        return ValidationError(f"{self.label} must be {shape}, for example {self.example}. {sentence}")


class _Refused(ValueError):
    def __init__(self, token: str, sentence: str) -> None:
        super().__init__(sentence)
        self.token = token


def _refuse(token: str) -> Any:
    raise _Refused(token, f"{token} is no JSON value; use null, or a text.")


def _finite(token: str) -> float:
    number = float(token)
    if not math.isfinite(number):
        raise _Refused(token, f"{clip(token)} is too large for a number; write it as a text.")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Refused(json.dumps(key, ensure_ascii=False), f'the key "{clip(key)}" stands twice.')
        found[key] = value
    return found


def _find(text: str, token: str) -> int:
    """Where a refused token stands: for a key that stands twice, the last place; else the first outside texts."""
    found = (match.start() for match in _TOKEN.finditer(text) if match.group() == token)
    first = next(found, 0)
    return next(found, first) if token.startswith('"') else first


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return f"Line {line}, column {column}"


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
    """One of the words the server knows, or empty for "not given"."""

    def __init__(self, words: list[tuple[str, str]], *, default_label: str = "Not given", **kwargs: Any) -> None:
        super().__init__(choices=[("", default_label), *words], empty_value=None, required=False, **kwargs)


class NodeNames(forms.CharField):
    """Node names one a line, or `*` for every node. Gives a list, "*", or None."""

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
    """Words with commas or spaces between. Gives a list."""

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
