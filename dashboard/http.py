"""How views respond to a browser, to htmx, or to a program that wants JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django_htmx.http import HttpResponseClientRedirect


class SeeOther(HttpResponseRedirect):
    """303: the response to a POST is at another address, for GET."""

    status_code = 303


def wants_json(request: HttpRequest) -> bool:
    """Whether the client prefers JSON to HTML."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def is_for_a_program(request: HttpRequest) -> bool:
    """Whether a program reads the response, which a page would not help."""
    return wants_json(request) or request.path.endswith(".json")


TITLES = {
    400: "That was not done",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    409: "Not any more",
    410: "Gone",
    413: "Too large",
    415: "Not taken",
    422: "That was not done",
    429: "Too many attempts",
    500: "Error in Runboard",
}


def refusal(request: HttpRequest, status: int, sentence: str, **page: str) -> HttpResponse:
    """A refusal as a page, or as JSON for a program. Uses neither session nor database.

    Args:
        page: `title` instead of the status', `link` and `link_label` instead of the link to all runs.
    """
    if is_for_a_program(request):
        return JsonResponse({"error": sentence}, status=status)
    context = {"title": TITLES.get(status, "That was not done"), "sentence": sentence, "link": "/runs/"} | page
    # Without the request: context processors need the database.
    return HttpResponse(render_to_string("message.html", context), status=status)


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx asks for a fragment (a boosted link or a history restore wants the whole page)."""
    return request.headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in request.headers


def client_address(request: HttpRequest) -> str:
    """The client's address; behind a trusted proxy, the one that the proxy saw."""
    if settings.SECURE_PROXY_SSL_HEADER and (forwarded := request.headers.get("X-Forwarded-For")):
        return forwarded.rsplit(",", 1)[-1].strip()[:60]
    return str(request.META.get("REMOTE_ADDR") or "")


def go_to(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser to `url`: HX-Redirect for htmx, 303 for plain HTML."""
    return HttpResponseClientRedirect(url) if is_htmx(request) else SeeOther(url)


NO_JSON_BODY = (
    "Send the fields of the form (application/x-www-form-urlencoded), not a JSON body; a document such as the input is "
    "JSON text inside its field."
)


def fields_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Refuse a JSON body, which would otherwise look like an empty form."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and (request.content_type or "").endswith("json"):
            return JsonResponse({"errors": {"body": [NO_JSON_BODY]}}, status=415)
        return view(request, *args, **kwargs)

    return checked


def json_errors(errors: Mapping[str, Any]) -> JsonResponse:
    """422 with the errors by field."""
    return JsonResponse({"errors": errors}, status=422)
