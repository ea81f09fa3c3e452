"""Limits of request bodies: what is too large is answered at once, kept nowhere, and delays nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import Client

from tests.factories import make_server, make_team, make_user
from tests.integration.web.speaking import Door

pytestmark = pytest.mark.django_db(transaction=True)

MB = 1024 * 1024
STRANGE = f"{settings.SESSION_COOKIE_NAME}={'a' * 32}"
JSON = {"Accept": "application/json"}


@pytest.fixture
def cookie() -> Iterator[str]:
    browser = Client()
    team = make_team()
    make_server(team)
    browser.force_login(make_user(team))
    yield f"{settings.SESSION_COOKIE_NAME}={Session.objects.latest('expire_date').pk}"
    connections.close_all()


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 32_768):
        yield b"x" * 32_768


@pytest.mark.parametrize(
    ("length", "headers", "status"),
    [
        (65_537, {}, 413),
        (50 * MB, {}, 413),
        (21 * MB, {"Cookie": STRANGE}, 413),
        (21 * MB, {"Authorization": "Bearer x"}, 413),
        (10**15, {}, 413),
    ],
)
def test_what_is_announced_as_too_large_is_refused_before_it_is_sent(
    door: Door, length: int, headers: dict[str, str], status: int
) -> None:
    answer = door.announce("/launch/", length, **headers)
    document = door.announce("/launch/", length, **headers, **JSON)

    assert (answer.status, document.status) == (status, status)
    assert "More was sent than Runboard takes" in answer.text
    assert b"More was sent" in document.body
    assert "application/json" in document.headers["content-type"]
    for name in ("content-security-policy", "cache-control", "referrer-policy", "x-content-type-options"):
        assert name in answer.headers, name


def test_a_body_in_chunks_is_counted(door: Door) -> None:
    answer = door.ask("POST", "/accounts/login/", chunks(4 * MB))

    assert answer.status == 413
    assert "64 KB" in answer.text


def test_a_session_that_is_none_does_not_help(door: Door, cookie: str) -> None:
    body = b"assistant_id=chat&input=" + b"x" * MB

    stranger = door.ask("POST", "/launch/", body, Cookie=STRANGE)
    member = door.ask("POST", "/launch/", body, Cookie=cookie)

    assert stranger.status == 413
    assert "Sign in" in stranger.text
    assert member.status == 302, "it lacks the form's token, and comes back to be sent again"


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "Multipart/Form-Data; boundary=x", "multipart/mixed"]
)
def test_files_are_refused_where_none_are_expected(door: Door, cookie: str, kind: str) -> None:
    for who in (STRANGE, cookie):
        answer = door.ask("POST", "/profile/", b"--x--\r\n", Cookie=who, Content_Type=kind)

        assert answer.status == 415
        assert "This address does not accept files" in answer.text


@pytest.mark.parametrize("charset", ["hex", "base64", "rot13", "utf-7", "utf-16", "idna", "undefined", "nope", "\xff"])
def test_a_charset_that_forms_are_not_in_is_refused(door: Door, charset: str) -> None:
    kind = f"application/x-www-form-urlencoded; charset={charset}"

    assert door.ask("POST", "/accounts/login/", b"username=a&password=b", Content_Type=kind).status == 400


def test_nobody_waits_while_somebody_sends_a_lot(door: Door) -> None:
    parts = b"".join(b'--x\r\nContent-Disposition: form-data; name="n%d"\r\n\r\nv\r\n' % n for n in range(400_000))
    done = threading.Event()

    def attack() -> None:
        while not done.is_set():
            door.ask("POST", "/accounts/login/", parts, Content_Type="multipart/form-data; boundary=x")
            door.ask("POST", "/launch/", b"a=b&" * 4_000_000, Cookie=STRANGE)

    attacker = threading.Thread(target=attack)
    attacker.start()
    try:
        ends, slowest = time.monotonic() + 5, 0.0
        while time.monotonic() < ends:
            slowest = max(slowest, door.healthz_s())
    finally:
        done.set()
        attacker.join()

    assert slowest < 2


def test_a_socket_takes_no_long_message(door: Door) -> None:
    head = (
        f"GET /ws/nope/ HTTP/1.1\r\nHost: 127.0.0.1:{door.port}\r\nOrigin: http://127.0.0.1:{door.port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    # A frame that announces a gigabyte: it is ended at once, and not collected.
    answer = door.raw(head.encode() + b"\x81\xff" + (1 << 30).to_bytes(8, "big") + b"mask" + b"x" * 1000)

    assert answer.startswith(b"HTTP/1.1 101") or answer == b""
    assert door.healthz_s() < 2
