"""A final state over HTTP, byte for byte and in pieces: a web process holds one piece, whatever the size."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from dashboard.database import DATABASE_AWAY
from dashboard.runs.models import RunResult
from dashboard.runs.state.storage import Unpacked

logger = logging.getLogger(__name__)

AT_ONCE_BYTES = 1_000_000
PATIENCE_S = 120.0
AGAIN_S = 0.5


def state_response(request: HttpRequest, result: RunResult, *, filename: str = "") -> HttpResponseBase:
    """The final state of a run; with a file name browsers save it."""
    headers = {"ETag": f'"{bytes(result.sha256).hex()}"', "Content-Length": str(result.size_bytes)}
    if filename:
        headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    if request.method == "HEAD":
        return HttpResponse(content_type="application/json", headers=headers)
    if result.size_bytes <= AT_ONCE_BYTES:
        return HttpResponse(result.body, content_type="application/json", headers=headers)
    return _InPieces(Unpacked(result.run_id), content_type="application/json", headers=headers)


class _InPieces(StreamingHttpResponse):
    """Django would collect all pieces of an ordinary iterator before it sends the first one over ASGI."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self)
        while (piece := await _following(pieces)) is not None:
            yield piece


async def _following(pieces: Iterator[bytes]) -> bytes | None:
    """The next piece. The download has begun, so an outage of Postgres is only a pause.

    Raises:
        OperationalError, InterfaceError: it is too long for that. The download ends short of its Content-Length.
    """
    ends = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await sync_to_async(lambda: next(pieces, None))()
        except DATABASE_AWAY as error:
            if time.monotonic() >= ends:
                raise
            logger.info("a download waits for the database: %s", str(error).strip())
        await asyncio.sleep(AGAIN_S)
        await sync_to_async(connections.close_all)()
