"""Browsers without pages: signed in, over a connection of their own to a web process, as fast as the bench wants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlencode

from django.test import Client

from tests.bench.programs import Web


class Browser:
    """Requests, one after the other."""

    def __init__(self, web: Web, client: Client) -> None:
        """Args:
        client: Whose cookies it has.
        """
        self._connection = HTTPConnection("127.0.0.1", web.port, timeout=60)
        self._cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in client.cookies.items())

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> bytes:
        """What is there."""
        return self._ask("GET", path, 200, headers=headers or {})

    def post(self, path: str, form: Mapping[str, str]) -> bytes:
        """Send a form, which leads to another page."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, 303, body=urlencode(form), headers=kind)

    def close(self) -> None:
        self._connection.close()

    def _ask(
        self, method: str, path: str, wanted: int, *, headers: Mapping[str, str], body: str | None = None
    ) -> bytes:
        self._connection.request(method, path, body, {**headers, "Cookie": self._cookies})
        answer = self._connection.getresponse()
        said = answer.read()
        assert answer.status == wanted, (answer.status, said[:2000])
        return said


@contextmanager
def browsers(count: int, webs: Sequence[Web], client: Client) -> Iterator[list[Browser]]:
    """Browsers of one person, spread over web processes."""
    made = [Browser(webs[number % len(webs)], client) for number in range(count)]
    try:
        yield made
    finally:
        for browser in made:
            browser.close()
