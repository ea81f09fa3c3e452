"""One LangGraph client for each server, shared by all its runs."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from django.conf import settings

from dashboard.langgraph import LangGraphClient, get_client, silence_of
from dashboard.servers.models import DEFAULT_TIMEOUT_S, Server

logger = logging.getLogger(__name__)

Key = tuple[object, ...]


class ClientPool:
    """Opens a client when a server is first used, and another one when its settings change."""

    def __init__(self) -> None:
        self._clients: dict[Key, LangGraphClient] = {}

    def get(self, server: Server) -> LangGraphClient:
        """The server's client.

        Raises:
            SecretUnreadable: no configured key opens the server's API key.
            RequestInvalid: the server's address or headers cannot be used.
        """
        key = (
            server.pk,
            server.url,
            bytes(server.secret_headers),
            server.proxy,
            bytes(server.secret_proxy),
            server.allow_private,
            server.timeout_s,
        )
        client = self._clients.get(key)
        if client is None:
            client = self._clients[key] = get_client(
                server.url,
                headers=server.headers() or None,
                max_answer_bytes=settings.ENV.state_max_mb * 1_000_000,
                proxy=server.proxy_with_secret() or settings.ENV.proxy_for(server.url) or None,
                trust_proxy=not server.proxy,
                allow_private=server.allow_private,
                **_timeout(server.timeout_s),
            )
        return client

    async def close(self) -> None:
        """Close every client."""
        clients, self._clients = self._clients, {}
        await asyncio.gather(*(client.aclose() for client in clients.values()))


def _timeout(silence_s: int | None) -> dict[str, Any]:
    """The longest silence that a server's settings allow; None for the client's own."""
    return {} if silence_s == DEFAULT_TIMEOUT_S else {"timeout": silence_of(silence_s)}
