"""Middleware before every view: sign-in, and a sentence while the database is away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from dashboard.database import DATABASE_AWAY
from dashboard.errors import bad_request, outage
from dashboard.http import is_for_a_program, is_htmx
from dashboard.teams.models import User
from dashboard.teams.pending_form import sign_in_and_keep
from dashboard.teams.people import team_switch
from dashboard.teams.selectors import person_memberships
from dashboard.text import clip

logger = logging.getLogger("dashboard.refused")


class SignInRequired(LoginRequiredMiddleware):
    """Every view needs a signed-in person, except those marked `login_not_required`. Programs get 401."""

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase], *args: Any, **kwargs: Any
    ) -> HttpResponseBase | None:
        if not getattr(view_func, "login_required", True):
            return None  # health and share pages must not depend on whether a session can be read
        # Here the person is first looked up, and no exception handler sees what middleware raises.
        try:
            return super().process_view(request, view_func, *args, **kwargs)
        except DATABASE_AWAY as error:
            return outage(request, error)

    def handle_no_permission(  # type: ignore[override]  # any answer will do, not only a redirect
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        if is_for_a_program(request):
            return JsonResponse({"error": "Sign in first."}, status=401)
        if request.method == "POST" and not is_htmx(request) and getattr(view_func, "keeps_typed", False):
            return sign_in_and_keep(request)
        if request.method in ("GET", "HEAD"):
            response = super().handle_no_permission(request, view_func)
        else:  # an address for POST alone is no place to return to
            response = redirect_to_login(reverse("run-list"))
        if is_htmx(request):  # a login page inside a fragment would be nonsense
            return HttpResponse(status=204, headers={"HX-Redirect": response.headers["Location"]})
        return response


def database_outage(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer 503 with a sentence while Postgres cannot be reached; never a trace."""

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            return get_response(request)
        except DATABASE_AWAY as error:
            return outage(request, error)

    def process_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, DATABASE_AWAY):
            return outage(request, error)
        if isinstance(error, DataError):  # Postgres has no such value, so it came from outside
            logger.warning("the database refused a value: %s", clip(str(error).strip().splitlines()[0]))
            return bad_request(request, error)
        return None

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


OWNED = {"run_id": "runs.Run", "server_id": "servers.Server", "preset_id": "launch.Preset"}
"""A team's objects, by the names of their ids in addresses."""


def other_team(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Redirect a page that was opened in the wrong team of a person to the right one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
        match = request.resolver_match
        is_page = request.method == "GET" and not is_htmx(request) and not is_for_a_program(request)
        if not isinstance(error, Http404) or match is None or not is_page or getattr(request, "team", None) is None:
            return None
        assert isinstance(request.user, User)
        for name, label in OWNED.items():
            if name not in match.kwargs:
                continue
            owner = apps.get_model(label)._default_manager.filter(pk=match.kwargs[name]).values("team")
            there = person_memberships(request.user).filter(team__in=owner).exclude(team=request.team).first()  # type: ignore[attr-defined]
            if there is not None and team_switch(user=request.user, team=there.team):
                messages.info(
                    request, f"This belongs to another of your teams. You have switched to {there.team.name}."
                )
                return HttpResponseRedirect(request.get_full_path())
        return None

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware
