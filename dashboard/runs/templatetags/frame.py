"""The frame of every page."""

from __future__ import annotations

from html import escape
from typing import Final

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.safestring import SafeString

register = template.Library()

STYLESHEETS: Final = (
    *("tokens", "base", "layout", "components", "runs", "history", "run", "steps", "tree", "state", "compare", "costs"),
    *("sharing", "workers", "schema_forms", "launch", "servers", "assistants", "presets", "answers", "people"),
    "overrides",
)
"""In the order of their layers; `tokens` first, as all others use it."""


@register.simple_tag
def stylesheets() -> SafeString:
    """The links to all stylesheets."""
    addresses = (escape(static(f"css/{name}.css")) for name in STYLESHEETS)
    return SafeString("\n  ".join(f'<link rel="stylesheet" href="{address}">' for address in addresses))


@register.simple_tag
def server_time() -> str:
    """What time it is here, for the page's clocks."""
    return timezone.localtime().isoformat()
