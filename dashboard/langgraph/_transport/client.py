"""The only way to the network: sends requests over httpx and raises only our own errors.

Two ways out. Short GETs share kept-alive connections. Everything else, and every long wait, gets a fresh connection of
its own (see `connections.py`).
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import httpx

from dashboard.langgraph._json.documents import SMALL_BYTES, parse_document
from dashboard.langgraph._json.encoder import encode_json
from dashboard.langgraph._json.slice import Part, document_part
from dashboard.langgraph._transport.connections import Content, FreshConnections, KeptConnections
from dashboard.langgraph._transport.error_responses import date_in_seconds, refusal
from dashboard.langgraph._transport.network import network_for, proxy_url
from dashboard.langgraph._transport.request_trace import Sending, sentence
from dashboard.langgraph.errors import (
    AnswerNotUnderstood,
    AnswerTooLarge,
    ClientClosed,
    RequestInvalid,
    ServerUnreachable,
    ServerUnreachableNotCreated,
)
from dashboard.langgraph.types import QueryParamTypes

T = TypeVar("T")

DEFAULT_TIMEOUT: Final = httpx.Timeout(connect=5.0, read=20.0, write=120.0, pool=10.0)
"""Seconds. `read` is the liveness timer between two bytes (a heartbeat comes every 5 s), not a limit on a run."""

DEFAULT_LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=5.0)
"""`max_connections` bounds the waits in flight, and apart from them the short requests. None: no bound."""

SHORT_AT_ONCE: Final = 16
"""The most short GETs at a time; the others queue. Two hundred runs that end together ask four hundred questions, and
as many connections at once cost more than they save."""


@dataclass(frozen=True)
class Reply:
    """A 2xx answer, read to its end."""

    headers: httpx.Headers
    body: bytes | bytearray

    def json(self) -> Any:
        """The body as a Python value; None when empty.

        Raises:
            AnswerNotUnderstood: The body is not one whole JSON document.
        """
        if not self.body.strip():
            return None
        try:
            return parse_document(self.body)
        except ValueError as error:
            raise AnswerNotUnderstood(f"The server's answer is not JSON: {error}.", body=self.body) from error

    async def read(self, what: Callable[[Part], T]) -> T:
        """Apply `what` to a body of any size, without building its Python values; in a thread when it is large.

        Raises:
            AnswerNotUnderstood: The body is not one whole JSON object or list.
        """
        try:
            if len(self.body) <= SMALL_BYTES:
                return what(_container(self.body))
            return await asyncio.to_thread(lambda: what(_container(self.body)))
        except ValueError as error:
            raise AnswerNotUnderstood(f"The server's answer is not as promised: {error}.", body=self.body) from error


def _container(body: bytes | bytearray) -> Part:
    found = document_part(body)
    if not found.is_object and not found.is_list:
        raise ValueError("it is neither an object nor a list")
    return found


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    """One for the process: loading the certificates takes 10 ms and more."""
    return httpx.create_ssl_context()


class HttpClient:
    """Sends requests to one LangGraph server. For the modules of this package only."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None,
        timeout: httpx.Timeout | float | tuple[float | None, ...] | None,
        limits: httpx.Limits | None,
        max_answer_bytes: int | None,
        proxy: str | None = None,
        trust_proxy: bool = False,
        allow_private: bool = True,
    ) -> None:
        timeout = DEFAULT_TIMEOUT if timeout is None else timeout
        limits = limits or DEFAULT_LIMITS
        try:
            base = httpx.URL(url)
            if base.scheme not in ("http", "https") or not base.host:
                raise RequestInvalid(f"{url!r} is not an http:// or https:// address.")
            context = _ssl_context()
            network = network_for(
                allow_private=allow_private, proxy=proxy_url(proxy), trust_proxy=trust_proxy, context=context
            )
            client = functools.partial(
                httpx.AsyncClient,
                base_url=base,
                headers=httpx.Headers({"User-Agent": "runboard", **(headers or {})}),
                timeout=timeout,  # type: ignore[arg-type]
            )
            self._fresh = client(transport=FreshConnections(context, limits, network))
            self._kept = client(transport=KeptConnections(context, limits, network))
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise (
                error
                if isinstance(error, RequestInvalid)
                else RequestInvalid(f"No client can be made for this address or these headers: {sentence(error)}.")
            ) from error
        self.max_answer_bytes: Final = max_answer_bytes
        self.heartbeat_at: datetime | None = None
        self.origin: Final = f"{base.scheme}://{base.netloc.decode('ascii')}"
        self.clock_ahead_s: float | None = None
        self._short_slots = asyncio.Semaphore(min(SHORT_AT_ONCE, limits.max_connections or SHORT_AT_ONCE))

    async def note_heartbeat(self) -> None:
        """A run's heartbeat has just arrived."""
        self.heartbeat_at = datetime.now(UTC)

    async def aclose(self) -> None:
        """Close idle connections; later requests raise ClientClosed."""
        for client in (self._kept, self._fresh):
            await client.aclose()

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        content: Content | None = None,
        params: QueryParamTypes | None = None,
        headers: Mapping[str, str] | None = None,
        before_send: Callable[[], None] | None = None,
        creates: bool = False,
        on_kept: bool = False,
    ) -> AsyncIterator[httpx.Response]:
        """Send a request and yield its 2xx response as soon as the headers are in, the body not yet read.

        The caller reads the body, and handles the errors that httpx raises meanwhile.

        Raises:
            RequestInvalid, ClientClosed, ServerUnreachable, RequestRejected: see `errors`.
            Whatever `before_send` raises comes out unchanged; nothing was sent then.
        """
        changes = method != "GET"
        client = self._kept if on_kept else self._fresh
        if client.is_closed:
            raise ClientClosed("This LangGraph client is closed.")
        sending = Sending(before_send)
        try:
            # The SDK's order: its own two headers first, so that the caller's win.
            all_headers: dict[str, str] = {}
            if content is not None:
                all_headers = {"Content-Length": str(content.size), "Content-Type": "application/json"}
            all_headers.update(headers or {})
            request = client.build_request(
                method,
                path,
                content=content,
                params=params,
                headers=all_headers,
                extensions={"trace": sending},
            )
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, AttributeError, LookupError) as error:
            raise RequestInvalid(f"The request cannot be sent: {sentence(error)}.") from error
        try:
            response = await client.send(request, stream=True, follow_redirects=False)
        except Exception as error:  # the one place where the whole HTTP stack's errors are sorted
            if sending.veto is not None:
                raise sending.veto from None
            raise sending.translate(error, changes=changes, origin=self.origin) from error
        if (date := date_in_seconds(response.headers.get("date"))) is not None:
            self.clock_ahead_s = date - time.time()
        try:
            if not 200 <= response.status_code < 300:
                raise await refusal(response, creates=creates, changes=changes)
            yield response
        finally:
            await _close(response)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: QueryParamTypes | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> Reply:
        """Send a short request and read its answer to the end.

        Raises AnswerTooLarge for one longer than `max_bytes` (None: than the client's own limit).

        A GET is tried a second time after a 500, and up to twice more when its connection died: a server that answers
        500 may close the connection as well, and then the next request on it fails through no fault of its own.
        """
        once = functools.partial(
            self._request_once, method, path, json=json, params=params, headers=headers, max_bytes=max_bytes
        )
        dropped = failed = 0
        while True:
            try:
                if method != "GET":
                    return await once()
                async with self._short_slots:  # the one that has waited longest is next
                    return await once(on_kept=True)
            except ServerUnreachable as error:
                if method != "GET":
                    raise
                if error.status_code == 500:
                    failed += 1
                elif isinstance(error.__cause__, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
                    dropped += 1
                else:
                    raise
                if failed > 1 or dropped > 2:
                    raise

    async def _request_once(
        self,
        method: str,
        path: str,
        *,
        json: Any,
        params: QueryParamTypes | None,
        headers: Mapping[str, str] | None,
        max_bytes: int | None,
        on_kept: bool = False,
    ) -> Reply:
        content = None if json is None else Content(encode_json(json))
        async with self.stream(
            method, path, content=content, params=params, headers=headers, on_kept=on_kept
        ) as response:
            # It grows in place: a list of chunks would be in memory twice when it is joined.
            body = bytearray()
            most = self.max_answer_bytes if max_bytes is None else max_bytes
            try:
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if most is not None and len(body) > most:
                        raise AnswerTooLarge(f"{self.origin} answered {method} {path} with more than {most:,} bytes.")
            except READING_ERRORS as error:
                if method == "GET":
                    raise ServerUnreachableNotCreated(
                        f"{self.origin} broke off its answer: {sentence(error)}."
                    ) from error
                # The headers said 2xx, so it was done; only the answer's text is missing.
                raise AnswerNotUnderstood(
                    f"{self.origin} did what was asked and broke off its answer: {sentence(error)}."
                ) from error
            return Reply(response.headers, body)


READING_ERRORS: Final = (httpx.HTTPError, httpx.StreamError, OSError, RuntimeError, ValueError)
"""What reading a response body can raise: cuts, silence, broken chunking, broken gzip."""


async def _close(response: httpx.Response) -> None:
    with suppress(*READING_ERRORS):  # the connection is broken anyway
        await response.aclose()
