"""The states of a run's checkpoints: each with its own address, opened place by place like the final state."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from dashboard.http import is_htmx, wants_json
from dashboard.runs.selectors import run_get
from dashboard.runs.state.result import state_layout_html
from dashboard.runs.state.views import state_document, state_part_response
from dashboard.steps import selectors
from dashboard.steps.checkpoints import point_of, points_of
from dashboard.teams.access import member_required
from dashboard.teams.middleware import TeamRequest


@never_cache
@vary_on_headers("HX-Request", "Accept")
@member_required
@require_safe
def run_checkpoint(request: TeamRequest, run_id: UUID, checkpoint_id: str) -> HttpResponseBase:
    """The state at a checkpoint, or a part of it: the input of the step after it."""
    run = run_get(request.team, run_id)
    checkpoint = selectors.checkpoint_get(run, checkpoint_id) if run is not None else None
    if run is None or checkpoint is None:
        raise Http404("There is no such run in your team, or no such checkpoint of it.")
    found = selectors.checkpoint_state(run, checkpoint)
    if found is None:
        raise Http404("The state at this checkpoint is not stored here: it was too large.")
    address = reverse("run-checkpoint", args=[run.pk, checkpoint.checkpoint_id])
    point = point_of(run, checkpoint)
    if request.GET or wants_json(request) or is_htmx(request):
        back = reverse("run-detail", args=[run.pk]) + "#steps"
        return state_part_response(request, run, state_document(found), address, back=back, name=point.title)
    points = points_of(run)
    at = next((number for number, one in enumerate(points) if one.id == point.id), -1)
    context = {
        "run": run,
        "point": point,
        "address": address,
        "html": state_layout_html(run, found, address=address),
        "size_bytes": found.size_bytes,
        "before": points[at - 1] if at > 0 else None,
        "after": points[at + 1] if 0 <= at < len(points) - 1 else None,
        "may_act": request.membership.may_launch,
    }
    return render(request, "steps/checkpoint_page.html", context)
