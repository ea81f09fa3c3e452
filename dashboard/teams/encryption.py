"""Secrets at rest: encrypted with the newest key of RUNBOARD_ENCRYPTION_KEYS, readable with any of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SecretUnreadable(Exception):
    """None of the configured keys opens a stored secret. Add the old key to RUNBOARD_ENCRYPTION_KEYS again."""


def secrets_encrypt(values: Mapping[str, str]) -> bytes:
    """Encrypt a mapping of texts; empty bytes for an empty mapping."""
    return _fernet().encrypt(json.dumps(dict(values)).encode()) if values else b""


def secrets_decrypt(stored: bytes | memoryview) -> dict[str, str]:
    """Decrypt the mapping.

    Raises:
        SecretUnreadable: no configured key opens it.
    """
    if not stored:
        return {}
    try:
        plain = _fernet().decrypt(bytes(stored))
    except InvalidToken as error:
        raise SecretUnreadable("no key of RUNBOARD_ENCRYPTION_KEYS opens this secret") from error
    values: dict[str, str] = json.loads(plain)
    return values


def secret_rotate(stored: bytes | memoryview) -> bytes:
    """The same secret, encrypted with the newest key.

    Raises:
        SecretUnreadable: no configured key opens it.
    """
    try:
        return _fernet().rotate(bytes(stored))
    except InvalidToken as error:
        raise SecretUnreadable("no key of RUNBOARD_ENCRYPTION_KEYS opens this secret") from error


@lru_cache(maxsize=1)
def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENV.encryption_keys])
