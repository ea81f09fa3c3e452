"""One LangGraph client for each server, shared by all its runs."""

from __future__ import annotations

import asyncio
import logging

from django.conf import settings

from dashboard.langgraph import LangGraphClient, get_client
from dashboard.servers.models import Server

logger = logging.getLogger(__name__)

Key = tuple[str, str, bytes]


class ClientPool:
    """Opens a client when a server is first used; a changed address or key makes a new one beside the old."""

    def __init__(self) -> None:
        self._clients: dict[Key, LangGraphClient] = {}

    def get(self, server: Server) -> LangGraphClient:
        """The server's client.

        Raises:
            SecretUnreadable: no configured key opens the server's API key.
            RequestInvalid: the server's address or headers cannot be used.
        """
        key = (str(server.pk), server.url, bytes(server.secret_headers))
        client = self._clients.get(key)
        if client is None:
            most = settings.ENV.state_max_mb * 1_000_000
            client = get_client(server.url, headers=server.headers() or None, max_answer_bytes=most)
            self._clients[key] = client
        return client

    async def close(self) -> None:
        """Close every client."""
        clients, self._clients = self._clients, {}
        await asyncio.gather(*(client.aclose() for client in clients.values()))
