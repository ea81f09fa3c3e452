"""A run in the list of the inbox. Made here and not by a template: fifty of them would take most of a page's time."""

from __future__ import annotations

from html import escape
from uuid import UUID

from django import template
from django.utils.safestring import SafeString, mark_safe

from dashboard.answers.fragments import InboxItem
from dashboard.runs.models import Run
from dashboard.runs.templatetags.runs import ago, icon, until

register = template.Library()


@register.simple_tag
def inbox_item(item: InboxItem, *, url: str, selected: UUID | None, shows_snoozes: bool) -> SafeString:
    """One question in a line, with whose it is and since when it waits.

    Args:
        url: The inbox's address.
        selected: The run whose question is on show.
    """
    run = item.run
    current = ' aria-current="true"' if run.pk == selected else ""
    return mark_safe(  # noqa: S308 - what is not ours is escaped
        f'<li><a class="inbox-item" id="inbox-{run.pk}" href="{escape(url)}?{escape(item.query)}" data-inbox-item'
        f"{current}>"
        f'<span class="inbox-line" dir="auto">{escape(item.line)}</span>\n'
        f'<span class="inbox-meta">{_about(run)}</span>{_who(run, shows_snoozes)}\n'
        f'<span class="inbox-age">{ago(run.finished_at)}</span></a></li>\n'
    )


def _about(run: Run) -> str:
    title, assistant = run.title, run.assistant_label
    told = [title, *([assistant] if assistant != title else []), *([str(run.launched_by)] if run.launched_by else [])]
    return " · ".join(f"<bdi>{escape(words)}</bdi>" for words in told)


def _who(run: Run, shows_snoozes: bool) -> str:
    """To whom it is assigned, and until when it is put aside; "" for most."""
    if not run.assigned_to and not shows_snoozes:
        return ""
    who = f"{icon('person')}<bdi>{escape(str(run.assigned_to))}</bdi>" if run.assigned_to else ""
    when = f" until {until(run.snoozed_until)}" if shows_snoozes and run.snoozed_until else ""
    return f'\n<span class="inbox-who">{who}{when}</span>'
