"""Creating and changing assistants on their servers, for admins. A worker does it at the request of these views."""

from __future__ import annotations

import uuid
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.assistants.forms import AssistantForm
from dashboard.http import go_to, json_errors, wants_json
from dashboard.servers import services
from dashboard.servers.models import Assistant, AssistantAction, AssistantChange
from dashboard.servers.selectors import assistant_get
from dashboard.teams.access import admin_required
from dashboard.teams.middleware import TeamRequest


@never_cache
@admin_required
@require_http_methods(["GET", "HEAD", "POST"])
def assistant_edit(request: TeamRequest, server_id: UUID, assistant_id: UUID) -> HttpResponse:
    """Change an assistant, which makes a new version of it."""
    return _form(request, _get(request, server_id, assistant_id), AssistantAction.UPDATE)


@never_cache
@admin_required
@require_http_methods(["GET", "HEAD", "POST"])
def assistant_copy(request: TeamRequest, server_id: UUID, assistant_id: UUID) -> HttpResponse:
    """Make another assistant of the same graph, starting from this one."""
    return _form(request, _get(request, server_id, assistant_id), AssistantAction.CREATE)


def _form(request: TeamRequest, assistant: Assistant, action: AssistantAction) -> HttpResponse:
    is_new = action == AssistantAction.CREATE
    form = AssistantForm(request.POST if request.method == "POST" else None, assistant=assistant, is_new=is_new)
    if request.method == "POST" and form.is_valid():
        change = services.assistant_change_request(
            server=assistant.server,
            assistant_id=uuid.uuid4() if is_new else assistant.assistant_id,
            graph_id=assistant.graph_id,
            action=action,
            settings=form.settings(),
            by=request.user,
        )
        return _asked(request, assistant, change)
    if request.method == "POST" and wants_json(request):
        return json_errors(form.errors)
    context = {"form": form, "assistant": assistant, "is_new": is_new}
    return render(request, "assistants/edit.html", context, status=422 if form.errors else 200)


@admin_required
@require_POST
def assistant_version(request: TeamRequest, server_id: UUID, assistant_id: UUID) -> HttpResponse:
    """Make an earlier version the one that runs."""
    assistant = _get(request, server_id, assistant_id)
    text = request.POST.get("version", "")
    newest = assistant.version or 1
    if not (text.isdecimal() and 1 <= int(text) <= 100_000):
        return json_errors({"version": [f"Give the number of a version, from 1 to {newest}."]})
    change = services.assistant_change_request(
        server=assistant.server,
        assistant_id=assistant.assistant_id,
        action=AssistantAction.VERSION,
        settings={"version": int(text)},
        by=request.user,
    )
    return _asked(request, assistant, change)


@admin_required
@require_POST
def assistant_delete(request: TeamRequest, server_id: UUID, assistant_id: UUID) -> HttpResponse:
    """Delete an assistant on its server. The one that the server itself made for a graph stays."""
    assistant = _get(request, server_id, assistant_id)
    if assistant.is_default:
        return json_errors(
            {"assistant": ["The server itself made this assistant for its graph; it cannot be deleted."]}
        )
    change = services.assistant_change_request(
        server=assistant.server,
        assistant_id=assistant.assistant_id,
        action=AssistantAction.DELETE,
        settings={},
        by=request.user,
    )
    return _asked(request, assistant, change)


def _asked(request: TeamRequest, assistant: Assistant, change: AssistantChange) -> HttpResponse:
    url = reverse("assistant-detail", args=[assistant.server_id, assistant.assistant_id])
    if wants_json(request):
        return JsonResponse({"id": str(change.assistant_id), "url": url, "change": str(change.pk)}, status=202)
    messages.info(request, "A worker asks the server to do this now. The result appears here.")
    return go_to(request, url)


def _get(request: TeamRequest, server_id: UUID, assistant_id: UUID) -> Assistant:
    assistant = assistant_get(request.team, server_id, assistant_id)
    if assistant is None:
        raise Http404("None of your team's servers offers this assistant now.")
    return assistant
