"""The share panel on the run page, and links in words."""

from __future__ import annotations

from typing import Any

from django import forms, template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from dashboard.runs.models import Run
from dashboard.runs.templatetags.runs import ago, until
from dashboard.sharing.form_links.forms import StrangersForm
from dashboard.sharing.models import Audience, FormLink, ShareLink, WhatIsShown
from dashboard.sharing.panel_views import panel_context
from dashboard.sharing.parts import parts_shown
from dashboard.sharing.redaction.kinds import KINDS
from dashboard.sharing.sets.words import came_from

register = template.Library()


@register.inclusion_tag("sharing/_panel.html", takes_context=True)
def share_panel(context: dict[str, Any], run: Run) -> dict[str, Any]:
    """The run's links and the form that makes one."""
    return panel_context(run) | {"may_act": context["may_act"], "csrf_token": context.get("csrf_token")}


@register.simple_tag
def share_state(link: ShareLink | FormLink) -> SafeString:
    """Whether a link works, and until when."""
    if link.revoked_at:
        return format_html("Revoked {}", ago(link.revoked_at))
    if not link.is_open:
        return format_html("Expired {}", ago(link.expires_at))
    if link.is_used_up:
        return mark_safe("Used up")
    words = format_html("Ends {}", until(link.expires_at)) if link.expires_at else mark_safe("Works until revoked")
    more = ", with a password" if link.password else ""
    if isinstance(link, ShareLink) and link.audience != Audience.ANYONE:
        more += f", for {Audience(link.audience).label.lower()}"
    return format_html("{}{}", words, more)


@register.simple_tag
def share_shows(link: WhatIsShown) -> str:
    """What a link shows and hides, in a line."""
    shown = ", ".join(part.label for part in parts_shown(link.show) if not part.is_always) or "Status only"
    hidden = [KINDS[name].label.lower() for name in link.redact_kinds if name in KINDS] + list(link.redact)
    if link.redact_patterns:
        hidden.append("patterns of your own")
    return shown + (f", without {', '.join(hidden)}" if hidden else "")


@register.simple_tag
def share_of(link: ShareLink) -> str:
    """The team's own page of what the link shows."""
    return reverse("run-detail", args=[link.run_id]) if link.several is None else came_from(link.several)


@register.simple_tag
def errors_named(form: StrangersForm, name: str) -> list[str]:
    """The error in a document that is typed as JSON."""
    return form.text_errors(name)


@register.filter
def has_chosen(form: forms.Form, part: str) -> bool:
    """Whether a part is ticked in the form."""
    return part in (form["show"].value() or ())


@register.filter
def split_words(text: str) -> list[str]:
    return text.split()


@register.filter
def field_named(form: forms.Form, name: str) -> forms.BoundField:
    return form[name]
