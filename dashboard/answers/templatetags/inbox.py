"""The list of the inbox. Made here and not by a template: fifty rows would take most of a page's time."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from uuid import UUID

from django import template
from django.utils.safestring import SafeString, mark_safe

from dashboard.answers.inbox_rows import InboxRow
from dashboard.answers.selectors import COUNTED
from dashboard.runs.templatetags.runs import ago, icon, until

register = template.Library()


@register.simple_tag
def inbox_items(
    rows: Iterable[InboxRow], *, url: str, query: str, selected: UUID | None, shows_snoozes: bool
) -> SafeString:
    """Each question in a line, with its assignee and how long it has waited.

    Args:
        url: The inbox's address.
        query: What goes before the run in the query string.
        selected: The run whose question is on show.
    """
    before = escape(f"{url}?{query}run=")
    return mark_safe(  # noqa: S308 - what is not ours is escaped
        "".join(_item(row, f"{before}{row.pk}", row.pk == selected, shows_snoozes) for row in rows)
    )


@register.filter
def counted(count: int) -> str:
    """A number of questions in words: from `COUNTED` on they were not counted to the end."""
    return str(count) if count < COUNTED else f"{COUNTED - 1}+"


def _item(row: InboxRow, href: str, is_selected: bool, shows_snoozes: bool) -> str:
    current = ' aria-current="true"' if is_selected else ""
    return (
        f'<li><a class="inbox-item" id="inbox-{row.pk}" href="{href}" data-inbox-item{current}>'
        f'<span class="inbox-line" dir="auto">{escape(row.line)}</span>\n'
        f'<span class="inbox-meta">{_about(row)}</span>{_who(row, shows_snoozes)}\n'
        f'<span class="inbox-age">{ago(row.asked_at)}</span></a></li>\n'
    )


def _about(row: InboxRow) -> str:
    parts = [row.title, *([row.assistant] if row.assistant != row.title else []), row.launched_by]
    return " · ".join(f"<bdi>{escape(words)}</bdi>" for words in parts if words)


def _who(row: InboxRow, shows_snoozes: bool) -> str:
    """Who is assigned, and until when it is snoozed; "" for most."""
    if not row.assigned_to and not shows_snoozes:
        return ""
    who = f"{icon('person')}<bdi>{escape(row.assigned_to)}</bdi>" if row.assigned_to else ""
    when = f" until {until(row.snoozed_until)}" if shows_snoozes and row.snoozed_until else ""
    return f'\n<span class="inbox-who">{who}{when}</span>'
