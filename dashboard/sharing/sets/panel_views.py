"""The page that makes links to several runs. Revoking them: see `list_views.py`."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.history.filters import RunFilters
from dashboard.http import fields_only, is_htmx, json_errors, wants_json
from dashboard.runs.models import Run
from dashboard.sharing.forms import panel_initial
from dashboard.sharing.models import SetKind
from dashboard.sharing.parts import PARTS
from dashboard.sharing.preview import Preview, preview_of_runs
from dashboard.sharing.sets.forms import SetForm, chosen_runs, set_initial
from dashboard.sharing.sets.selectors import run_ids_that_match, runs_of, thread_members
from dashboard.sharing.sets.services import SetOrder, set_share
from dashboard.sharing.sets.words import WORDS, came_from, hidden_fields
from dashboard.teams.access import may_act_required
from dashboard.teams.audit import audit_note, audit_nothing
from dashboard.teams.middleware import TeamRequest

PREVIEWED = 5


@never_cache
@may_act_required
@fields_only
@require_http_methods(["GET", "HEAD", "POST"])
def share_new(request: TeamRequest) -> HttpResponseBase:
    """Choose what a link to several runs shows; POST makes it and shows it, once."""
    order = _order(request)
    if request.method != "POST":
        return _page(request, order)
    form = SetForm(request.POST)
    if not form.is_valid():
        return json_errors(form.errors) if wants_json(request) else _page(request, order, form=form, status=422)
    runs = form.runs(order)
    link, token = set_share(team=request.team, by=request.user, lifetime=form.lifetime(), runs=runs, order=form.order())
    audit_note(request, f"link {link.pk} to a {runs.kind}")
    url = request.build_absolute_uri(reverse("share-page", args=[token]))
    if wants_json(request):
        return JsonResponse({"id": str(link.pk), "url": url}, status=201)
    return _page(request, order, new_url=url)


@never_cache
@may_act_required
@fields_only
@require_POST
def share_new_preview(request: TeamRequest) -> HttpResponse:
    """A preview of such a link with its first runs, with hidden text marked. Makes nothing."""
    audit_nothing(request)
    order = _order(request)
    form = SetForm(request.POST)
    preview_url = reverse("share-new-preview")
    if not form.is_valid() and is_htmx(request):
        sentences = [str(error) for errors in form.errors.values() for error in errors]
        return render(request, "sharing/_preview.html", {"preview_url": preview_url, "problems": sentences})
    if not form.is_valid():
        return json_errors(form.errors) if wants_json(request) else _page(request, order, form=form, status=422)
    preview = preview_of_runs(_first_runs(request, order), form.shown())
    if wants_json(request):
        return JsonResponse({"hidden": preview.counts, "shows": [part.name for part in preview.parts]})
    if is_htmx(request):
        return render(request, "sharing/_preview.html", {"preview_url": preview_url, "preview": preview})
    return _page(request, order, form=form, preview=preview)


def _order(request: TeamRequest) -> SetOrder:
    data = request.GET if request.GET else request.POST
    return chosen_runs(request.team, data, zone=timezone.get_current_timezone_name())


def _first_runs(request: TeamRequest, order: SetOrder) -> list[Run]:
    if order.kind == SetKind.THREAD and order.server is not None:
        return thread_members(request.team.pk, order.server.pk, order.thread_id)[-PREVIEWED:]
    ids = order.run_ids or run_ids_that_match(request.team, RunFilters.from_text(order.query), PREVIEWED)
    return runs_of(request.team.pk, ids[:PREVIEWED])


def _page(
    request: TeamRequest,
    order: SetOrder,
    *,
    form: SetForm | None = None,
    preview: Preview | None = None,
    new_url: str = "",
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "order": order,
        "words": WORDS[order.kind],
        "came_from": came_from(order),
        "targets": hidden_fields(order),
        "is_view": order.kind == SetKind.VIEW,
        "form": form or SetForm(initial=panel_initial() | set_initial(order)),
        "parts": PARTS,
        "create_url": reverse("share-new"),
        "preview_url": reverse("share-new-preview"),
        "preview": preview,
        "new_url": new_url,
    }
    template = "sharing/sets/_panel.html" if is_htmx(request) else "sharing/sets/panel_page.html"
    return render(request, template, context, status=status)
