"""Django's ASGI handler, with two changes: a request runs in one thread, error pages included, and bodies are limited.

Django runs views in a thread that belongs to the request, whose database connection is given back when the answer has
been sent. It runs error pages in any thread of the loop's pool, whose connections nobody returns: a few hundred
unknown addresses would take them all. Here middleware, views and error pages run in the same thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from dashboard.http import refusal
from dashboard.web.answers import complete
from dashboard.web.bodies import announced, most_for, takes_multipart, too_large_sentence

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

NO_FILES = (
    "This address does not accept files, so nothing was done. Send the form as application/x-www-form-urlencoded."
)
NOT_UNDERSTOOD = "Runboard could not understand the request, so nothing was done."


class Handler(ASGIHandler):
    """The handler that `dashboard.asgi` serves."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """The response, all of it made in the thread of this request."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = refused_by_headers(scope)
        if refused is not None:
            await self.send_response(refused, send)
            return
        body = _Counted(receive, most_for(scope["headers"]))
        await super().handle(scope, body, send)
        if body.is_too_large:
            await self.send_response(_refusal(scope, 413, too_large_sentence(body.limit)), send)

    def create_request(
        self, scope: Mapping[str, Any], body_file: IO[bytes]
    ) -> tuple[ASGIRequest, None] | tuple[None, HttpResponseBase]:
        request, refused = super().create_request(scope, body_file)
        if request is None:
            return None, _refusal(scope, refused.status_code if refused else 400, NOT_UNDERSTOOD)
        if isinstance(body_file, SpooledTemporaryFile):  # count what came, not what was announced
            request.META["CONTENT_LENGTH"] = str(body_file.seek(0, 2))
            body_file.seek(0)
        return request, None


def refused_by_headers(scope: Mapping[str, Any]) -> HttpResponse | None:
    """The response to a request that can be refused without reading it; else None."""
    limit = most_for(scope["headers"])
    if (announced(scope["headers"]) or 0) > limit:
        return _refusal(scope, 413, too_large_sentence(limit))
    kind = next((value for name, value in scope["headers"] if name.lower() == b"content-type"), b"")
    if kind.strip().lower().startswith(b"multipart/") and not takes_multipart(scope["path"]):
        return _refusal(scope, 415, NO_FILES)
    return None


class _Counted:
    """A request's `receive`, which ends like a lost connection once the body is larger than `limit`."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self.limit = receive, limit
        self._size, self.is_too_large = 0, False

    async def __call__(self) -> Mapping[str, Any]:
        message = await self._receive()
        self._size += len(message.get("body") or b"")
        self.is_too_large = self._size > self.limit
        return {"type": "http.disconnect"} if self.is_too_large else message


def _refusal(scope: Mapping[str, Any], status: int, sentence: str) -> HttpResponse:
    """A page, or JSON, for what never became a request."""
    request = HttpRequest()
    request.method, request.path, request.path_info = scope["method"], scope["path"], scope["path"]
    accept = next((value for name, value in scope["headers"] if name.lower() == b"accept"), b"")
    request.META["HTTP_ACCEPT"] = accept.decode("latin-1")
    return complete(request, refusal(request, status, sentence))
