"""A server that writes down what arrives and answers `{}` to everything."""

from __future__ import annotations

import asyncio
from typing import Self

from tests.scripted_server.wire import Request, read_request

_RUN = "/threads/1ef0b0b0-0000-6000-8000-000000000002/runs/1ef0b0b0-0000-6000-8000-000000000001"
_ANSWER = (
    f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n"
    f"Content-Location: {_RUN}\r\nLocation: {_RUN}/join\r\n\r\n{{}}"
).encode()


class RecordingServer:
    """`async with RecordingServer() as server:`, then `server.url`, and `server.take()` for what arrived."""

    def __init__(self) -> None:
        self.url = ""
        self._requests: list[Request] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    def take(self) -> list[Request]:
        """The requests since the last call."""
        taken, self._requests = self._requests, []
        return taken

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (request := await read_request(reader)) is not None:
            self._requests.append(request)
            writer.write(_ANSWER)
        writer.close()
        await writer.wait_closed()
