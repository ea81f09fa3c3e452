"""The presets' pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.http import fields_only, go_to, json_errors, wants_json
from dashboard.launch import selectors, services
from dashboard.launch.forms import LaunchForm
from dashboard.launch.labels import field_label
from dashboard.launch.models import Preset, PresetScope
from dashboard.launch.prefill import controls_of
from dashboard.launch.preset_forms import PresetForm, launch_errors, launch_of
from dashboard.launch.presets import fields_of, preset_values
from dashboard.runs.models import Run
from dashboard.runs.state.view import value_tree
from dashboard.servers.models import Assistant
from dashboard.servers.selectors import LARGE, assistant_find, assistant_list, assistant_meant, assistant_titles
from dashboard.teams.access import may_act_required, member_required
from dashboard.teams.audit import audit_note, audit_nothing
from dashboard.teams.middleware import TeamRequest

RUNS_SHOWN = 8


@dataclass(frozen=True)
class PresetRow:
    """A preset as lists show it; `title` is its assistant's."""

    preset: Preset
    title: str
    runs: int
    may_change: bool


@never_cache
@member_required
@fields_only
@require_http_methods(["GET", "HEAD", "POST"])
def preset_list(request: TeamRequest) -> HttpResponseBase:
    """Every preset that the person can use; POST saves a new one."""
    if request.method == "POST":
        return _create(request)
    rows = _rows(request)
    if wants_json(request):
        return JsonResponse({"presets": [_document(row) for row in rows], "next": None})
    return render(request, "presets/list.html", {"rows": rows, "may_act": request.membership.may_launch})


@may_act_required
def _create(request: TeamRequest) -> HttpResponse:
    form = PresetForm(request.POST, team=request.team)
    if form.is_valid():
        preset = services.preset_create(team=request.team, by=request.user, order=form.order())
        return _done(request, preset, status=201)
    if wants_json(request):
        return json_errors(form.errors)
    return _draft(request, form, status=422)


@never_cache
@may_act_required
@require_POST
def preset_new(request: TeamRequest) -> HttpResponse:
    """A preset from a filled launch form: asks for a name, and which fields to lock or hide."""
    audit_nothing(request)
    form = PresetForm(team=request.team)
    form.launch = LaunchForm(launch_of(request.POST), team=request.team)
    problems = launch_errors(form.launch)
    if problems:
        return render(request, "presets/not_yet.html", {"problems": problems, "labels": form.launch.fields}, status=422)
    return _draft(request, form)


def _draft(request: TeamRequest, form: PresetForm, *, status: int = 200) -> HttpResponse:
    assert form.launch is not None
    if launch_errors(form.launch):
        problems = launch_errors(form.launch)
        return render(
            request, "presets/not_yet.html", {"problems": problems, "labels": form.launch.fields}, status=status
        )
    order = form.launch.order()
    values = preset_values(order)
    context = {
        "form": form,
        "controls": controls_of(values, server_id=str(order.server.pk), assistant_id=order.assistant_id),
        "fields": _fields(
            values["params"],
            request.POST.getlist("locked"),
            request.POST.getlist("hidden"),
            form.launch.assistant,
        ),
        "assistant_id": order.assistant_id,
        "has_headers": bool(request.POST.get("headers", "").strip()),
    }
    return render(request, "presets/new.html", context, status=status)


@never_cache
@member_required
@fields_only
@require_http_methods(["GET", "HEAD", "POST"])
def preset_detail(request: TeamRequest, preset_id: UUID) -> HttpResponseBase:
    """One preset: what it fills in, its runs, and its settings; POST changes it."""
    preset = _get(request, preset_id)
    if request.method == "POST":
        return _update(request, preset)
    if wants_json(request):
        return JsonResponse(_document(_row(request, preset)))
    return _page(request, preset, PresetForm(team=request.team, preset=preset))


@may_act_required
def _update(request: TeamRequest, preset: Preset) -> HttpResponse:
    _check_may_change(request, preset)
    form = PresetForm(request.POST, team=request.team, preset=preset)
    if form.is_valid():
        services.preset_update(preset=preset, order=form.order())
        return _done(request, preset)
    if wants_json(request):
        return json_errors(form.errors)
    return _page(request, preset, form, status=422)


