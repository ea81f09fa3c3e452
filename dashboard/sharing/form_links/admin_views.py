"""Making form links of a preset. Revoking them: see `list_views.py`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dashboard.http import fields_only, json_errors, wants_json
from dashboard.launch.selectors import preset_get
from dashboard.sharing.form_links import selectors, services
from dashboard.sharing.form_links.forms import FormLinkForm, form_initial
from dashboard.sharing.parts import PARTS
from dashboard.teams.access import admin_required
from dashboard.teams.audit import audit_note
from dashboard.teams.middleware import TeamRequest


@never_cache
@admin_required
@fields_only
@require_http_methods(["GET", "HEAD", "POST"])
def preset_form_link_create(request: TeamRequest, preset_id: UUID) -> HttpResponseBase:
    """The form links of a preset; POST makes one and shows it, once."""
    preset = preset_get(request.team, request.user, preset_id)
    if preset is None:
        raise Http404("There is no such preset.")
    context: dict[str, Any] = {
        "preset": preset,
        "parts": PARTS,
        "form": FormLinkForm(preset=preset, initial=form_initial()),
        "links": selectors.form_links_of(preset),
    }
    if request.method != "POST":
        return render(request, "sharing/form_links.html", context)
    form = FormLinkForm(request.POST, preset=preset)
    if not form.is_valid():
        if wants_json(request):
            return json_errors(form.errors)
        return render(request, "sharing/form_links.html", context | {"form": form}, status=422)
    link, token = services.form_link_create(
        preset=preset, by=request.user, lifetime=form.lifetime(), order=form.order()
    )
    audit_note(request, f"{link.name}: form link {link.pk} of preset {preset.pk}")
    url = request.build_absolute_uri(reverse("form-link-page", args=[token]))
    if wants_json(request):
        return JsonResponse({"id": str(link.pk), "url": url}, status=201)
    return _made(request, context, url)


def _made(request: TeamRequest, context: dict[str, Any], url: str) -> HttpResponse:
    return render(request, "sharing/form_links.html", context | {"new_url": url})
