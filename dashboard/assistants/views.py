"""The assistants of a team's servers: a list to choose from, and a page for each."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from dashboard.assistants import selectors
from dashboard.http import go_to, is_htmx, wants_json
from dashboard.launch.selectors import presets_of
from dashboard.runs.state.view import value_tree
from dashboard.servers import services
from dashboard.servers.documents import assistant_document
from dashboard.servers.models import Assistant
from dashboard.servers.selectors import assistant_list as assistants_of_team
from dashboard.servers.selectors import assistant_meant, assistant_titles, change_latest, server_get, server_list
from dashboard.steps.graph import plain_graph
from dashboard.teams.access import may_act_required, member_required
from dashboard.teams.middleware import TeamRequest

RUNS_SHOWN = 8


@never_cache
@vary_on_headers("HX-Request")
@member_required
@require_safe
def assistant_list(request: TeamRequest) -> HttpResponse:
    """Every assistant of the team's servers, as last reported."""
    if wants_json(request):
        found = assistants_of_team(request.team)
        return JsonResponse({"assistants": [assistant_document(assistant) for assistant in found]})
    text = request.GET.get("q", "")[:200]
    context = {
        "rows": selectors.assistant_rows(request.team, text),
        "text": text,
        "servers": list(server_list(request.team)),
        "is_refreshing": selectors.refresh_is_open(request.team),
        "may_act": request.membership.may_launch,
        "is_admin": request.membership.is_admin,
    }
    return render(request, "assistants/_list.html" if is_htmx(request) else "assistants/list.html", context)


@may_act_required
@require_POST
def assistant_refresh(request: TeamRequest) -> HttpResponse:
    """Ask the workers to fetch what every server of the team offers now."""
    checks = [services.server_check_request(server=s, by=request.user) for s in server_list(request.team)]
    url = reverse("assistant-list")
    if wants_json(request):
        return JsonResponse({"url": url, "servers": [str(check.server_id) for check in checks]}, status=202)
    messages.info(request, "Asking the servers what they offer.")
    return go_to(request, url)


@never_cache
@member_required
@require_safe
def assistant_detail(request: TeamRequest, server_id: UUID, assistant_id: str) -> HttpResponse:
    """One assistant: what it is, how its runs go, and a link to launch it. A graph's name leads to its assistant."""
    server = server_get(request.team, server_id)
    everyone = list(assistants_of_team(request.team))
    assistant = assistant_meant([a for a in everyone if a.server_id == server_id], assistant_id) if server else None
    if assistant is None:
        raise Http404("None of your team's servers offers this assistant now.")
    if wants_json(request):
        return JsonResponse(assistant_document(assistant))
    runs = selectors.assistant_runs(assistant)
    context = {
        "assistant": assistant,
        "title": assistant_titles(everyone)[assistant.pk],
        "figures": selectors.assistant_figures(assistant),
        "runs": list(runs[:RUNS_SHOWN]),
        "presets": list(presets_of(request.team, request.user, assistant)),
        "settings": [(name, value_tree(value)) for name, value in assistant.settings.items()],
        "inputs": _inputs(assistant),
        "graph": plain_graph(assistant.graph_text),
        "launch_query": urlencode({"server": server_id, "assistant_id": assistant.launch_id}),
        "runs_query": urlencode({"assistant": assistant.launch_id}),
        "may_act": request.membership.may_launch,
        "is_admin": request.membership.is_admin,
        "change": change_latest(assistant),
    }
    return render(request, "assistants/page.html", context)


def _inputs(assistant: Assistant) -> list[dict[str, object]]:
    """The fields of the assistant's input and context, in a few words each."""
    found: list[dict[str, object]] = []
    for document in ("input", "context"):
        schema = assistant.schemas.get(f"{document}_schema") or {}
        if document == "input" and not schema:
            schema = assistant.schemas.get("state_schema") or {}
        properties = schema.get("properties") if isinstance(schema, dict) else None
        if not isinstance(properties, dict):
            continue
        required = schema.get("required") or []
        for name, part in properties.items():
            part = part if isinstance(part, dict) else {}
            found.append(
                {
                    "document": document,
                    "title": str(part.get("title") or name),
                    "name": name,
                    "is_required": name in required,
                    "text": str(part.get("description") or ""),
                }
            )
    return found
