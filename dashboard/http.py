"""How views answer: to a browser, to htmx, or to a program that asked for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django_htmx.http import HttpResponseClientRedirect


class SeeOther(HttpResponseRedirect):
    """303: the answer to a POST is over there, to be fetched with GET."""

    status_code = 303


def wants_json(request: HttpRequest) -> bool:
    """Whether the client prefers JSON to HTML."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx asks for a fragment (a boosted link or a history restore wants the whole page)."""
    return request.headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in request.headers


def go_to(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser to `url`: HX-Redirect for htmx, 303 for plain HTML."""
    return HttpResponseClientRedirect(url) if is_htmx(request) else SeeOther(url)


def json_errors(errors: Mapping[str, Any]) -> JsonResponse:
    """The contract's 422."""
    return JsonResponse({"errors": errors}, status=422)
