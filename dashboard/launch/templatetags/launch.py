"""Renders the launch form's controls."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.forms import BoundField
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from dashboard.launch.documents import Document
from dashboard.launch.fields import JSONText
from dashboard.launch.forms import LaunchForm
from dashboard.launch.parameters import ADVANCED_FIELDS

register = template.Library()

LARGE = 20_000
"""From this many characters on, a text does not make its field grow: browsers take seconds for that."""


@register.simple_tag
def control(field: BoundField, aria_label: str = "", **attrs: str) -> SafeString:
    """The field's control, linked to its help, its errors and, for JSON, to the check while typing."""
    parts = [f"id_{field.name}_help"] if field.help_text else []
    parts += [f"id_{field.name}_error"] if field.errors else []
    parts += [f"id_{field.name}_json"] if isinstance(field.field, JSONText) else []
    given: dict[str, str | bool] = {"aria-describedby": " ".join(parts), **attrs}
    if getattr(field, "is_large", False):
        given["class"] = "is-large"
    if aria_label:
        given["aria-label"] = aria_label
    return field.as_widget(attrs=given)


@register.simple_tag
def group_fields(form: LaunchForm, names: tuple[str, ...]) -> SafeString:
    """The fields of a group under Advanced. While they are blank they are the same for everybody, and drawn once."""
    if not form.is_blank(names):
        return _drawn(form, names)
    if names not in _BLANK:
        _BLANK[names] = _drawn(form, names)
    return _BLANK[names]


_BLANK: dict[tuple[str, ...], SafeString] = {}


def _drawn(form: LaunchForm, names: tuple[str, ...]) -> SafeString:
    return render_to_string("launch/_group_fields.html", {"form": form, "fields": [form[name] for name in names]})


@register.simple_tag
def document_field(form: LaunchForm, document: Document) -> BoundField:
    """The text area that holds the document in its JSON view, with the text as it stands now."""
    field = form.base_fields[document.name]
    bound = JSONBound(form, field, document.name)
    bound.is_large = len(document.text) > LARGE
    bound.text = document.text
    return bound


class JSONBound(BoundField):
    """A JSON field that shows a document's text, whatever was posted under its name."""

    text = ""
    is_large = False

    def value(self) -> str:
        return self.text


@register.filter
def is_advanced(field: BoundField) -> bool:
    """Whether a field is under Advanced, where experts look for the names of `wait`."""
    return field.name in ADVANCED_FIELDS


@register.filter
def of(found: Mapping[str, list[str]], name: str) -> list[str]:
    """The sentences about one field."""
    return found.get(name, [])
