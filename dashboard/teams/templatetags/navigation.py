"""Links of the navigation, which mark the page they lead to."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag(takes_context=True)
def nav_link(context: Context, url_name: str, label: Any, classes: str = "") -> SafeString:
    """A link to the page `url_name`, with `aria-current` on that page. `label`: text, or markup made by another tag."""
    request = context.get("request")
    url = reverse(url_name)
    current = mark_safe(' aria-current="page"') if request is not None and request.path == url else ""
    style = format_html(' class="{}"', classes) if classes else ""
    return format_html('<a{} href="{}"{}>{}</a>', style, url, current, label)
