"""A WebSocket is opened by our own pages alone: scheme, host and port are the request's, or trusted by name."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.live.origins import is_from_our_pages


def opened(origin: str | None, host: str = "127.0.0.1:8000", **scope: Any) -> bool:
    headers = [(b"host", host.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    headers += scope.pop("headers", [])
    return is_from_our_pages({"type": "websocket", "path": "/ws/runs/", "headers": headers, **scope})


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://localhost", "localhost"),
        ("http://localhost:80", "localhost"),
        ("http://localhost", "localhost:80"),
    ],
)
def test_our_own_pages_may(origin: str, host: str) -> None:
    assert opened(origin, host)


@pytest.mark.parametrize(
    "origin",
    [
        None, "", "null", "http://127.0.0.1:9999", "http://127.0.0.1", "https://127.0.0.1:8000", "http://evil.example",
        "http://127.0.0.1:8000.evil.example", "http://127.0.0.1:8000@evil.example", "http://localhost:8000",
        "127.0.0.1:8000", "http://127.0.0.1:80000", "http://127.0.0.1:8000/path", "file://", "ws://127.0.0.1:8000",
    ],
)  # fmt: skip
def test_no_other_page_may(origin: str | None) -> None:
    assert not opened(origin)


@pytest.mark.parametrize("host", ["evil.example", "", "a b", "127.0.0.1:x", "\x00"])
def test_a_host_that_is_not_ours_is_no_origin(host: str) -> None:
    assert not opened(f"http://{host}", host)


def test_a_trusted_origin_may_and_only_with_its_port(settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://runs.example.org", "https://*.apps.example.org:8443"]

    assert opened("https://runs.example.org")
    assert opened("https://a.apps.example.org:8443")
    assert not opened("https://runs.example.org:8443")
    assert not opened("http://runs.example.org")
    assert not opened("https://apps.example.org:8443")
    assert not opened("https://evilapps.example.org:8443")


def test_behind_a_proxy_the_pages_are_https(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    forwarded = {"headers": [(b"x-forwarded-proto", b"https")]}

    assert opened("https://localhost", "localhost", **forwarded)
    assert not opened("http://localhost", "localhost", **forwarded)
    settings.SECURE_PROXY_SSL_HEADER = None
    assert not opened("https://localhost", "localhost", **forwarded), "nobody said that the header can be believed"
