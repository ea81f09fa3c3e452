"""The headers of every response, and a text for responses that would be blank."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

from dashboard.http import refusal

SECRET_ADDRESS = re.compile(r"/(?:s|f|a|accounts/sign-in|accounts/join|accounts/reset)/.")
"""Anybody with such an address may use it, so no header reveals it."""

SENTENCES = {
    400: "Runboard could not understand the request, so nothing was done.",
    405: "This address does not accept that kind of request, so nothing was done.",
    429: "Too many requests from here. Wait a moment and try again.",
}


def every_answer(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """The outermost middleware: every response passes it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return complete(request, get_response(request))

    return middleware


def complete(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Add what is missing."""
    if response.status_code >= 400 and request.method != "HEAD" and not response.streaming and not response.content:
        response = _with_words(request, response)
    if "Cache-Control" not in response.headers:
        add_never_cache_headers(response)
    for name, value in _headers():
        response.headers.setdefault(name, value)
    if SECRET_ADDRESS.match(request.path):
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        # A page with a form, also one with errors, must let its browser send the origin.
        if response.status_code >= 300 and response.status_code != 422:
            response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _with_words(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    status = response.status_code
    worded = refusal(request, status, SENTENCES.get(status) or "This cannot be done.")
    for name, value in response.headers.items():
        if name not in ("Content-Type", "Content-Length"):
            worded.headers[name] = value
    worded.cookies = response.cookies
    return worded


def _headers() -> list[tuple[str, str]]:
    policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    found = [
        ("Content-Security-Policy", "; ".join(f"{name} {' '.join(values)}" for name, values in policy.items())),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ]
    found.append(("Referrer-Policy", str(settings.SECURE_REFERRER_POLICY)))
    if settings.SECURE_HSTS_SECONDS:
        found.append(("Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"))
    return found