@may_act_required
@require_POST
def preset_delete(request: TeamRequest, preset_id: UUID) -> HttpResponse:
    """Delete a preset. Its runs stay."""
    preset = _get(request, preset_id)
    _check_may_change(request, preset)
    services.preset_delete(preset=preset)
    audit_note(request, preset.name)
    if wants_json(request):
        return JsonResponse({"id": str(preset_id), "url": reverse("preset-list")})
    messages.success(request, f"The preset {preset.name} was deleted. Its runs stay.")
    return go_to(request, reverse("preset-list"))


def _page(request: TeamRequest, preset: Preset, form: PresetForm, *, status: int = 200) -> HttpResponse:
    row = _row(request, preset)
    runs = Run.objects.filter(team=request.team, preset_id=preset.pk).select_related("launched_by", "server")
    context = {
        "row": row,
        "preset": preset,
        "form": form,
        "fields": _fields(
            preset.params, preset.locked, preset.hidden, assistant_find(preset.server, preset.assistant_id)
        ),
        "runs": list(runs.order_by("-created_at", "-id")[:RUNS_SHOWN]),
        "launch_query": urlencode({"preset": preset.pk}),
        "may_act": request.membership.may_launch,
    }
    return render(request, "presets/page.html", context, status=status)


def _fields(
    params: dict[str, Any], locked: list[str], hidden: list[str], assistant: Assistant | None
) -> list[dict[str, Any]]:
    nodes: dict[str, Any] = {name: value_tree(value) for name, value in fields_of(params) if name != "if_not_exists"}
    nodes |= dict.fromkeys(sorted({*locked, *hidden} - nodes.keys()))
    return [
        {
            "name": name,
            "label": field_label(name, assistant),
            "node": node,
            "is_locked": name in locked,
            "is_hidden": name in hidden,
        }
        for name, node in nodes.items()
    ]


def _done(request: TeamRequest, preset: Preset, *, status: int = 200) -> HttpResponse:
    url = reverse("preset-detail", args=[preset.pk])
    if wants_json(request):
        return JsonResponse({"id": str(preset.pk), "url": url}, status=status, headers={"Location": url})
    messages.success(request, "The preset is saved.")
    return go_to(request, url)


def _get(request: TeamRequest, preset_id: UUID) -> Preset:
    preset = selectors.preset_get(request.team, request.user, preset_id)
    if preset is None:
        raise Http404("There is no such preset.")
    return preset


def _may_change(request: TeamRequest, preset: Preset) -> bool:
    is_own = preset.created_by_id == request.user.pk
    return request.membership.may_launch and (
        is_own or (preset.scope == PresetScope.TEAM and request.membership.is_admin)
    )


def _check_may_change(request: TeamRequest, preset: Preset) -> None:
    if not _may_change(request, preset):
        raise PermissionDenied("Only the person who made this preset, or an admin of your team, may change it.")


def _row(request: TeamRequest, preset: Preset) -> PresetRow:
    return next(row for row in _rows(request) if row.preset.pk == preset.pk)


def _rows(request: TeamRequest) -> list[PresetRow]:
    presets = list(selectors.preset_list(request.team, request.user))
    assistants = list(assistant_list(request.team).defer(*LARGE))
    titles = assistant_titles(assistants)
    by_server: dict[UUID, list[Assistant]] = {}
    for assistant in assistants:
        by_server.setdefault(assistant.server_id, []).append(assistant)
    used = Run.objects.filter(team=request.team, preset_id__in=[preset.pk for preset in presets])
    counts = dict(used.order_by().values_list("preset_id").annotate(count=Count("pk")))
    rows = []
    for preset in presets:
        meant = assistant_meant(by_server.get(preset.server_id, []), preset.assistant_id)
        title = titles[meant.pk] if meant else preset.assistant_id
        rows.append(PresetRow(preset, title, counts.get(preset.pk, 0), _may_change(request, preset)))
    return rows


def _document(row: PresetRow) -> dict[str, Any]:
    preset = row.preset
    return {
        "id": str(preset.pk),
        "name": preset.name,
        "description": preset.description,
        "scope": preset.scope,
        "assistant_id": preset.assistant_id,
        "server": {"id": str(preset.server_id), "name": preset.server.name},
        **preset.values,
        "locked": preset.locked,
        "hidden": preset.hidden,
        "created_by": preset.created_by.username if preset.created_by else None,
        "created_at": preset.created_at.isoformat(),
        "runs": row.runs,
    }
