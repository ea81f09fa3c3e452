"""No refusal keeps a database connection, whatever is refused and how, before and after Postgres was started again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, connections
from django.test import Client

from tests.factories import make_team, make_user
from tests.integration.web.speaking import Door

pytestmark = pytest.mark.django_db(transaction=True)

STRANGE = f"{settings.SESSION_COOKIE_NAME}={'a' * 32}"
SOCKET = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}

REFUSALS: dict[str, tuple[str, str, dict[str, str]]] = {
    "unknown address": ("GET", "/nope/", {}),
    "unknown address, posted": ("POST", "/nope/", {}),
    "unknown method": ("BREW", "/nope/", {}),
    "method not taken": ("DELETE", "/runs/", {}),
    "link that does not work": ("GET", "/s/nope/", {}),
    "result of no link": ("GET", "/s/nope/result.json", {}),
    "unknown static file": ("GET", "/static/nope.css", {}),
    "wrong host": ("GET", "/runs/", {"Host": "elsewhere.example"}),
    "no such run": ("GET", "/runs/3f2b8c1e-5d0a-4b7e-9c61-2a4f0d8e7b35/", {}),
    "no token": ("POST", "/accounts/logout/", {"Cookie": STRANGE}),
    "wrong origin": ("POST", "/accounts/login/", {"Origin": "http://evil.example"}),
    "sign-in first": ("GET", "/runs/", {}),
    "sign-in first, JSON": ("GET", "/runs/", {"Accept": "application/json"}),
    "not understood": ("POST", "/accounts/login/", {"Content_Type": "text/plain; charset=hex"}),
    "files where none are": ("POST", "/accounts/login/", {"Content_Type": "multipart/form-data; boundary=x"}),
    "path that is no text": ("GET", "/%ff%fe/%00", {}),
    "socket nowhere": ("GET", "/ws/nope/", {**SOCKET, "Origin": "http://127.0.0.1"}),
    "socket from elsewhere": ("GET", "/ws/runs/", {**SOCKET, "Origin": "http://evil.example"}),
}


@pytest.fixture
def cookie() -> str:
    """Of somebody who is signed in."""
    browser = Client()
    browser.force_login(make_user(make_team()))
    return f"{settings.SESSION_COOKIE_NAME}={Session.objects.latest('expire_date').pk}"


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    connections.close_all()


def held() -> int:
    """Connections of the web process that are not idle in its pool: taken, and not given back. By their number."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def test_a_refusal_keeps_no_connection(door: Door, cookie: str) -> None:
    for kind, (method, path, headers) in REFUSALS.items():
        statuses = door.many(13, method, path, **{"Cookie": cookie, **headers})

        assert set(statuses) <= {200, 302, 400, 401, 403, 404, 405, 415, 422}, (kind, statuses)
        # A pool of twelve: had one been kept by each, nobody could be served any more.
        assert door.ask("GET", "/runs/", Cookie=cookie).status == 200, kind


@pytest.mark.parametrize("signed_in", [False, True], ids=["stranger", "signed in"])
def test_the_number_of_connections_is_the_same_after_all_of_them(door: Door, signed_in: bool, cookie: str) -> None:
    for method, path, headers in REFUSALS.values():
        door.many(4, method, path, **{"Cookie": cookie if signed_in else STRANGE, **headers})

    deadline = time.monotonic() + 10
    waited: list[int] = []
    while time.monotonic() < deadline:
        assert door.ask("GET", "/runs/", Cookie=cookie).status == 200
        waited.append(held())
        if waited[-1] <= 13:  # the pool's most, and the listener's
            break
    assert waited[-1] <= 13, waited


@pytest.mark.usefixtures("postgres_comes_back")
def test_what_was_refused_is_refused_alike_after_a_restart_of_postgres(door: Door, cookie: str, postgres: Any) -> None:
    for _ in range(3):
        assert set(door.many(10, "GET", "/nope/", Cookie=cookie)) == {404}
    connections.close_all()
    postgres.stop()
    assert door.ask("GET", "/nope/", Cookie=cookie).status == 404, "it needs no database"
    postgres.start()

    deadline = time.monotonic() + 20
    while door.ask("GET", "/runs/", Cookie=cookie).status != 200 and time.monotonic() < deadline:
        pass
    assert set(door.many(30, "GET", "/nope/", Cookie=cookie)) == {404}
    assert set(door.many(30, "GET", "/runs/", Cookie=cookie)) == {200}
