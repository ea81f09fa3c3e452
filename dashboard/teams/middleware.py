"""Which team a request works in, and programs that sign in with a token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from dashboard.teams.api_tokens import A_MINUTE, TokenUse, scope_needed, token_open, token_used
from dashboard.teams.audit import audit_request
from dashboard.teams.models import ApiToken, Membership, Team, User
from dashboard.teams.selectors import membership_with_token, memberships_of

BEARER = "bearer "


class TeamRequest(HttpRequest):
    """A request of a signed-in person; what views are typed with."""

    user: User
    team: Team
    membership: Membership


def token_sign_in(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """`Authorization: Bearer`: the token's owner in the token's team, within its scopes; answers are JSON.

    It needs no CSRF token: browsers send no such header by themselves.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        use: TokenUse | None = getattr(request, "token_use", None)
        if use is not None:
            response.headers["X-RateLimit-Limit"] = str(A_MINUTE)
            response.headers["X-RateLimit-Remaining"] = str(use.left)
            response.headers["X-RateLimit-Reset"] = str(use.resets_in_s)
        return response

    def process_view(request: HttpRequest, view: Any, args: object, kwargs: Mapping[str, Any]) -> HttpResponse | None:
        given = request.headers.get("Authorization", "")
        if not given.lower().startswith(BEARER) or not getattr(view, "login_required", True):
            return None
        request.META["HTTP_ACCEPT"] = "application/json"
        for cached in ("headers", "accepted_types", "accepted_types_by_precedence"):
            request.__dict__.pop(cached, None)
        token = token_open(given[len(BEARER) :].strip())
        membership = membership_with_token(token) if token else None
        if token is None or membership is None:
            return _refused(401, "This token does not work: it is unknown, expired or revoked.")
        return _use(request, view, token, membership)

    middleware.process_view = process_view  # type: ignore[attr-defined]
    return middleware


def _use(request: HttpRequest, view: Any, token: ApiToken, membership: Membership) -> HttpResponse | None:
    use = token_used(token)
    request.token, request.token_use = token, use  # type: ignore[attr-defined]
    if use.is_too_often:
        refused = _refused(429, f"This token was used more than {A_MINUTE} times in a minute.")
        refused.headers["Retry-After"] = str(use.resets_in_s)
        return refused
    name = request.resolver_match.url_name if request.resolver_match else ""
    scope = scope_needed(request.method, name or "")
    if scope not in token.scopes:
        return _refused(403, f"This token lacks the scope {scope.value}.")
    if getattr(view, "people_only", False):
        return _refused(403, "This is only for people who are signed in, not for tokens.")
    request.user, request.membership, request.team = token.user, membership, token.team  # type: ignore[attr-defined]
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    return None


def _refused(status: int, sentence: str) -> JsonResponse:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return JsonResponse({"error": sentence}, status=status, headers=headers)


def current_team(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Set `request.team` and `request.membership`; both None for people who are in no team or not signed in.

    Times are shown in the person's zone, and what they change is written to the audit log.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            response = get_response(request)
        finally:
            timezone.deactivate()
        audit_request(request, response)
        return response

    def process_view(request: HttpRequest, view: object, args: object, kwargs: object) -> None:
        # Here and not earlier: pages that need no sign-in (health, static, share) never ask the database for a person.
        if not getattr(view, "login_required", True):
            return
        if not hasattr(request, "token"):
            memberships = memberships_of(request.user)
            membership = memberships[0] if memberships else None
            request.membership = membership  # type: ignore[attr-defined]
            request.team = membership.team if membership else None  # type: ignore[attr-defined]
            request.other_teams = [other.team for other in memberships[1:]]  # type: ignore[attr-defined]
        if zone := getattr(request.user, "time_zone", ""):
            timezone.activate(ZoneInfo(zone))

    middleware.process_view = process_view  # type: ignore[attr-defined]
    return middleware
