"""Renaming, tagging, starring and annotating a run."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard.http import go_to, is_htmx, json_errors, wants_json
from dashboard.runs import fragments, labels
from dashboard.runs.labels import BadLabel
from dashboard.runs.models import Run
from dashboard.runs.shortcuts import run_or_404
from dashboard.teams.access import may_act_required, member_required
from dashboard.teams.audit import refused_back
from dashboard.teams.middleware import TeamRequest


@may_act_required
@require_POST
def run_rename(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """Rename the run; an empty name removes it."""
    run = run_or_404(request, run_id)
    name = request.POST.get("name", "")
    try:
        labels.run_rename(run=run, by=request.user, name=name)
    except BadLabel as error:
        return _refused(request, run, "name", error)
    return _done(request, run)


@may_act_required
@require_POST
def run_tags(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """Add and remove tags: several fields, or several in one parted by commas."""
    run = run_or_404(request, run_id)
    add, remove = (labels.tags_of(request.POST.getlist(field)) for field in ("add", "remove"))
    try:
        labels.run_tag(run=run, by=request.user, add=add, remove=remove)
    except BadLabel as error:
        return _refused(request, run, "add", error)
    return _done(request, run)


@member_required
@require_POST
def run_star(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """Star it, or remove the star with `on=0`. Viewers may, too."""
    run = run_or_404(request, run_id)
    on = request.POST.get("on", "1").lower() not in ("", "0", "false", "off", "no")
    labels.run_star(run=run, by=request.user, on=on)
    return _done(request, run)


@may_act_required
@require_POST
def run_note(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """Replace its note; an empty one removes it."""
    run = run_or_404(request, run_id)
    try:
        labels.run_note(run=run, by=request.user, text=request.POST.get("text", ""))
    except BadLabel as error:
        return _refused(request, run, "text", error)
    return _done(request, run)


def _done(request: TeamRequest, run: Run) -> HttpResponse:
    url = reverse("run-detail", args=[run.pk])
    if wants_json(request):
        document = {"name": run.name, "tags": run.tags, "starred": run.is_starred, "note": run.note}
        return JsonResponse({"id": str(run.pk), "url": url, **document})
    if is_htmx(request):  # the socket sends it as well; this is for pages that poll
        fresh = run_or_404(request, run.pk)
        return HttpResponse(
            fragments.run_live_html(fresh, **fragments.rights(request.membership, fresh.launched_by_id))
        )
    return go_to(request, url)


def _refused(request: TeamRequest, run: Run, field: str, error: BadLabel) -> HttpResponse:
    if wants_json(request):
        return json_errors({field: [str(error)]})
    return refused_back(request, str(error), reverse("run-detail", args=[run.pk]))
