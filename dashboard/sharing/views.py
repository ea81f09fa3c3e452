"""Opening share links. The answer to a bad link is the same, whatever is wrong with it."""

from __future__ import annotations

from typing import Any, TypeVar

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from dashboard.http import refusal, wants_json
from dashboard.runs.models import Run
from dashboard.runs.state.download import state_response
from dashboard.runs.state.views import state_part_response
from dashboard.sharing import selectors, services
from dashboard.sharing.access import Door, is_passed, may_go_on, pass_give, share_door
from dashboard.sharing.models import Audience, ShareLink
from dashboard.sharing.pages import share_context, share_live_html, shared_run
from dashboard.sharing.passwords import password_given, password_page, share_cookie
from dashboard.sharing.sets.pages import set_page
from dashboard.sharing.sets.shown import set_html
from dashboard.teams.models import User

Response = TypeVar("Response", bound=HttpResponseBase)

GONE = "It may have expired or been revoked, or part of it is missing. Ask the sender for a new one."
PRIVATE = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}


# Pages without a referrer post without an origin. A post is a password, which anybody who knows it may send.
@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def share_page(request: HttpRequest, token: str) -> HttpResponseBase:
    """What the link shows, read only. POST gives its password."""
    link = selectors.share_open(token)
    door = share_door(link, _person(request, link), share_cookie(request)) if link is not None else Door.CLOSED
    if link is None or door is Door.CLOSED:
        return gone(request)
    if door is Door.SIGN_IN:
        return private(_sign_in(request))
    if request.method == "POST" and link.password:
        return private(password_given(request, link.pk, link.password, reverse("share-page", args=[token])))
    if door is Door.PASSWORD:
        return private(password_page(request))
    # Going back to a list from one of its runs does not count as opening the link again.
    is_back = link.run_id is None and is_passed(link.pk, share_cookie(request), "seen")
    is_counted = services.share_viewed(link) if request.method != "HEAD" and not is_back else not link.is_used_up
    if not is_counted and not is_back:
        return gone(request)
    response = private(_page(request, link, token))
    if link.max_views is not None and not is_passed(link.pk, share_cookie(request), "seen"):
        pass_give(response, link.pk, reverse("share-page", args=[token]), share_cookie(request), seen=True)
    return response


@login_not_required
@never_cache
@require_safe
def share_live(request: HttpRequest, token: str) -> HttpResponse:
    """The parts of the share page that change, for browsers whose socket cannot open."""
    link = going_on(request, token)
    if link is not None and link.several is not None:
        return private(HttpResponse(set_html(link, link.several)))
    if link is None or link.run is None:
        return gone(request)
    return private(HttpResponse(share_live_html(link, link.run)))


@login_not_required
@never_cache
@require_safe
def share_result(request: HttpRequest, token: str) -> HttpResponseBase:
    """The shared run's final state, as far as it is shown: byte for byte where all of it is."""
    link = going_on(request, token)
    return gone(request) if link is None else result_answer(request, link, link.run)


@login_not_required
@never_cache
@vary_on_headers("HX-Request", "Accept")
@require_safe
def share_state(request: HttpRequest, token: str) -> HttpResponseBase:
    """A part of the final state, as far as it is shown; also found by a search in that."""
    link = going_on(request, token)
    back = reverse("share-page", args=[token])
    return gone(request) if link is None else state_answer(request, link, link.run, back=back)


def result_answer(request: HttpRequest, link: ShareLink, run: Run | None) -> HttpResponseBase:
    """A run's final state as a file, as far as the link shows it."""
    if run is None:
        return _nothing(request)
    shared = shared_run(link, run)
    shown = shared.state()
    result = shared.result(shown)
    if result is None:
        return _nothing(request)
    filename = f"{run.pk}.json"
    if link.is_whole:
        return private(state_response(request, result, filename=filename))
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return private(HttpResponse(shown.body, content_type="application/json", headers=headers))


def state_answer(request: HttpRequest, link: ShareLink, run: Run | None, *, back: str) -> HttpResponseBase:
    """A part of a run's final state, as far as the link shows it. `back`: the page of the run."""
    if run is None:
        return _nothing(request)
    shared = shared_run(link, run)
    page = {"back": back, "shell": "sharing/shell.html"}
    try:
        document = shared.document(shared.state())
        if document is None:
            return _nothing(request)
        return private(state_part_response(request, shared.run(), document, shared.address, **page))
    except Http404:
        return _nothing(request)


def _nothing(request: HttpRequest) -> HttpResponse:
    return private(refusal(request, 404, "The link shows nothing at this place.", link="", is_private="yes"))


def gone(request: HttpRequest) -> HttpResponse:
    """The response to a link that does not work, whatever the reason."""
    return private(refusal(request, 404, GONE, title="This link does not work", link="", is_private="yes"))


def _page(request: HttpRequest, link: ShareLink, token: str) -> HttpResponse:
    if link.several is not None:
        return set_page(request, link, link.several)
    if link.run is None:
        return gone(request)
    page = reverse("share-page", args=[token])
    return run_page(request, link, link.run, page=page, live=reverse("share-live", args=[token]))


def run_page(request: HttpRequest, link: ShareLink, run: Run, *, page: str, live: str) -> HttpResponse:
    """The page of one run. `page` and `live` are its addresses."""
    context = share_context(link, run)
    if wants_json(request):
        return JsonResponse(_document(context, page))
    # A page that reloads itself would use up a link of few views.
    context |= {"link": link, "page_url": page, "live_url": live, "reloads": link.max_views is None}
    return render(request, "sharing/page.html", context)


def _document(context: dict[str, Any], page: str) -> dict[str, Any]:
    """What the link shows, for programs; the final state is at `result_url`."""
    run = context["run"]
    return {
        "name": run.title,
        "status": run.status,
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "error": {"type": run.error_type, "message": run.error_message} if run.has_error else None,
        "result_url": f"{page}result.json" if context["result"] else None,
    }


def going_on(request: HttpRequest, token: str) -> ShareLink | None:
    """The link, if this browser may see what it shows, for parts of an open page."""
    link = selectors.share_open(token)
    if link is None or not may_go_on(link, _person(request, link), share_cookie(request)):
        return None
    return link


def _person(request: HttpRequest, link: ShareLink | None) -> User | None:
    """The person, if the link needs one: other links do not depend on a session."""
    if link is None or link.audience == Audience.ANYONE:
        return None
    return request.user if isinstance(request.user, User) else None


def _sign_in(request: HttpRequest) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"error": "Sign in first."}, status=401)
    return redirect_to_login(request.get_full_path())


def private(response: Response) -> Response:
    for name, value in PRIVATE.items():
        response.headers[name] = value
    return response
