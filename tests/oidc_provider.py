"""An OpenID Connect provider on loopback, as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from dashboard.local.parent_death import tethered
from dashboard.local.ports import free_port
from tests.bench.measuring import eventually


@contextmanager
def oidc_provider() -> Iterator[str]:
    """Its address. It takes any client and any secret, and insists on a nonce."""
    port = free_port()
    command = tethered([sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce"])
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, "the provider ended at its start"
        try:
            return httpx.get(f"{url}/jwks").is_success
        except httpx.HTTPError:
            return False

    try:
        eventually(answers, "the provider answers", within_s=30)
        yield url
    finally:
        process.kill()
        process.wait()


def known_there(issuer: str, subject: str, **claims: object) -> None:
    """Add or change somebody at the provider."""
    httpx.put(f"{issuer}/users/{subject}", json={"preferred_username": subject, **claims}).raise_for_status()
