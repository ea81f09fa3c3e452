"""Which team a request works in."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from dashboard.teams.models import Membership, Team, User
from dashboard.teams.selectors import membership_of


class TeamRequest(HttpRequest):
    """A request of a signed-in person; what views are typed with."""

    user: User
    team: Team
    membership: Membership


def current_team(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Set `request.team` and `request.membership`; both None for people who are in no team or not signed in."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_view(request: HttpRequest, view: object, args: object, kwargs: object) -> None:
        # Here and not earlier: pages that need no sign-in (health, static, share) never ask the database for a person.
        if getattr(view, "login_required", True):
            membership = membership_of(request.user)
            request.membership = membership  # type: ignore[attr-defined]
            request.team = membership.team if membership else None  # type: ignore[attr-defined]

    middleware.process_view = process_view  # type: ignore[attr-defined]
    return middleware
