"""A mail server on loopback that takes every mail and keeps it."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from queue import Queue
from typing import Self, cast


class MailSink(socketserver.ThreadingTCPServer):
    """What came, in `mails`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: Queue[EmailMessage] = Queue()

    @property
    def url(self) -> str:
        """For EMAIL_URL."""
        return f"smtp+plain://127.0.0.1:{self.server_address[1]}"

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[Self]:
        """One that serves as long as the block lasts."""
        with cls() as sink:
            threading.Thread(target=sink.serve_forever, daemon=True).start()
            yield sink
            sink.shutdown()


class _Session(socketserver.StreamRequestHandler):
    """As much of SMTP as Python's `smtplib` speaks without signing in."""

    def handle(self) -> None:
        self._say("220 here")
        for line in self.rfile:
            match line[:4].upper():
                case b"DATA":
                    self._say("354 go on")
                    self._take()
                    self._say("250 kept")
                case b"QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 fine")

    def _take(self) -> None:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        sink = cast(MailSink, self.server)
        sink.mails.put(cast(EmailMessage, email.message_from_bytes(b"".join(lines), policy=default)))

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
