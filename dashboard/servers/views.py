"""The servers' pages. Views never ask a server anything: a check is a row that a worker claims."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from dashboard.http import fields_only, go_to, is_htmx, json_errors, wants_json
from dashboard.servers import selectors, services
from dashboard.servers.documents import server_document
from dashboard.servers.forms import ServerForm
from dashboard.servers.models import Server
from dashboard.teams.access import admin_required, may_act_required, member_required
from dashboard.teams.audit import audit_note, refused_back
from dashboard.teams.middleware import TeamRequest

SAME_NAME = "Your team already has a server of this name."


@never_cache
@member_required
@fields_only
@require_http_methods(["GET", "HEAD", "POST"])
def server_list(request: TeamRequest) -> HttpResponseBase:
    """The team's servers; POST adds one."""
    if request.method == "POST":
        return _create(request)
    servers = list(selectors.server_overview(request.team))
    if wants_json(request):
        return JsonResponse({"servers": [server_document(server) for server in servers], "next": None})
    return render(request, "servers/list.html", {"servers": servers, "is_admin": request.membership.is_admin})


@never_cache
@admin_required
@require_safe
def server_new(request: TeamRequest) -> HttpResponse:
    """The blank form of a server."""
    return render(request, "servers/new.html", {"form": ServerForm(team=request.team)})


@admin_required
def _create(request: TeamRequest) -> HttpResponse:
    form = ServerForm(request.POST, team=request.team)
    if form.is_valid():
        try:
            server = services.server_create(team=request.team, settings=form.settings(), by=request.user)
        except IntegrityError:  # somebody else was quicker
            form.add_error("name", SAME_NAME)
        else:
            return _done(request, server, status=201)
    if wants_json(request):
        return json_errors(form.errors)
    return render(request, "servers/new.html", {"form": form}, status=422)


@never_cache
@vary_on_headers("HX-Request")
@member_required
@fields_only
@require_http_methods(["GET", "HEAD", "POST"])
def server_detail(request: TeamRequest, server_id: UUID) -> HttpResponseBase:
    """One server: what the last check found, its assistants, its settings; POST changes the settings."""
    server = _get(request, server_id)
    if request.method == "POST":
        return _update(request, server)
    if wants_json(request):
        return JsonResponse(server_document(server, check=selectors.check_latest(server)))
    if is_htmx(request):
        return render(request, "servers/_check.html", _check_context(request, server))
    return _page(request, server, ServerForm(team=request.team, server=server))


@admin_required
def _update(request: TeamRequest, server: Server) -> HttpResponse:
    form = ServerForm(request.POST, team=request.team, server=server)
    if form.is_valid():
        try:
            services.server_update(server=server, settings=form.settings(), by=request.user)
        except IntegrityError:
            form.add_error("name", SAME_NAME)
        else:
            messages.success(request, "Saved. Runs that have started keep the old settings.")
            return _done(request, server)
    if wants_json(request):
        return json_errors(form.errors)
    return _page(request, server, form, status=422)


@may_act_required
@require_POST
def server_check(request: TeamRequest, server_id: UUID) -> HttpResponse:
    """Ask a worker to check the server and fetch its assistants. Changes nothing while a check is open."""
    server = _get(request, server_id)
    check = services.server_check_request(server=server, by=request.user)
    if wants_json(request):
        url = reverse("server-detail", args=[server.pk])
        return JsonResponse({"id": str(server.pk), "url": url, "check": str(check.pk)}, status=202)
    if is_htmx(request):
        return render(request, "servers/_check.html", _check_context(request, server))
    return _done(request, server)


@admin_required
@require_POST
def server_delete(request: TeamRequest, server_id: UUID) -> HttpResponse:
    """Remove the server. Its runs stay in the history; while some still go on, it is refused."""
    server = _get(request, server_id)
    active = server.runs.filter(finished_at=None).count()
    if active:
        sentence = (
            f"{active} run{' has' if active == 1 else 's have'} not ended there. Cancel them or wait, then remove it."
        )
        if wants_json(request):
            return JsonResponse({"errors": {"server": [sentence]}}, status=409)
        return refused_back(request, sentence, reverse("server-detail", args=[server.pk]))
    services.server_remove(server=server)
    audit_note(request, server.name)
    if wants_json(request):
        return JsonResponse({"id": str(server_id), "url": reverse("server-list")})
    messages.success(request, f"{server.name} was removed. Its runs stay in the history.")
    return go_to(request, reverse("server-list"))


def _done(request: TeamRequest, server: Server, *, status: int = 200) -> HttpResponse:
    url = reverse("server-detail", args=[server.pk])
    if wants_json(request):
        return JsonResponse({"id": str(server.pk), "url": url}, status=status, headers={"Location": url})
    return go_to(request, url)


def _page(request: TeamRequest, server: Server, form: ServerForm, *, status: int = 200) -> HttpResponse:
    assistants = list(server.assistants.select_related("server").defer(*selectors.LARGE))
    titles = selectors.assistant_titles(assistants)
    context = _check_context(request, server) | {
        "form": form,
        "assistants": [(assistant, titles[assistant.pk]) for assistant in assistants],
        "runs": server.runs.count(),
        "is_admin": request.membership.is_admin,
    }
    return render(request, "servers/page.html", context, status=status)


def _check_context(request: TeamRequest, server: Server) -> dict[str, Any]:
    return {
        "server": server,
        "check": selectors.check_latest(server),
        "last": selectors.check_finished(server),
        "may_act": request.membership.may_launch,
    }


def _get(request: TeamRequest, server_id: UUID) -> Server:
    server = selectors.server_get(request.team, server_id)
    if server is None:
        raise Http404("There is no such server in your team.")
    return server
