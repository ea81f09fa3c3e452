"""What stands before every view: sign-in, and a plain sentence while the database is away."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views import defaults

from dashboard.http import is_htmx, wants_json

logger = logging.getLogger(__name__)


class SignInRequired(LoginRequiredMiddleware):
    """Everything needs a signed-in person but views marked `login_not_required`. Programs get 401, not a login page."""

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase], *args: Any, **kwargs: Any
    ) -> HttpResponseBase | None:
        if not getattr(view_func, "login_required", True):
            return None  # health and share pages must not depend on whether a session can be read
        # Who asks is looked up here for the first time, and no exception handler sees what middleware raises.
        try:
            return super().process_view(request, view_func, *args, **kwargs)
        except (OperationalError, InterfaceError) as error:
            return _outage(request, error)

    def handle_no_permission(  # type: ignore[override]  # any answer will do, not only a redirect
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        if wants_json(request) or request.path.endswith(".json"):
            return JsonResponse({"error": "Sign in first."}, status=401)
        response = super().handle_no_permission(request, view_func)
        if is_htmx(request):  # a login page inside a fragment would be nonsense
            return HttpResponse(status=204, headers={"HX-Redirect": response.headers["Location"]})
        return response


def database_outage(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer 503 with a sentence while Postgres cannot be reached; never a trace."""

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            return get_response(request)
        except (OperationalError, InterfaceError) as error:
            return _outage(request, error)

    def process_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
        return _outage(request, error) if isinstance(error, OperationalError | InterfaceError) else None

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


def _outage(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.warning("the database cannot be reached: %s", str(error).strip())
    sentence = "The database cannot be reached right now. Nothing is lost; try again in a moment."
    if wants_json(request):
        return JsonResponse({"error": sentence}, status=503, headers={"Retry-After": "5"})
    return render(request, "503.html", {"sentence": sentence}, status=503)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler for what nobody caught: an outage that hit another middleware gets its sentence too."""
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError):
        return _outage(request, error)
    return defaults.server_error(request)
