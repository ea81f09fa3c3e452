"""The frame of every page."""

from __future__ import annotations

from html import escape

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.safestring import SafeString

from dashboard.static_files import ALL_STYLES, STYLESHEETS

register = template.Library()


@register.simple_tag
def stylesheets() -> SafeString:
    """The link to the stylesheets; one to each where they are not collected, while somebody works on them."""
    names = [f"css/{name}.css" for name in STYLESHEETS] if settings.ENV.debug else [ALL_STYLES]
    addresses = (escape(static(name)) for name in names)
    return SafeString("\n  ".join(f'<link rel="stylesheet" href="{address}">' for address in addresses))


@register.simple_tag
def server_time() -> str:
    """What time it is here, for the page's clocks."""
    return timezone.localtime().isoformat()
