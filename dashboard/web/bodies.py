"""Limits request bodies: little from strangers, RUNBOARD_BODY_MAX_MB from signed-in people and programs.

Checked three times, because each place knows more than the one before: the server (`transport.py`) keeps nothing beyond
what the request's cookies and headers could allow, the handler counts bytes under any server, and the
middleware here knows the person, before anything is parsed.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404, resolve

from dashboard.http import refusal

STRANGERS_BYTES = 64 * 1024
COMES_BACK_BYTES = 100_000
"""A larger form is not shown again to somebody who is not signed in."""

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def takes_files(view: View) -> View:
    """Mark a view that accepts files: only such views take multipart/form-data."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def most_for(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """The most that a request with these headers may send, if its session or token is what it says."""
    cookie = f"{settings.SESSION_COOKIE_NAME}=".encode()
    for name, value in headers:
        lower = name.lower()
        if (lower == b"cookie" and cookie in value) or lower == b"authorization":
            return most_for_members()
    return STRANGERS_BYTES


def most_for_members() -> int:
    return int(settings.ENV.body_max_mb) * 1024 * 1024


def announced(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The Content-Length; None when there is none, as when a body comes in chunks."""
    for name, value in headers:
        if name.lower() == b"content-length":
            return int(value) if value.isdigit() else None
    return None


def too_large_sentence(limit: int) -> str:
    """The limit that was exceeded, and what to do."""
    if limit <= STRANGERS_BYTES:
        return (
            f"More was sent than Runboard takes from anybody who is not signed in: {limit // 1024} KB. "
            "Nothing was done. Sign in in another tab, go back, and send it again."
        )
    return f"More was sent than Runboard takes at once: {limit // 1024**2} MB. Nothing was done; go back and send less."


def takes_multipart(path: str) -> bool:
    """Whether files are expected at this address."""
    try:
        return bool(getattr(resolve(path).func, "takes_files", False))
    except Resolver404:
        return False


def body_limit(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse what is too large for its sender, or in an encoding that Runboard does not read."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_view(request: HttpRequest, view: Any, args: object, kwargs: object) -> HttpResponse | None:
        _only_utf8(request)
        length = request.META.get("CONTENT_LENGTH") or "0"
        size = int(length) if length.isdigit() else 0
        if size <= STRANGERS_BYTES:
            return None
        limit = most_for_members() if request.user.is_authenticated else STRANGERS_BYTES
        if size <= limit:
            return None
        request._mark_post_parse_error()  # type: ignore[attr-defined]  # nobody after this may read it
        return refusal(request, 413, too_large_sentence(limit))

    middleware.process_view = process_view  # type: ignore[attr-defined]
    return middleware


def _only_utf8(request: HttpRequest) -> None:
    """Raise BadRequest for charsets other than UTF-8; some that Python knows are not for texts."""
    charset = (request.content_params or {}).get("charset", "utf-8")
    try:
        known = codecs.lookup(charset).name in {"utf-8", "ascii"}
    except (LookupError, ValueError):
        known = False
    if not known:
        raise BadRequest("charset is not UTF-8")
