"""How connections are opened: to addresses that were checked first, directly or through a proxy.

A name is resolved once for each connection, every address it has is checked, and the connection goes to one of exactly
those, so a name that resolves to something else in between (DNS rebinding) gains nothing. TLS still uses the name.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

import httpcore
import httpx

from dashboard.langgraph.addresses import Address, host_problem, literal_address, private_kind
from dashboard.langgraph.errors import AddressRefused, RequestInvalid

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]

_HEAD_MAX_BYTES: Final = 16_384
ALLOW: Final = "An admin can allow private addresses for this server, under Servers."


async def resolve(host: str, port: int) -> list[str]:
    """Every address the system's resolver knows for a name, in its order.

    Raises:
        OSError: there is none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens TCP connections to public addresses only, unless private ones are allowed."""

    def __init__(
        self,
        *,
        allow_private: bool,
        resolve: Resolve = resolve,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._network = network or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to one of the addresses of `host`, all of which were checked.

        Raises:
            AddressRefused: one of them is not public; no connection was opened.
            httpcore.ConnectError: there is none, or none answers.
        """
        if self._allow_private:
            return await self._network.connect_tcp(host, port, timeout, local_address, socket_options)
        last: Exception | None = None
        for address in await self.checked_addresses(host, port):
            try:
                return await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last or httpcore.ConnectError(f"{host} has no address")

    async def checked_addresses(self, host: str, port: int) -> list[Address]:
        """The addresses of `host`.

        Raises:
            AddressRefused: one of them is not public.
            httpcore.ConnectError: the resolver does not know the name.
        """
        if problem := host_problem(host):
            raise AddressRefused(f"Not connected: {problem}. {ALLOW}")
        literal = literal_address(host)
        if literal is not None:
            return [literal]
        try:
            found = [ip_address(text) for text in await self._resolve(host, port)]
        except (OSError, UnicodeError, ValueError) as error:
            raise httpcore.ConnectError(str(error)) from error
        for address in found:
            if kind := private_kind(address):
                raise AddressRefused(f"Not connected: {host} resolves to {address}, which is {kind}. {ALLOW}")
        return found

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Servers have no such address."""
        raise httpcore.ConnectError("unix sockets are not supported")

    async def sleep(self, seconds: float) -> None:
        """Wait between two attempts of httpcore."""
        await asyncio.sleep(seconds)


class ProxiedNetwork(httpcore.AsyncNetworkBackend):
    """Opens every connection as a CONNECT tunnel through an HTTP proxy.

    Here and not in httpcore's own proxy classes, which report the CONNECT as the request itself: then nobody could say
    any more whether a run was sent.
    """

    def __init__(
        self,
        proxy: httpx.URL,
        *,
        targets: CheckedNetwork | None,
        network: httpcore.AsyncNetworkBackend,
        context: ssl.SSLContext,
    ) -> None:
        """Args:
        proxy: Its address; user name and password in it are sent as Basic authorization.
        targets: Checks what is connected to through the proxy; None: everything is allowed. A name that cannot be
            resolved here is left to the proxy, which looks it up itself.
        network: Opens the connection to the proxy.
        """
        self._proxy = proxy
        self._targets = targets
        self._network = network
        self._context = context

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A stream to `host` through the proxy.

        Raises:
            AddressRefused: the target is not public.
            httpcore.ConnectError: the proxy cannot be reached, or refuses.
        """
        if self._targets is not None:
            with suppress(httpcore.ConnectError):
                await self._targets.checked_addresses(host, port)
        proxy_port = self._proxy.port or (443 if self._proxy.scheme == "https" else 80)
        stream = await self._network.connect_tcp(self._proxy.host, proxy_port, timeout, local_address, socket_options)
        try:
            if self._proxy.scheme == "https":
                stream = await stream.start_tls(self._context, self._proxy.host, timeout)
            await stream.write(self._head(host, port), timeout)
            await self._check_answer(stream, timeout)
        except (httpcore.ReadError, httpcore.WriteError, httpcore.ReadTimeout, httpcore.WriteTimeout) as error:
            await stream.aclose()
            raise httpcore.ConnectError(f"the proxy {self._name} broke off: {error or type(error).__name__}") from error
        except BaseException:
            await stream.aclose()
            raise
        return stream

    @property
    def _name(self) -> str:
        return f"{self._proxy.host}:{self._proxy.port}" if self._proxy.port else self._proxy.host

    def _head(self, host: str, port: int) -> bytes:
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if self._proxy.username or self._proxy.password:
            pair = f"{unquote(self._proxy.username)}:{unquote(self._proxy.password)}"
            lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def _check_answer(self, stream: httpcore.AsyncNetworkStream, timeout: float | None) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = await stream.read(4096, timeout)
            head += chunk
            if not chunk or len(head) > _HEAD_MAX_BYTES:
                raise httpcore.ConnectError(f"the proxy {self._name} did not answer in HTTP")
        status = head.split(b"\r\n", 1)[0].decode("latin-1")
        words = status.split(" ", 2)
        if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].startswith("2"):
            raise httpcore.ConnectError(f"the proxy {self._name} refused: {' '.join(words[1:])[:200]}")
        if not head.endswith(b"\r\n\r\n"):
            raise httpcore.ConnectError(f"the proxy {self._name} spoke before it was asked")

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Servers have no such address."""
        raise httpcore.ConnectError("unix sockets are not supported")

    async def sleep(self, seconds: float) -> None:
        """Wait between two attempts of httpcore."""
        await asyncio.sleep(seconds)


def proxy_url(proxy: str | None) -> httpx.URL | None:
    """The proxy's address, checked.

    Raises:
        RequestInvalid: it is no http:// or https:// address.
    """
    if not proxy:
        return None
    url = httpx.URL(proxy if "://" in proxy else f"http://{proxy}")
    if url.scheme not in ("http", "https") or not url.host:
        raise RequestInvalid("The proxy must be an http:// or https:// address.")
    return url


def network_for(
    *, allow_private: bool, proxy: httpx.URL | None, trust_proxy: bool, context: ssl.SSLContext
) -> httpcore.AsyncNetworkBackend:
    """How a client opens its connections."""
    checked = CheckedNetwork(allow_private=allow_private)
    if proxy is None:
        return checked
    way = CheckedNetwork(allow_private=True) if trust_proxy else checked
    return ProxiedNetwork(proxy, targets=None if allow_private else checked, network=way, context=context)
