"""Links of the navigation, which mark the page they lead to."""

from __future__ import annotations

from html import escape
from typing import Any

from django import template
from django.template import Context
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from dashboard.addresses import page_address

register = template.Library()


@register.simple_tag(takes_context=True)
def nav_link(context: Context, url_name: str, label: Any, classes: str = "") -> SafeString:
    """A link to the page `url_name`, with `aria-current` on that page. `label`: text, or markup made by another tag."""
    request = context.get("request")
    url = page_address(url_name)
    current = ' aria-current="page"' if request is not None and request.path == url else ""
    style = f' class="{escape(classes)}"' if classes else ""
    return SafeString(f'<a{style} href="{escape(url)}"{current}>{conditional_escape(label)}</a>')
