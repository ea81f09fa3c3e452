"""How workers and their times look."""

from __future__ import annotations

import re
from datetime import datetime

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from dashboard.monitoring.fragments import list_notice_html, run_notice_html
from dashboard.runs.models import Run
from dashboard.runs.templatetags.runs import duration

register = template.Library()

CODE = re.compile(r"`([^`]+)`")


@register.simple_tag
def for_long(since: datetime, at: datetime) -> SafeString:
    """How long something has lasted, ticking on the page; the exact time is in the tooltip."""
    return format_html(
        '<span class="duration" data-since="{}" title="{}">{}</span>',
        since.isoformat(),
        f"{since:%Y-%m-%d %H:%M:%S} UTC",
        duration((at - since).total_seconds(), exact=False),
    )


@register.filter
def with_code(text: str) -> SafeString:
    """A sentence with its backticks as code."""
    return mark_safe(CODE.sub(r"<code>\1</code>", escape(text)))  # noqa: S308 - escaped before


@register.simple_tag
def run_work(run: Run) -> SafeString:
    """The worker banner of a run's page."""
    return run_notice_html(run)


@register.simple_tag
def list_work() -> SafeString:
    """The worker banner of the list of runs."""
    return list_notice_html()
