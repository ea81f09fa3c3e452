"""A connection of its own for each request that changes something, and for each long wait.

A POST on a kept-alive connection that the server has just closed would be ambiguous; and a pool with thousands of long
waits walks its whole list at each request (quadratic). Without a pool a wait costs a third less memory, too.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpcore
import httpx


class Content(httpx.AsyncByteStream):
    """A request body that is let go of once it is sent: a wait may last for hours, and its input may be large."""

    def __init__(self, content: bytes) -> None:
        self.size = len(content)
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content, self._content = self._content, b""
        yield content


class FreshConnections(httpx.AsyncBaseTransport):
    """A new connection for each request, closed with its response; at most `limits.max_connections` at a time."""

    def __init__(self, context: ssl.SSLContext, limits: httpx.Limits) -> None:
        self._context = context
        self._slots = asyncio.Semaphore(limits.max_connections) if limits.max_connections else None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; its connection is closed, and its slot given back, when its response is closed."""
        await self._take_slot(request)
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        connection = httpcore.AsyncHTTPConnection(url.origin, ssl_context=self._context)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        try:
            with _httpx_errors(request):
                response = await connection.handle_async_request(
                    httpcore.Request(
                        request.method,
                        url,
                        headers=request.headers.raw,
                        content=request.stream,
                        extensions=request.extensions,
                    )
                )
        except BaseException:
            await self._end(connection)
            raise
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Body(response, connection, self),
            extensions=response.extensions,
        )

    async def _take_slot(self, request: httpx.Request) -> None:
        if self._slots is None:
            return
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("pool")):
                await self._slots.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("", request=request) from error

    async def _end(self, connection: httpcore.AsyncHTTPConnection) -> None:
        try:
            await connection.aclose()
        finally:
            if self._slots:
                self._slots.release()


class _Body(httpx.AsyncByteStream):
    """A response body that ends its connection once, when it is closed."""

    def __init__(
        self, response: httpcore.Response, connection: httpcore.AsyncHTTPConnection, owner: FreshConnections
    ) -> None:
        self._response = response
        self._connection: httpcore.AsyncHTTPConnection | None = connection
        self._owner = owner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors():
            async for chunk in self._response.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            with _httpx_errors():
                await self._response.aclose()
        finally:
            await self._owner._end(connection)


@contextmanager
def _httpx_errors(request: httpx.Request | None = None) -> Iterator[None]:
    """httpcore's errors as httpx's of the same name, as httpx's own transport does it."""
    try:
        yield
    except Exception as error:
        for kind in type(error).__mro__:
            if kind.__module__.startswith("httpcore") and hasattr(httpx, kind.__name__):
                raise getattr(httpx, kind.__name__)(str(error), request=request) from error
        raise
