"""A browser's WebSocket for tests: none of our dependencies has a client."""

from __future__ import annotations

import asyncio
import base64
import os
import struct

PONG = 10


class Socket:
    """Just enough of a WebSocket: text frames in, pongs out."""

    def __init__(self, port: int, path: str, cookie: str) -> None:
        self._port, self._path, self._cookie = port, path, cookie
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Open it.

        Raises:
            OSError, EOFError: nobody is there, or refuses.
        """
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 24)
        key = base64.b64encode(os.urandom(16)).decode()
        host = f"127.0.0.1:{self._port}"
        head = (
            f"GET {self._path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {self._cookie}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        )
        self._writer.write(head.encode())
        answer = await self._reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in answer.split(b"\r\n", 1)[0]:
            raise ConnectionError(answer.decode("latin-1"))

    async def text(self) -> bytes:
        """The next text message.

        Raises:
            OSError, EOFError: it is closed.
        """
        assert self._writer is not None
        while True:
            first, length = await self._reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack(">H", await self._reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", await self._reader.readexactly(8))
            payload = await self._reader.readexactly(length)
            match first & 0x0F:
                case 1:  # text
                    return payload
                case 8:
                    raise ConnectionError(f"closed with {payload!r}")
                case 9:  # ping
                    mask = os.urandom(4)
                    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
                    self._writer.write(bytes((0x80 | PONG, 0x80 | len(payload))) + mask + masked)

    def close(self) -> None:
        """Close it as a browser does that is ended."""
        if self._writer is not None:
            self._writer.close()
