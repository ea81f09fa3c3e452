"""Making, revoking and opening share links."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from dashboard.http import go_to, is_htmx, json_errors, refusal, wants_json
from dashboard.runs import fragments
from dashboard.runs.models import Run
from dashboard.runs.selectors import run_get, run_result
from dashboard.runs.state.download import state_response
from dashboard.sharing import selectors, services
from dashboard.sharing.forms import ShareForm
from dashboard.sharing.models import ShareLink
from dashboard.teams.access import may_act_required
from dashboard.teams.middleware import TeamRequest

Response = TypeVar("Response", bound=HttpResponseBase)

GONE = "It may have expired or been revoked, or a part of it is missing. Ask the person who sent it for a new one."
PRIVATE = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}


@never_cache
@may_act_required
@require_POST
def share_create(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """Make a link and show it, once."""
    run = _run(request, run_id)
    form = ShareForm(request.POST)
    if not form.is_valid():
        if wants_json(request):
            return json_errors(form.errors)
        return _panel(request, run, form=form, status=422)
    link, token = services.share_create(run=run, by=request.user, lifetime=form.lifetime())
    url = request.build_absolute_uri(reverse("share-page", args=[token]))
    if wants_json(request):
        return JsonResponse({"id": str(link.pk), "url": url}, status=201)
    return _panel(request, run, new_url=url, new_link=link)


@may_act_required
@require_POST
def share_revoke(request: TeamRequest, run_id: UUID, link_id: UUID) -> HttpResponse:
    """Make a link stop working. Doing it twice changes nothing."""
    run = _run(request, run_id)
    if not services.share_revoke(run=run, link_id=link_id):
        raise Http404("This run has no such link.")
    if wants_json(request):
        return JsonResponse({"id": str(link_id), "revoked": True})
    if is_htmx(request):
        return _panel(request, run)
    messages.success(request, "The link no longer works.")
    return go_to(request, reverse("run-detail", args=[run.pk]) + "#share")


@login_not_required
@never_cache
@require_safe
def share_page(request: HttpRequest, token: str) -> HttpResponse:
    """What anybody with the link sees: status and result, read only."""
    link = selectors.share_open(token)
    if link is None:
        return _private(refusal(request, 404, GONE, title="This link does not work", link="", is_private="yes"))
    context = fragments.run_shared_context(link.run) | {"link": link, "token": token}
    return _private(render(request, "sharing/page.html", context))


@login_not_required
@never_cache
@require_safe
def share_live(request: HttpRequest, token: str) -> HttpResponse:
    """The parts of the share page that change, for browsers whose socket cannot open."""
    return _private(HttpResponse(fragments.run_shared_html(_open(token).run)))


@login_not_required
@never_cache
@require_safe
def share_result(request: HttpRequest, token: str) -> HttpResponseBase:
    """The shared run's final state, byte for byte."""
    run = _open(token).run
    result = run_result(run)
    if result is None:
        raise Http404("This run has no final state.")
    return _private(state_response(request, result, filename=f"{run.pk}.json"))


def _panel(
    request: TeamRequest,
    run: Run,
    *,
    form: ShareForm | None = None,
    new_url: str = "",
    new_link: ShareLink | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {"run": run, "form": form or ShareForm(), "links": selectors.share_list(run), "may_act": True}
    template = "sharing/_panel.html" if is_htmx(request) else "sharing/panel_page.html"
    return render(request, template, context | {"new_url": new_url, "new_link": new_link}, status=status)


def _open(token: str) -> ShareLink:
    link = selectors.share_open(token)
    if link is None:
        raise Http404("This link does not work (any more).")
    return link


def _private(response: Response) -> Response:
    for name, value in PRIVATE.items():
        response.headers[name] = value
    return response


def _run(request: TeamRequest, run_id: UUID) -> Run:
    run = run_get(request.team, run_id)
    if run is None:
        raise Http404("There is no such run in your team.")
    return run
