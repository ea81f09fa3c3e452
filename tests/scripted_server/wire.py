"""HTTP/1.1 by hand, so that it can be broken at any byte."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.scripted_server.faults import Fault

REASONS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 404: "Not Found", 500: "Server Error"}


@dataclass(frozen=True)
class Request:
    """One request as it arrived.

    Attributes:
        path: Undecoded, without the query.
        headers: Names in lower case; of a repeated one the last.
        raw_headers: In order, names as sent.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    raw_headers: list[tuple[str, str]] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The body as JSON; None when empty."""
        return json.loads(self.body) if self.body else None

    @property
    def params(self) -> list[tuple[str, str]]:
        """The query, decoded, in order."""
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def segments(self) -> list[str]:
        """The path's segments, decoded."""
        return [unquote(part) for part in self.path.strip("/").split("/")]


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request on a connection, None when the client closed it."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    raw = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    headers = {name.lower(): value for name, value in raw}
    try:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, raw, body)


class Broken(Exception):
    """The answer has been broken as scripted: the connection is over."""


class Wire:
    """Sends one response, and breaks it where the fault says."""

    def __init__(self, writer: asyncio.StreamWriter, fault: Fault) -> None:
        self._writer = writer
        self._fault = fault
        self.sent = 0
        """Bytes of this response put on the wire."""

    async def send(self, data: bytes) -> None:
        """Send `data`, or the part before the cut and then break."""
        cut_at = self._fault.cut_at
        if cut_at is not None and self.sent + len(data) >= cut_at:
            await self._write(data[: cut_at - self.sent])
            await self.break_off()
        await self._write(data)

    async def _write(self, data: bytes) -> None:
        if self._fault.drip_s is None:
            for start in range(0, len(data), 1 << 16):
                self._writer.write(data[start : start + (1 << 16)])
                await self._writer.drain()
        else:
            for byte in data:
                self._writer.write(bytes((byte,)))
                await self._writer.drain()
                await asyncio.sleep(self._fault.drip_s)
        self.sent += len(data)

    async def head(self, status: int, headers: Mapping[str, str | None], length: int | None) -> None:
        """Send the status line and the headers; chunked when `length` is None."""
        all_headers: dict[str, str | None] = {"date": formatdate(usegmt=True), "content-type": "application/json"}
        if length is None:
            all_headers["transfer-encoding"] = "chunked"
        else:
            all_headers["content-length"] = str(length)
        for name, value in {**headers, **self._fault.headers}.items():
            all_headers[name.lower()] = value
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Scripted')}"]
        lines += [f"{name}: {value}" for name, value in all_headers.items() if value is not None]
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def chunk(self, data: bytes) -> None:
        """Send one chunk of a chunked body."""
        if data:
            await self.send(b"%x\r\n" % len(data) + data + b"\r\n")

    async def end(self) -> None:
        """End a chunked body."""
        await self.send(b"0\r\n\r\n")

    async def break_off(self) -> None:
        """Close, reset, or fall silent, as the fault says; never returns."""
        if self._fault.hang:
            await asyncio.Event().wait()  # until the server stops or the test ends
        if self._fault.reset:
            sock = self._writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Broken
