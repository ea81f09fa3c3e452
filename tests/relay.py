"""A connection to Postgres that can be cut silently: nothing is forwarded, without a FIN or RST.

As a firewall that forgets a connection does it. The kernel on each side keeps acknowledging, so neither keepalive nor a
send timeout notices. Only the lines that LISTEN fall silent; what else goes to the database goes on.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

CHUNK = 65_536


class Relay:
    """Listens on loopback and forwards to the Postgres that `database_url` names by its socket's folder.

    Attributes:
        url: The same database, through the relay.
    """

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        self._target = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._door = socket.create_server(("127.0.0.1", 0), backlog=64)
        port = self._door.getsockname()[1]
        self.url = f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}?sslmode=disable&gssencmode=disable"
        self._lines: list[_Line] = []
        self._is_silent = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_silently(self) -> int:
        """Forward nothing more on the connections that listen now; returns how many. New connections work."""
        listening = [line for line in self._lines if line.listens and not line.is_cut]
        for line in listening:
            line.is_cut = True
        return len(listening)

    def stay_silent(self) -> None:
        """The same, also for every connection that is about to listen, until `forward()`."""
        self._is_silent = True
        self.cut_silently()

    def forward(self) -> None:
        """New connections work again; those that were cut stay cut."""
        self._is_silent = False

    def close(self) -> None:
        self._door.close()
        for line in self._lines:
            line.close()

    def heard(self, line: _Line, data: bytes) -> None:
        """A client has said this."""
        if b"LISTEN runboard_" in data:
            line.listens = True
            line.is_cut |= self._is_silent

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._target)
                line = _Line(client, server)
                self._lines.append(line)
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(line, source, sink), daemon=True).start()

    def _pump(self, line: _Line, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                if source is line.client:
                    self.heard(line, data)
                if not line.is_cut:
                    sink.sendall(data)
        if not line.is_cut:
            line.close()


class _Line:
    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.listens = self.is_cut = False

    def close(self) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
