"""The steps of a run, as JSON and as pieces of its page."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from dashboard.http import is_htmx
from dashboard.runs.shortcuts import run_or_404
from dashboard.steps import fragments, selectors
from dashboard.teams.access import member_required
from dashboard.teams.middleware import TeamRequest


@never_cache
@member_required
@require_safe
def steps_json(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """The steps for programs."""
    return JsonResponse(selectors.steps_document(run_or_404(request, run_id)))


@never_cache
@vary_on_headers("HX-Request")
@member_required
@require_safe
def run_steps(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """The steps from one index on: htmx gets the list alone."""
    run = run_or_404(request, run_id)
    start = request.GET.get("from", "")
    context = fragments.steps_context(run, start=int(start) if start.isdecimal() and len(start) < 9 else None)
    context |= {"is_update": True, "may_act": request.membership.may_launch}
    return render(request, "steps/_update.html" if is_htmx(request) else "steps/page.html", context)


@never_cache
@vary_on_headers("HX-Request")
@member_required
@require_safe
def run_step(request: TeamRequest, run_id: UUID, index: int) -> HttpResponse:
    """One step: what it wrote, and its error."""
    run = run_or_404(request, run_id)
    step = selectors.step_get(run, index)
    if step is None:
        raise Http404("This run has no such step.")
    template = "steps/_step.html" if is_htmx(request) else "steps/step_page.html"
    return render(request, template, fragments.step_context(run, step, may_act=request.membership.may_launch))
