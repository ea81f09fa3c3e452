"""Making, listing and revoking answer links, by members."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.answers.links import services
from dashboard.answers.links.forms import AnswerLinkForm
from dashboard.answers.links.selectors import link_document, link_get, link_list
from dashboard.answers.links.views import link_address
from dashboard.answers.services import may_be_answered
from dashboard.http import go_to, is_htmx, json_errors, wants_json
from dashboard.runs.models import Run
from dashboard.runs.shortcuts import run_or_404
from dashboard.teams.access import may_act_required
from dashboard.teams.audit import audit_note
from dashboard.teams.middleware import TeamRequest
from dashboard.teams.passwords import limits_hashing

NOT_OPEN = "This run has no open question that a link could answer."


@never_cache
@may_act_required
@require_http_methods(["GET", "HEAD", "POST"])
@limits_hashing
def answer_links(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """The links of a run; POST makes one and shows it, once."""
    run = run_or_404(request, run_id)
    if request.method != "POST":
        if wants_json(request):
            return JsonResponse({"links": [link_document(link) for link in link_list(run)]})
        return _panel(request, run)
    form = AnswerLinkForm(request.POST)
    if not may_be_answered(run):
        if wants_json(request):
            return JsonResponse({"errors": {"run": [NOT_OPEN]}}, status=409)
        return _panel(request, run, form=form, problem=NOT_OPEN, status=409)
    if not form.is_valid():
        return json_errors(form.errors) if wants_json(request) else _panel(request, run, form=form, status=422)
    given = form.cleaned_data
    link, token = services.link_create(
        run=run, by=request.user, name=given["name"], lifetime=form.lifetime(), password=given["password"]
    )
    url = link_address(request, token)
    audit_note(request, f"run {run.pk}, for {link.name}")
    if wants_json(request):
        return JsonResponse({"id": str(link.pk), "url": url}, status=201)
    return _panel(request, run, new_url=url)


@never_cache
@may_act_required
@require_POST
def answer_link_revoke(request: TeamRequest, link_id: UUID) -> HttpResponse:
    """Make a link stop working. Doing it twice changes nothing."""
    link = link_get(request.team, link_id)
    if link is None or not services.link_revoke(team=request.team, link_id=link_id):
        raise Http404("There is no such link.")
    audit_note(request, f"run {link.run_id}, for {link.name}")
    if wants_json(request):
        return JsonResponse({"id": str(link_id), "revoked": True})
    if is_htmx(request):
        return _panel(request, link.run)
    messages.success(request, "The link no longer works.")
    return go_to(request, reverse("run-detail", args=[link.run_id]))


def _panel(
    request: TeamRequest,
    run: Run,
    *,
    form: AnswerLinkForm | None = None,
    new_url: str = "",
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "run": run,
        "link_form": form or AnswerLinkForm(),
        "links": link_list(run),
        "new_url": new_url,
        "problem": problem,
        "is_unfolded": True,
        "may_make": may_be_answered(run),
    }
    template = "answers/links/_panel.html" if is_htmx(request) else "answers/links/panel_page.html"
    return render(request, template, context, status=status)
