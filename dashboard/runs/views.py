"""The run page. Views never call LangGraph, wait, or set a status."""

from __future__ import annotations

import json
from typing import Literal
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from dashboard.http import go_to, is_htmx, json_errors, refusal, wants_json
from dashboard.runs import fragments, selectors, services
from dashboard.runs.related import runs_related
from dashboard.runs.shortcuts import run_or_404
from dashboard.runs.state.download import state_response
from dashboard.runs.waiting import waits_look_at
from dashboard.teams.access import may_act_required, member_required
from dashboard.teams.middleware import TeamRequest
from dashboard.text import clip

FINAL_STATE_INLINE_BYTES = 1_000_000
CANCEL_ACTIONS: dict[str, Literal["interrupt", "rollback"]] = {"interrupt": "interrupt", "rollback": "rollback"}


@never_cache
@member_required
@require_safe
def run_detail(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """Everything about one run."""
    run = run_or_404(request, run_id)
    waits_look_at([run])
    context = fragments.run_context(run, **fragments.rights(request.membership, run.launched_by_id))
    return render(request, "runs/page.html", context | fragments.run_sent(run))


@never_cache
@member_required
@require_safe
def run_live(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """The parts of the run page that change, as the WebSocket sends them: for browsers whose socket cannot open."""
    run = run_or_404(request, run_id)
    return HttpResponse(fragments.run_live_html(run, **fragments.rights(request.membership, run.launched_by_id)))


@never_cache
@vary_on_headers("HX-Request")
@member_required
@require_safe
def run_related(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """The runs that belong to a run; htmx gets the list alone."""
    run = run_or_404(request, run_id)
    template = "runs/_related.html" if is_htmx(request) else "runs/related.html"
    return render(request, template, {"run": run, "related": runs_related(run)})


@never_cache
@member_required
@require_safe
def run_json(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """The run for programs. Contains the final state as received, unless it is over 1 MB."""
    run = run_or_404(request, run_id)
    document = selectors.run_document(run, result_url=reverse("run-result", args=[run.pk]))
    result = selectors.run_result(run)
    if result is None:
        return JsonResponse(document | {"final_state": None, "final_state_url": None})
    if result.size_bytes > FINAL_STATE_INLINE_BYTES:
        return JsonResponse(document)
    # The received bytes go in verbatim: parsing and writing them again could change numbers, keys or their order.
    # Not by orjson, which refuses whole numbers beyond 64 bits, lone surrogates and deep nesting: parameters hold them.
    head = json.dumps(document)[:-1].encode("ascii")
    return HttpResponse(head + b',"final_state":' + result.body + b"}", content_type="application/json")


@never_cache
@member_required
@require_safe
def run_result(request: TeamRequest, run_id: UUID) -> HttpResponseBase:
    """The final state, byte for byte."""
    result = selectors.run_result(run_or_404(request, run_id))
    if result is None:
        return JsonResponse({"error": "This run has no final state."}, status=404)
    return state_response(request, result, filename=f"{run_id}.json" if "download" in request.GET else "")


@may_act_required
@require_POST
def run_cancel(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """Request a cancel. A second one, or one after the end, changes nothing."""
    run = run_or_404(request, run_id)
    if not request.membership.may_cancel(run.launched_by_id):
        raise PermissionDenied("Somebody else launched this run. They or an admin of your team can cancel it.")
    action = CANCEL_ACTIONS.get(request.POST.get("action") or "interrupt")
    if action is None:
        sentence = "Choose interrupt (keep what it did) or rollback (undo what it did)."
        if wants_json(request):
            return json_errors({"action": [sentence]})
        back = {"link": reverse("run-detail", args=[run.pk]), "link_label": f"Back to {clip(run.title)}"}
        return refusal(request, 422, sentence, **back)
    asked = services.run_cancel(run=run, by=request.user, action=action)
    if wants_json(request):
        run.refresh_from_db(fields=["status"])
        url = reverse("run-detail", args=[run.pk])
        return JsonResponse({"id": str(run.pk), "url": url, "status": run.status}, status=202 if asked else 200)
    if is_htmx(request):  # the socket sends the new state; this is for pages that poll
        return HttpResponse(fragments.run_live_html(run_or_404(request, run_id), may_act=True, may_cancel=True))
    if not asked:
        messages.info(request, "There was nothing to cancel: the run has ended, or somebody cancelled it before.")
    return go_to(request, reverse("run-detail", args=[run.pk]))
