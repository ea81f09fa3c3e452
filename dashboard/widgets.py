"""Form controls as HTML. Django renders two templates for each; a launch form has thirty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.forms.renderers import DjangoTemplates
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

Widget = Mapping[str, Any]


class Widgets(DjangoTemplates):
    """Writes the most common controls itself, exactly like Django's templates; those render all others."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> SafeString:
        write = _WRITTEN.get(template_name)
        if write is None:
            return SafeString(super().render(template_name, context, request))
        return mark_safe(write(context["widget"]))  # noqa: S308 - every value in it went through _text()


def _text(value: object) -> str:
    return str(conditional_escape(value if isinstance(value, str) else str(value)))


def _attributes(widget: Widget) -> str:
    given = ((name, value) for name, value in widget["attrs"].items() if value is not False)
    return "".join(f" {name}" if value is True else f' {name}="{_text(value)}"' for name, value in given)


def _input(widget: Widget) -> str:
    value = "" if widget["value"] is None else f' value="{_text(widget["value"])}"'
    return f'<input type="{_text(widget["type"])}" name="{_text(widget["name"])}"{value}{_attributes(widget)}>'


def _option(widget: Widget) -> str:
    if not widget["wrap_label"]:
        return _input(widget)
    target = f' for="{_text(widget["attrs"]["id"])}"' if widget["attrs"].get("id") else ""
    return f"<label{target}>{_input(widget)}\n {_text(widget['label'])}</label>"


def _textarea(widget: Widget) -> str:
    text = _text(widget["value"]) if widget["value"] else ""
    return f'<textarea name="{_text(widget["name"])}"{_attributes(widget)}>\n{text}</textarea>'


def _select(widget: Widget) -> str:
    parts = [f'<select name="{_text(widget["name"])}"{_attributes(widget)}>']
    for group, options, _ in widget["optgroups"]:
        parts.append(f'\n  <optgroup label="{_text(group)}">' if group else "")
        for option in options:
            value, label = _text(option["value"]), _text(option["label"])
            parts.append(f'\n  <option value="{value}"{_attributes(option)}>{label}</option>\n')
        parts.append("\n  </optgroup>" if group else "")
    return "".join([*parts, "\n</select>"])


_PLACE = "django/forms/widgets/"
_WRITTEN: Final[dict[str, Callable[[Widget], str]]] = {
    **{f"{_PLACE}{kind}.html": _input for kind in ("text", "hidden", "number", "email", "url", "password", "checkbox")},
    **{f"{_PLACE}{kind}_option.html": _option for kind in ("radio", "checkbox")},
    f"{_PLACE}textarea.html": _textarea,
    f"{_PLACE}select.html": _select,
}
