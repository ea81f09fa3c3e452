"""Opening share links. Whatever is wrong with a link, the answer is the same."""

from __future__ import annotations

from typing import Any, TypeVar

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.hashers import check_password
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.http import SeeOther, client_address, refusal, wants_json
from dashboard.runs.state.download import state_response
from dashboard.sharing import selectors, services
from dashboard.sharing.access import COOKIE, Door, is_passed, may_go_on, pass_give, share_door
from dashboard.sharing.models import Audience, ShareLink
from dashboard.sharing.shown import SharedRun, share_context, share_live_html
from dashboard.teams.models import User
from dashboard.teams.passwords import limits_hashing
from dashboard.teams.throttle import throttle_failed, throttle_succeeded, throttle_wait_s

Response = TypeVar("Response", bound=HttpResponseBase)

GONE = "It may have expired or been revoked, or a part of it is missing. Ask the person who sent it for a new one."
ASKS_PASSWORD = "This link asks for a password."  # noqa: S105 - a sentence
WRONG = "This is not the password of the link. Ask the person who sent it."
PRIVATE = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}


# Pages without a referrer post without an origin. What is posted is a password, which whoever knows it may send.
@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limits_hashing
def share_page(request: HttpRequest, token: str) -> HttpResponseBase:
    """What the link shows, read only. POST gives its password."""
    link = selectors.share_open(token)
    door = share_door(link, _person(request, link), _cookie(request)) if link is not None else Door.CLOSED
    if link is None or door is Door.CLOSED:
        return gone(request)
    if door is Door.SIGN_IN:
        return _private(_sign_in(request))
    if request.method == "POST" and link.password:
        return _private(_password_given(request, link, token))
    if door is Door.PASSWORD:
        return _private(_password_page(request, link))
    is_counted = services.share_viewed(link) if request.method != "HEAD" else not link.is_used_up
    if not is_counted:
        return gone(request)
    response = _private(_page(request, link, token))
    if link.max_views is not None and not is_passed(link.pk, _cookie(request), "seen"):
        pass_give(response, link.pk, reverse("share-page", args=[token]), _cookie(request), seen=True)
    return response


@login_not_required
@never_cache
@require_safe
def share_live(request: HttpRequest, token: str) -> HttpResponse:
    """The parts of the share page that change, for browsers whose socket cannot open."""
    link = _going_on(request, token)
    return gone(request) if link is None else _private(HttpResponse(share_live_html(link, link.run)))


@login_not_required
@never_cache
@require_safe
def share_result(request: HttpRequest, token: str) -> HttpResponseBase:
    """The shared run's final state, as far as it is shown: byte for byte where all of it is."""
    link = _going_on(request, token)
    if link is None:
        return gone(request)
    shared = SharedRun(link, link.run)
    shown = shared.state()
    result = shared.result(shown)
    if result is None:
        return _private(refusal(request, 404, "There is no final state to show.", link="", is_private="yes"))
    filename = f"{link.run_id}.json"
    if link.is_whole:
        return _private(state_response(request, result, filename=filename))
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return _private(HttpResponse(shown.body, content_type="application/json", headers=headers))


def gone(request: HttpRequest) -> HttpResponse:
    """The answer to a link that does not work, whatever the reason."""
    return _private(refusal(request, 404, GONE, title="This link does not work", link="", is_private="yes"))


def _page(request: HttpRequest, link: ShareLink, token: str) -> HttpResponse:
    context = share_context(link, link.run)
    if wants_json(request):
        return JsonResponse(_document(context, token))
    # A page that reloads itself would use up a link of few views.
    context |= {"link": link, "token": token, "reloads": link.max_views is None}
    return render(request, "sharing/page.html", context)


def _document(context: dict[str, Any], token: str) -> dict[str, Any]:
    """What the link shows, for programs; the final state is at `result_url`."""
    run = context["run"]
    return {
        "name": run.title,
        "status": run.status,
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "error": {"type": run.error_type, "message": run.error_message} if run.has_error else None,
        "result_url": reverse("share-result", args=[token]) if context["result"] else None,
    }


def _going_on(request: HttpRequest, token: str) -> ShareLink | None:
    link = selectors.share_open(token)
    if link is None or not may_go_on(link, _person(request, link), _cookie(request)):
        return None
    return link


def _person(request: HttpRequest, link: ShareLink | None) -> User | None:
    """Who asks, where that matters: other links do not depend on whether a session can be read."""
    if link is None or link.audience == Audience.ANYONE:
        return None
    return request.user if isinstance(request.user, User) else None


def _cookie(request: HttpRequest) -> str:
    return request.COOKIES.get(COOKIE, "")


def _sign_in(request: HttpRequest) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"error": "Sign in first."}, status=401)
    return redirect_to_login(request.get_full_path())


def _password_page(request: HttpRequest, link: ShareLink, *, error: str = "", status: int = 200) -> HttpResponse:
    if wants_json(request):
        body = {"errors": {"password": [error]}} if error else {"error": ASKS_PASSWORD}
        return JsonResponse(body, status=status if error else 401)
    return render(request, "sharing/password.html", {"error": error}, status=status)


def _password_given(request: HttpRequest, link: ShareLink, token: str) -> HttpResponse:
    name, address = f"share {link.pk}", client_address(request)
    if wait_s := throttle_wait_s(name, address):
        response = _password_page(request, link, error=f"Too many tries. Wait {wait_s} s.", status=429)
        response.headers["Retry-After"] = str(wait_s)
        return response
    if not check_password(request.POST.get("password", ""), link.password):
        throttle_failed(name, address)
        return _password_page(request, link, error=WRONG, status=422)
    throttle_succeeded(name)
    response = SeeOther(reverse("share-page", args=[token]))
    pass_give(response, link.pk, reverse("share-page", args=[token]), _cookie(request), password=True)
    return response


def _private(response: Response) -> Response:
    for name, value in PRIVATE.items():
        response.headers[name] = value
    return response
