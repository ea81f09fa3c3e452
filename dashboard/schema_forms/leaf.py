"""The HTML of one control with its label, help and errors.

Written in Python, not as a template: a form has hundreds of them, and a template costs twenty times as much for each.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from django.utils.text import Truncator

if TYPE_CHECKING:
    from dashboard.schema_forms.nodes import Node, Option

_CODE = re.compile(r"`([^`]{1,200})`")
_AREAS = {"area", "json", "file"}
_INPUTS = {
    "integer": 'type="text" inputmode="numeric"',
    "number": 'type="text" inputmode="decimal"',
    "email": 'type="text" inputmode="email" spellcheck="false"',
    "url": 'type="text" inputmode="url" spellcheck="false"',
    "date": 'type="date"',
    "time": 'type="time" step="any"',
}
_LONG_DEFAULT = 40
_LONG = 2_000
"""A text of this many characters fills its field, which is laid out only when it comes into view."""
_LARGE = 20_000
"""From this many characters on, a text does not make its field grow: browsers take seconds for that."""


def leaf_html(node: Node) -> str:
    """The field of a node whose template is `_leaf`."""
    marks = f"{' has-error' if node.errors else ''}{' sf-in-row' if node.row else ''}"
    group = ""
    if node.control == "radios":
        group = f' role="radiogroup" aria-labelledby="{node.id}_label"{_described(node)}'
    hidden = "".join(f'<input type="hidden" name="{escape(key)}" value="{escape(text)}">' for key, text in node.hidden)
    return (
        f'<div class="sf-field sf-{node.control}{marks}" id="{node.id}_field"{group}>{_head(node)}{hidden}'
        f"{_control(node)}{_errors(node)}{_help(node)}{_suggestions(node)}</div>"
    )


def _head(node: Node) -> str:
    is_group = node.control in ("radios", "constant")
    label = (
        f'<span class="sf-label" id="{node.id}_label">{escape(node.label)}</span>'
        if is_group
        else f'<label for="{node.id}">{escape(node.label)}</label>'
    )
    parts = [label]
    if node.required and not node.row:
        parts.append('<span class="sf-required" aria-hidden="true">required</span>')
    if node.locked:
        parts.append('<span class="sf-note">locked by the preset</span>')
    if node.kinds:
        words = f"Kind of {node.label}"
        parts.append(_select(f"kind/{node.name}", words, node.kinds, "sf-small", node.locked))
    if node.given and not node.locked:
        words = f"What an empty {node.label} means"
        parts.append(_select(f"given/{node.name}", words, node.given, "sf-small sf-given", False))
    for action, words, title in node.actions:
        parts.append(_button(node, action, escape(words), "sf-action", f' title="{escape(title)}"' if title else ""))
    return f'<div class="sf-head">{"".join(parts)}</div>'


def _control(node: Node) -> str:
    name = escape(node.name)
    if node.control == "constant":
        return f'<span class="sf-constant">{escape(node.value)}</span>'
    if node.control == "radios":
        radios = [
            f'<label class="sf-radio"><input type="radio" id="{node.id}_{number}" name="{name}" '
            f'value="{escape(option.value)}"{" checked" if option.is_chosen else ""}'
            f"{' autofocus' if node.focus and not number else ''}{_disabled(node)}>"
            f"<span>{escape(option.label)}</span></label>"
            for number, option in enumerate(node.options)
        ]
        return f'<div class="sf-options">{"".join(radios)}</div>'
    attributes = f'id="{node.id}" name="{name}"{_state(node)}'
    if node.control == "select":
        return f"<select {attributes}>{_options(node.options)}</select>"
    placeholder = f'placeholder="{escape(node.placeholder or " ")}"'
    if node.control in _AREAS:
        size = len(node.value)
        styles = ["sf-code"] * (node.control != "area") + ["sf-large" if size > _LARGE else "sf-long"] * (size > _LONG)
        code = f' class="{" ".join(styles)}"' if styles else ""
        code += ' spellcheck="false"' if node.control != "area" or size > _LARGE else ""
        # A browser drops the first line break of a text area: this one is for it.
        area = f'<textarea {attributes} rows="1" {placeholder}{code}>\n{escape(node.value, quote=False)}</textarea>'
        if node.control != "file" or node.locked:
            return area
        words = escape(f"Upload a file for {node.label}")
        whole = " data-data-url" if node.is_data_url else ""
        return f'{area}<input type="file" name="upload/{name}" aria-label="{words}" data-upload{whole}>'
    kind = _INPUTS.get(node.control, 'type="text"')
    return f'<input {attributes} {kind} value="{escape(node.value)}" {placeholder} autocomplete="off">'


def _state(node: Node) -> str:
    required = ' aria-required="true"' if node.required else ""
    invalid = ' aria-invalid="true"' if node.errors else ""
    focus = " autofocus" if node.focus else ""
    return f"{required}{invalid}{_described(node)}{focus}{_disabled(node)}"


def _errors(node: Node) -> str:
    if not node.errors and not node.warnings:
        return ""
    lines = [f"<li>{escape(error)}</li>" for error in node.errors]
    lines += [f'<li class="sf-warning">{escape(warning)}</li>' for warning in node.warnings]
    return f'<ul class="sf-errors" id="{node.id}_error">{"".join(lines)}</ul>'


def _help(node: Node) -> str:
    html = ""
    if node.help or node.bounds:
        between = "" if not (node.help and node.bounds) else " " if node.help.endswith(".") else " · "
        html = f'<p class="sf-help" id="{node.id}_help">{_with_code(f"{node.help}{between}{node.bounds}")}</p>'
    if node.note:
        html += f'<p class="sf-help" id="{node.id}_note">{escape(node.note)}</p>'
    if node.more:
        words = escape(f"More about {node.label}")
        html += f'<details class="sf-more"><summary>{words}</summary><div>{escape(node.more)}</div></details>'
    return html


def _with_code(text: str) -> str:
    """Escaped, with words in backticks as code, as descriptions have them."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _suggestions(node: Node) -> str:
    """Examples to fill in, and a long default to start from."""
    is_long = len(node.default) > _LONG_DEFAULT and not node.value
    if node.locked or not (node.examples or is_long):
        return ""
    chips = [
        _button(
            node,
            f"example {node.name} {index}",
            f'<span class="sf-chip-word">Example:</span> {escape(Truncator(example).chars(48))}',
            "sf-chip",
            f' data-fill="{escape(example)}"',
        )
        for index, example in node.examples
    ]
    if is_long:
        fill = f' data-fill="{escape(node.default)}"'
        chips.append(_button(node, f"default {node.name}", "Edit the default", "sf-chip", fill))
    return f'<p class="sf-examples">{"".join(chips)}</p>'


def _button(node: Node, action: str, html: str, style: str, more: str = "") -> str:
    post = f' hx-post="{escape(node.post_url)}"' if node.post_url else ""
    return f'<button class="{style}" type="submit" name="do" value="{escape(action)}"{more}{post}>{html}</button>'


def _select(name: str, words: str, options: list[Option], style: str, is_locked: bool) -> str:
    locked = " disabled" if is_locked else ""
    label = escape(words)
    return f'<select class="{style}" name="{escape(name)}" aria-label="{label}"{locked}>{_options(options)}</select>'


def _options(options: list[Option]) -> str:
    return "".join(
        f'<option value="{escape(option.value)}"{" selected" if option.is_chosen else ""}>'
        f"{escape(option.label)}</option>"
        for option in options
    )


def _described(node: Node) -> str:
    found = node.described_by
    return f' aria-describedby="{found}"' if found else ""


def _disabled(node: Node) -> str:
    return " disabled" if node.locked else ""
