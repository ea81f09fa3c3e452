"""The launch page's right column: presets and recent inputs of the chosen assistant."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template
from django.template import Context

from dashboard.launch.differences import Difference, difference, fork_start, unchanged
from dashboard.launch.forms import LaunchForm
from dashboard.launch.prefill import new_launch_key
from dashboard.launch.presets import preset_id_of
from dashboard.launch.selectors import RecentInput, preset_get, presets_offered, recent_inputs
from dashboard.runs.models import Run
from dashboard.servers.models import Assistant
from dashboard.servers.selectors import assistant_find, assistant_ids, server_list

register = template.Library()


@register.simple_tag(takes_context=True)
def launch_presets(context: Context) -> dict[str, Any]:
    """The presets of this assistant (of all, before one is chosen), the one in use, and the way back without it."""
    request = context["request"]
    text = request.POST.get("preset") or request.GET.get("preset") or ""
    preset = preset_get(request.team, request.user, preset_id_of(text))
    assistant = _assistant(context)
    is_unknown = assistant is None and bool(_value(context, "assistant_id"))
    presets = [] if is_unknown else presets_offered(request.team, request.user, assistant)
    where = {"server": preset.server_id, "assistant_id": preset.assistant_id} if preset else {}
    return {"preset": preset, "presets": presets, "without": urlencode(where)}


@register.simple_tag(takes_context=True)
def launch_recent(context: Context) -> list[RecentInput]:
    """The latest inputs of this assistant."""
    request = context["request"]
    assistant = _assistant(context)
    if assistant is not None:
        return recent_inputs(request.team, assistant_ids(assistant), assistant.server_id)
    text = _value(context, "assistant_id")
    return recent_inputs(request.team, [text]) if text else []


@register.simple_tag(takes_context=True)
def launch_differs(context: Context) -> Difference:
    """The differences between the form and the run it was made from."""
    if isinstance(found := context.get("differs"), Difference):
        return found
    parent, form = context["parent"], context.get("form")
    if form is None or not form.is_bound:
        return unchanged(parent, fork=_fork(parent, form))
    return difference(parent, form.order() if form.is_valid() else None)


def _fork(parent: Run, form: LaunchForm | None) -> str:
    if form is None:
        return ""
    start = {"checkpoint_id": str(form["checkpoint_id"].value() or "")}
    return fork_start(parent, str(form["thread"].value()), str(form["thread_id"].value() or ""), start)


@register.simple_tag
def new_key() -> str:
    """A launch key: a form that is sent twice launches once."""
    return str(new_launch_key())


def _assistant(context: Context) -> Assistant | None:
    """The page's own, or the one that the form names."""
    found = context.get("assistant")
    if isinstance(found, Assistant):
        return found
    text, server_id = _value(context, "assistant_id"), _value(context, "server")
    if not text:
        return None
    for server in server_list(context["request"].team):
        if (not server_id or str(server.pk) == server_id) and (meant := assistant_find(server, text)):
            return meant
    return None


def _value(context: Context, name: str) -> str:
    form = context.get("form")
    return str(form[name].value() or "") if form is not None and name in form.fields else ""
