"""The share panel of a run: making, previewing and revoking links."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.http import fields_only, go_to, is_htmx, json_errors, wants_json
from dashboard.runs.models import Run
from dashboard.runs.shortcuts import run_or_404
from dashboard.sharing import selectors, services
from dashboard.sharing.forms import ShareForm, panel_initial
from dashboard.sharing.models import ShareLink
from dashboard.sharing.parts import PARTS
from dashboard.sharing.preview import preview_of
from dashboard.teams.access import may_act_required
from dashboard.teams.audit import audit_note, audit_nothing
from dashboard.teams.middleware import TeamRequest


@never_cache
@may_act_required
@fields_only
@require_http_methods(["GET", "HEAD", "POST"])
def share_create(request: TeamRequest, run_id: UUID) -> HttpResponseBase:
    """The panel as a page of its own; POST makes a link and shows it, once."""
    run = run_or_404(request, run_id)
    if request.method != "POST":
        return _panel(request, run)
    form = ShareForm(request.POST)
    if not form.is_valid():
        return json_errors(form.errors) if wants_json(request) else _panel(request, run, form=form, status=422)
    link, token = services.share_create(run=run, by=request.user, lifetime=form.lifetime(), order=form.order())
    audit_note(request, f"link {link.pk} to run {run.pk}")
    url = request.build_absolute_uri(reverse("share-page", args=[token]))
    if wants_json(request):
        return JsonResponse({"id": str(link.pk), "url": url}, status=201)
    return _panel(request, run, new_url=url, new_link=link)


@never_cache
@may_act_required
@require_POST
def share_make(request: TeamRequest, run_id: UUID) -> HttpResponseBase:
    """The earlier address to make links."""
    return share_create(request, run_id)


@never_cache
@may_act_required
@require_POST
def share_preview(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """A preview of a link with these fields, with hidden text marked. Makes nothing."""
    audit_nothing(request)
    run = run_or_404(request, run_id)
    form = ShareForm(request.POST)
    preview_url = reverse("share-preview", args=[run.pk])
    if not form.is_valid() and is_htmx(request):
        sentences = [str(error) for errors in form.errors.values() for error in errors]
        return render(request, "sharing/_preview.html", {"preview_url": preview_url, "problems": sentences})
    if not form.is_valid():
        return json_errors(form.errors) if wants_json(request) else _panel(request, run, form=form, status=422)
    preview = preview_of(run, form.shown())
    if wants_json(request):
        return JsonResponse({"hidden": preview.counts, "shows": [part.name for part in preview.parts]})
    if is_htmx(request):
        return render(request, "sharing/_preview.html", {"preview_url": preview_url, "preview": preview})
    return _panel(request, run, form=form, preview=preview)


@may_act_required
@require_POST
def share_revoke_of_run(request: TeamRequest, run_id: UUID, link_id: UUID) -> HttpResponse:
    """Make a link stop working, from the panel. Doing it twice changes nothing."""
    run = run_or_404(request, run_id)
    if not services.share_revoke(run=run, link_id=link_id):
        raise Http404("This run has no such link.")
    audit_note(request, f"link {link_id} to run {run.pk}")
    if wants_json(request):
        return JsonResponse({"id": str(link_id), "revoked": True})
    if is_htmx(request):
        return _panel(request, run)
    messages.success(request, "The link no longer works.")
    return go_to(request, reverse("run-detail", args=[run.pk]) + "#share")


def panel_context(run: Run, form: ShareForm | None = None) -> dict[str, Any]:
    """The context of the panel, without the reader."""
    return {
        "run": run,
        "form": form or ShareForm(initial=panel_initial()),
        "parts": PARTS,
        "create_url": reverse("share-create", args=[run.pk]),
        "preview_url": reverse("share-preview", args=[run.pk]),
        "links": selectors.share_list(run),
    }


def _panel(
    request: TeamRequest,
    run: Run,
    *,
    form: ShareForm | None = None,
    new_url: str = "",
    new_link: ShareLink | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    template = "sharing/_panel.html" if is_htmx(request) else "sharing/panel_page.html"
    context = panel_context(run, form) | {"may_act": True, "new_url": new_url, "new_link": new_link}
    return render(request, template, context | more, status=status)
