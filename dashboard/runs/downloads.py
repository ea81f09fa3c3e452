"""A final state over HTTP, byte for byte and in pieces: a web process holds one piece, whatever the size."""

from __future__ import annotations

from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from dashboard.runs.models import RunResult
from dashboard.runs.packing import unpacked

AT_ONCE_BYTES = 1_000_000


def state_response(request: HttpRequest, result: RunResult, *, filename: str = "") -> HttpResponseBase:
    """The final state of a run; with a file name browsers save it."""
    headers = {"ETag": f'"{bytes(result.sha256).hex()}"', "Content-Length": str(result.size_bytes)}
    if filename:
        headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    if request.method == "HEAD":
        return HttpResponse(content_type="application/json", headers=headers)
    if result.size_bytes <= AT_ONCE_BYTES:
        return HttpResponse(result.body, content_type="application/json", headers=headers)
    return _InPieces(unpacked(result.run_id), content_type="application/json", headers=headers)


class _InPieces(StreamingHttpResponse):
    """Django would collect all pieces of an ordinary iterator before it sends the first one over ASGI."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self)
        following = sync_to_async(lambda: next(pieces, None))
        while (piece := await following()) is not None:
            yield piece
