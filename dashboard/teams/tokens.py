"""Random tokens for links, and the hash under which they are stored."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_BYTES = 24  # 192 bits: nobody guesses one, and the hash needs no salt


def token_create() -> tuple[str, bytes]:
    """A new URL-safe token and its hash. Give the token away, store the hash."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    return token, token_hash(token)


def token_hash(token: str) -> bytes:
    """SHA-256 of a token, 32 bytes."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
