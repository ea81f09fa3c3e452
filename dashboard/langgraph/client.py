"""`get_client`: the way in."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx

from dashboard.langgraph._transport.client import DEFAULT_LIMITS, DEFAULT_TIMEOUT, HttpClient
from dashboard.langgraph.assistants import AssistantsClient
from dashboard.langgraph.backoff import Backoff
from dashboard.langgraph.errors import AnswerNotUnderstood
from dashboard.langgraph.runs import RunsClient
from dashboard.langgraph.threads import ThreadsClient


def silence_of(seconds: float | None) -> httpx.Timeout:
    """The default timeout, but for the longest silence between two bytes; None: no end."""
    default = DEFAULT_TIMEOUT
    return httpx.Timeout(connect=default.connect, read=seconds, write=default.write, pool=default.pool)


def get_client(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | float | tuple[float | None, ...] | None = DEFAULT_TIMEOUT,
    limits: httpx.Limits | None = DEFAULT_LIMITS,
    backoff: Backoff | None = None,
    max_answer_bytes: int | None = None,
    proxy: str | None = None,
    trust_proxy: bool = False,
    allow_private: bool = True,
) -> LangGraphClient:
    """A client for one LangGraph server, used as `async with get_client(url) as client:`.

    Args:
        url: The server's address, with a path when it lives below one, for example "https://host/langgraph".
        headers: Sent with every request, for example `{"x-api-key": ...}`. Nothing is read from the environment.
        timeout: Seconds, as httpx takes them. `read` is the longest silence between two bytes and must exceed the
            server's heartbeat (5 s); it does not limit how long a run takes. None: the default.
        limits: `max_connections` bounds the waits in flight (default: no bound). None: the default.
        backoff: Pauses before joining again after a lost connection.
        max_answer_bytes: A longer answer raises AnswerTooLarge, decompressed bytes counted. None: no limit.
        proxy: The http:// or https:// proxy that every connection goes through, as a CONNECT tunnel. None: none.
        trust_proxy: Whether the proxy itself may have a private address although the server may not.
        allow_private: With False, a connection to an address that is not public raises AddressRefused, whatever the
            name resolves to at that moment.

    Raises:
        RequestInvalid: The address or the headers cannot be used.
    """
    http = HttpClient(
        url,
        headers=headers,
        timeout=timeout,
        limits=limits,
        max_answer_bytes=max_answer_bytes,
        proxy=proxy,
        trust_proxy=trust_proxy,
        allow_private=allow_private,
    )
    return LangGraphClient(http, backoff or Backoff())


@dataclass(frozen=True)
class Probe:
    """How a server answers.

    `clock_off_s` is how far its clock is ahead of ours, to about a second; None when its answers carry no time.
    """

    took_s: float
    clock_off_s: float | None
    software: str


class LangGraphClient:
    """One LangGraph server. Made by `get_client`; safe to share between tasks of one event loop."""

    def __init__(self, http: HttpClient, backoff: Backoff) -> None:
        self._http = http
        self.runs = RunsClient(http, backoff)
        self.threads = ThreadsClient(http)
        self.assistants = AssistantsClient(http)

    @property
    def clock_ahead_s(self) -> float | None:
        """How far the server's clock is ahead of ours, by its last `Date`; None before it has sent one."""
        return self._http.clock_ahead_s

    async def info(self, *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """`GET /info`: version and flags of the server."""
        found = (await self._http.request("GET", "/info", headers=headers)).json()
        if not isinstance(found, dict):
            raise AnswerNotUnderstood("The server's /info is no JSON object.")
        return found

    async def ok(self, *, headers: Mapping[str, str] | None = None) -> bool:
        """Whether `GET /ok` says `{"ok": true}`.

        Raises:
            ServerUnreachable, RequestRejected: It did not say anything, or no.
        """
        found = (await self._http.request("GET", "/ok", headers=headers)).json()
        return isinstance(found, dict) and found.get("ok") is True

    async def probe(self, *, headers: Mapping[str, str] | None = None) -> Probe:
        """Ask `GET /ok`, and look at how it was answered.

        Raises:
            ServerUnreachable, RequestRejected: It did not say anything, or no.
        """
        began_at, began = datetime.now(UTC), time.monotonic()
        reply = await self._http.request("GET", "/ok", headers=headers)
        took_s = time.monotonic() - began
        clock_off_s = None
        with suppress(KeyError, ValueError, TypeError):
            # The header has whole seconds: on average half a second has passed since.
            said_at = parsedate_to_datetime(reply.headers["date"]) + timedelta(seconds=0.5)
            clock_off_s = (said_at - began_at).total_seconds() - took_s / 2
        return Probe(took_s, clock_off_s, reply.headers.get("server", ""))

    @property
    def heartbeat_at(self) -> datetime | None:
        """When this client last received a run's heartbeat; None: never."""
        return self._http.heartbeat_at

    async def aclose(self) -> None:
        """Close idle connections. Waits in flight go on until their tasks end; new requests raise ClientClosed."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
