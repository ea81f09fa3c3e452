"""Which pages may open a WebSocket: browsers send cookies with it from any page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int]


def is_from_our_pages(scope: Mapping[str, Any]) -> bool:
    """Whether the Origin is the request's own scheme, host and port, or in CSRF_TRUSTED_ORIGINS."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}
    origin = _origin(headers.get(b"origin", ""))
    if origin is None:
        return False
    request = HttpRequest()
    request.META = {
        "HTTP_HOST": headers.get(b"host", ""),
        "HTTP_X_FORWARDED_PROTO": headers.get(b"x-forwarded-proto", ""),
    }
    try:
        host = request.get_host()
    except DisallowedHost:
        return False
    # Without a trusted proxy, Daphne knows: wss is https.
    is_secure = scope.get("scheme") in {"wss", "https"} or request.is_secure()
    ours = _origin(f"{'https' if is_secure else 'http'}://{host}")
    return origin == ours or any(_is_trusted(origin, trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS)


def _is_trusted(origin: Origin, trusted: str) -> bool:
    if "://*." not in trusted:
        return origin == _origin(trusted)
    parts = _origin(trusted.replace("://*.", "://"))
    return parts is not None and (origin[0], origin[2]) == (parts[0], parts[2]) and origin[1].endswith(f".{parts[1]}")


def _origin(text: str) -> Origin | None:
    try:
        parts = urlsplit(text)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in PORTS or not parts.hostname or port is None or parts.path not in ("", "/"):
        return None
    return parts.scheme, parts.hostname, port
