"""The events of a run as its page shows them. Not a template: it would take a tenth of the page's time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from django import template
from django.utils.safestring import SafeString

from dashboard.runs.templatetags.runs import Clock, icon, offset, status_icon, tone
from dashboard.runs.timeline import EventLine

register = template.Library()


@register.simple_tag
def event_items(events: Sequence[EventLine]) -> SafeString:
    """The items of the list of events. What is not ours is escaped here."""
    clock = Clock()
    return SafeString("\n".join(_item(event, events[0].at, clock) for event in events))


def _item(event: EventLine, start: datetime, clock: Clock) -> str:
    toned = f' data-tone="{tone(event.status)}"' if event.status else ""
    mark = status_icon(event.status) if event.status else icon("dot")
    who = f'\n<span class="muted">by <bdi>{escape(event.who)}</bdi></span>' if event.who else ""
    detail = f'\n<p class="event-detail muted" dir="auto">{escape(event.detail)}</p>' if event.detail else ""
    at = event.at.astimezone(clock.zone)
    return (
        f'<li class="event"{toned}><span class="event-mark">{mark}</span>\n'
        f'<div class="event-text"><p><bdi>{escape(event.text)}</bdi>{who}</p>{detail}</div>\n'
        f'<time class="event-at" datetime="{at.isoformat()}" title="{clock.exactly(event.at)}">'
        f'<span class="event-offset">{offset(start, event.at)}</span>'
        f'<span class="muted">{at:%H:%M:%S}</span></time></li>'
    )
