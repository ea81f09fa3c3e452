"""Watches one request leave, so that afterwards we know whether any of it was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpcore
import httpx

from dashboard.langgraph.errors import (
    AddressRefused,
    LangGraphError,
    RequestInvalid,
    ServerUnreachableNotCreated,
    ServerUnreachablePerhapsCreated,
)


class Sending:
    """httpcore's `trace` extension for one request.

    Attributes:
        started: True from the moment the first byte may have left. Until then the server provably knows nothing.
        veto: What `before_send` raised; nothing was sent then, and the caller gets exactly this exception.
    """

    def __init__(self, before_send: Callable[[], None] | None = None) -> None:
        self.started = False
        self.veto: BaseException | None = None
        self._before_send = before_send

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Called by httpcore, awaited, at each step of the request."""
        if event.endswith(".send_request_headers.started"):
            if self._before_send:
                try:
                    self._before_send()
                except BaseException as veto:
                    self.veto = veto
                    raise
            self.started = True
        elif event.endswith(".send_request_headers.failed") and isinstance(
            info.get("exception"), httpcore.LocalProtocolError
        ):
            self.started = False  # h11 refused the headers before it produced a single byte

    def translate(self, error: Exception, *, changes: bool, origin: str) -> LangGraphError:
        """Our own error for what the HTTP stack raised before the response headers arrived.

        Args:
            error: What httpx, httpcore, h11, ssl or the operating system raised.
            changes: Whether the request, had it arrived, changes something on the server (so: not a GET).
            origin: The server's address without credentials, for the sentence.
        """
        if isinstance(error, AddressRefused):
            return error
        if not self.started:
            if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol | httpx.InvalidURL | ValueError):
                return RequestInvalid(f"The request cannot be sent: {sentence(error)}.")
            return ServerUnreachableNotCreated(f"{origin} could not be reached: {sentence(error)}.")
        if not changes:
            return ServerUnreachableNotCreated(f"{origin} gave no answer: {sentence(error)}.")
        return ServerUnreachablePerhapsCreated(
            f"{origin} gave no answer after the request was sent: {sentence(error)}. It may have taken effect.",
            was_taken=isinstance(error, httpx.ReadTimeout),
        )


def sentence(error: BaseException) -> str:
    """A few words, without a full stop, for what went wrong on the connection."""
    if isinstance(error, httpx.ConnectTimeout):
        return "connecting took too long"
    if isinstance(error, httpx.PoolTimeout):
        return "all connections this client may open are in use"
    if isinstance(error, httpx.ReadTimeout):
        return "the server fell silent"
    if isinstance(error, httpx.WriteTimeout):
        return "the server stopped reading the request"
    words = str(error).strip().rstrip(".") or type(error).__name__
    if isinstance(error, httpx.ConnectError):
        return f"no connection ({words})"
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError | httpx.CloseError):
        return f"the connection was cut ({words})"
    return words
