"""Limits what Daphne keeps of a request before our handler sees it.

Twisted, below it, parses forms on the event loop and keeps bodies of any size: 50 MB from a stranger would hold up
everybody for half a minute. Here nothing is parsed, and what is too large is answered at once and dropped.
"""

from __future__ import annotations

from typing import Any

import daphne.http_protocol
import daphne.server
from django.http import HttpResponse
from twisted.internet import reactor

from dashboard.web.bodies import most_for
from dashboard.web.handler import Scope, refused_by_headers

LINGER_S = 10.0
"""How long the rest of a refused body is waited for: a browser that is cut off while it sends shows no answer."""
SOCKET_MESSAGE_BYTES = 64 * 1024
"""The longest message: pages send only signs of life."""


class BoundedRequest(daphne.http_protocol.WebRequest):  # type: ignore[misc]
    """A request that keeps no more than its sender may send."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parsePOSTFormSubmission = False
        self._size, self._is_refused = 0, False

    def gotLength(self, length: int | None) -> None:
        self._limit = most_for(self._raw_headers())
        super().gotLength(length if length is None else min(length, self._limit))
        if length is not None and length > self._limit:
            self._refuse(length)

    def handleContentChunk(self, data: bytes) -> None:
        self._size += len(data)
        if self._is_refused:
            return
        if self._size > self._limit:
            self._refuse(self._size)
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if self._is_refused:
            self.channel.loseConnection()
        else:
            super().requestReceived(command, path, version)

    def _raw_headers(self) -> list[tuple[bytes, bytes]]:
        return [(name, value) for name, values in self.requestHeaders.getAllRawHeaders() for value in values]

    def _refuse(self, size: int) -> None:
        self._is_refused = True
        self.requestHeaders.removeHeader(b"expect")  # nothing more is wanted
        headers = [pair for pair in self._raw_headers() if pair[0].lower() != b"content-length"]
        scope: Scope = {
            "method": self.channel._command.decode("latin-1"),
            "path": self.channel._path.split(b"?", 1)[0].decode("latin-1"),
            "headers": [*headers, (b"content-length", str(size).encode())],
        }
        refused = refused_by_headers(scope)
        assert refused is not None
        self.channel.transport.write(_on_the_wire(refused))
        reactor.callLater(LINGER_S, self._give_up)  # type: ignore[arg-type]  # zope's interfaces are no types

    def _give_up(self) -> None:
        if getattr(self, "channel", None) is not None:
            self.channel.loseConnection()


class BoundedSockets(daphne.server.WebSocketFactory):  # type: ignore[misc]
    """WebSockets that refuse long messages."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.setProtocolOptions(maxFramePayloadSize=SOCKET_MESSAGE_BYTES, maxMessagePayloadSize=SOCKET_MESSAGE_BYTES)


def _on_the_wire(response: HttpResponse) -> bytes:
    response.headers["Content-Length"] = str(len(response.content))
    response.headers["Connection"] = "close"
    head = "".join(f"{name}: {value}\r\n" for name, value in response.items())
    return (
        f"HTTP/1.1 {response.status_code} {response.reason_phrase}\r\n{head}\r\n".encode("latin-1") + response.content
    )


def tighten() -> None:
    """Make the server in this process use these. Called before it starts, when `dashboard.asgi` is imported."""
    daphne.http_protocol.WebRequest = BoundedRequest
    daphne.server.WebSocketFactory = BoundedSockets
