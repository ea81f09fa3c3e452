"""The connections requests go out on: a fresh one for each that changes something or waits long, kept ones for GETs.

A POST on a kept connection that the server has just closed would be ambiguous; and httpcore's pool walks all its
connections at each request, which is quadratic with thousands of long waits, makes a wait cost half as much memory
again, and costs a short GET as much as the rest of it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpcore
import httpx


class Content(httpx.AsyncByteStream):
    """A request body that is released once it is sent: a wait may last for hours, and its input may be large."""

    def __init__(self, content: bytes) -> None:
        self.size = len(content)
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content, self._content = self._content, b""
        yield content


class FreshConnections(httpx.AsyncBaseTransport):
    """A new connection for each request, closed with its response; at most `limits.max_connections` at a time."""

    def __init__(
        self, context: ssl.SSLContext, limits: httpx.Limits, network: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        self._context = context
        self._network = network
        self._slots = asyncio.Semaphore(limits.max_connections) if limits.max_connections else None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; its connection is closed, and its slot given back, when its response is closed."""
        if self._slots is not None:
            try:
                async with asyncio.timeout(request.extensions.get("timeout", {}).get("pool")):
                    await self._slots.acquire()
            except TimeoutError as error:
                raise httpx.PoolTimeout("", request=request) from error
        url = _url(request)
        connection = httpcore.AsyncHTTPConnection(url.origin, ssl_context=self._context, network_backend=self._network)
        return await _send(request, url, connection, self._end)

    async def _end(self, connection: httpcore.AsyncHTTPConnection) -> None:
        try:
            await connection.aclose()
        finally:
            if self._slots:
                self._slots.release()


class KeptConnections(httpx.AsyncBaseTransport):
    """Connections to one server that are used again, the last one first: little traffic keeps to a few.

    Bounds neither their number nor the requests under way: that is up to the caller.
    """

    def __init__(
        self, context: ssl.SSLContext, limits: httpx.Limits, network: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        self._context = context
        self._network = network
        self._most = limits.max_keepalive_connections
        self._expiry_s = limits.keepalive_expiry
        self._idle: deque[httpcore.AsyncHTTPConnection] = deque()
        self._is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; its connection can be used again when its response has been read and closed."""
        url = _url(request)
        return await _send(request, url, await self._take(url.origin), self._give_back)

    async def _take(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():  # nor has the server closed it
                return connection
            await connection.aclose()
        return httpcore.AsyncHTTPConnection(
            origin, ssl_context=self._context, keepalive_expiry=self._expiry_s, network_backend=self._network
        )

    async def _give_back(self, connection: httpcore.AsyncHTTPConnection) -> None:
        if connection.is_available() and not self._is_closed:
            self._idle.append(connection)
            too_many = self._most is not None and len(self._idle) > self._most
            if not too_many and not self._idle[0].has_expired():
                return
            connection = self._idle.popleft()  # the one that has been idle longest
        await connection.aclose()

    async def aclose(self) -> None:
        """Close those that nobody uses, and the others as soon as they are given back."""
        self._is_closed = True
        while self._idle:
            await self._idle.pop().aclose()


_End = Callable[[httpcore.AsyncHTTPConnection], Awaitable[None]]


def _url(request: httpx.Request) -> httpcore.URL:
    url = request.url
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


async def _send(
    request: httpx.Request, url: httpcore.URL, connection: httpcore.AsyncHTTPConnection, end: _End
) -> httpx.Response:
    """Send a request on a connection; `end` is called once, when it failed or its response is closed."""
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
        await end(connection)
        raise
    return httpx.Response(
        response.status,
        headers=response.headers,
        stream=_Body(response, connection, end),
        extensions=response.extensions,
    )


class _Body(httpx.AsyncByteStream):
    """A response body that is done with its connection once, when it is closed."""

    def __init__(self, response: httpcore.Response, connection: httpcore.AsyncHTTPConnection, end: _End) -> None:
        self._response = response
        self._connection: httpcore.AsyncHTTPConnection | None = connection
        self._end = end

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
            await self._end(connection)


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
