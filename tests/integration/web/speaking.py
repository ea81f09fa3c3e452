"""HTTP as anybody may send it: raw bytes over a socket, so that no client library puts it right."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.processes import Web


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Door:
    """A web process and how it is spoken to."""

    def __init__(self, web: Web) -> None:
        self.web, self.port, self.url = web, web.port, web.url

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        *,
        timeout: float = 20,
        **headers: str,
    ) -> Answer:
        """One request, and its answer; an iterable is sent in chunks. Header names have `_` for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            if body is not None:
                given.setdefault("Content-Type", "application/x-www-form-urlencoded")
            connection.request(method, path, body, given)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def announce(self, path: str, length: int, **headers: str) -> Answer:
        """Say how long the body will be, and send none of it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest("POST", path)
            for name, value in {"Content-Length": str(length), **headers}.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def many(self, times: int, method: str, path: str, **headers: str) -> list[int]:
        """So many at once; their statuses."""
        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(lambda _: self.ask(method, path, **headers).status, range(times)))

    def raw(self, data: bytes) -> bytes:
        """Send bytes, and return what comes until the connection is closed or silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=3) as line:
            line.sendall(data)
            found = b""
            try:
                while chunk := line.recv(65_536):
                    found += chunk
                    if b"\r\n\r\n" in found and not chunk:
                        break
            except (TimeoutError, ConnectionResetError):
                pass
            return found

    def healthz_s(self) -> float:
        """How long /healthz takes."""
        began = time.monotonic()
        self.ask("GET", "/healthz")
        return time.monotonic() - began
