"""Links of the navigation, which mark the page they lead to."""

from __future__ import annotations

from functools import cache
from typing import Any

from django import template
from django.template import Context
from django.urls import get_script_prefix, reverse
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag(takes_context=True)
def nav_link(context: Context, url_name: str, label: Any, classes: str = "") -> SafeString:
    """A link to the page `url_name`, with `aria-current` on that page. `label`: text, or markup made by another tag."""
    request = context.get("request")
    url = _address(url_name, get_script_prefix())
    current = ' aria-current="page"' if request is not None and request.path == url else ""
    style = f' class="{escape(classes)}"' if classes else ""
    return mark_safe(f'<a{style} href="{escape(url)}"{current}>{conditional_escape(label)}</a>')  # noqa: S308 - escaped


@cache
def _address(url_name: str, prefix: str) -> str:
    """The address of a page, looked up once for each script prefix."""
    return reverse(url_name)
