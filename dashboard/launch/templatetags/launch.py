"""How the launch form's controls are written out."""

from __future__ import annotations

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

from dashboard.launch.fields import JSONText

register = template.Library()


@register.simple_tag
def control(field: BoundField, **attrs: str) -> SafeString:
    """The field's control, tied to its help, its errors and, for JSON, to what is said of it while typing."""
    parts = [f"id_{field.name}_help"] if field.help_text else []
    parts += [f"id_{field.name}_error"] if field.errors else []
    parts += [f"id_{field.name}_json"] if isinstance(field.field, JSONText) else []
    given: dict[str, str | bool] = {"aria-describedby": " ".join(parts), **attrs}
    return field.as_widget(attrs=given)
