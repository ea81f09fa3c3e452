"""Opening live pages without a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from dashboard.monitoring.listening import listener_is_up
from dashboard.runs.models import Run
from dashboard.teams.models import User
from tests.asynchronous import in_db
from tests.factories import make_run, make_user


async def is_up() -> bool:
    """Whether the listener of this process is up."""
    return listener_is_up()


def cookie_of(user: User | None) -> list[tuple[bytes, bytes]]:
    """The header a browser sends in which this person has signed in."""
    if user is None:
        return []
    client = Client()
    client.force_login(user)
    return [
        (b"cookie", f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}".encode())
    ]


async def prepared(path: str, user: User | None = None, origin: str = "http://testserver") -> WebsocketCommunicator:
    """A WebSocket that is about to be opened."""
    from dashboard.asgi import application  # once the static files are there

    headers = [(b"host", b"testserver"), (b"origin", origin.encode()), *(await in_db(cookie_of, user))]
    return WebsocketCommunicator(application, path, headers=headers)


@asynccontextmanager
async def opened(path: str, user: User | None = None, origin: str = "http://testserver") -> AsyncIterator[Any]:
    """A WebSocket as a browser opens it."""
    socket = await prepared(path, user, origin)
    await socket.connect(timeout=10)
    try:
        yield socket
    finally:
        await socket.disconnect()


async def close_code(path: str, user: User | None = None) -> int:
    """The code with which a page is closed instead of getting anything."""
    async with opened(path, user) as socket:
        message = await socket.receive_output(timeout=5)
        assert message["type"] == "websocket.close", message
        return int(message["code"])


async def made(**order: Any) -> tuple[Run, User]:
    """A run, and a member of its team."""

    def make() -> tuple[Run, User]:
        run = make_run(**order)
        return run, make_user(run.team)

    return await in_db(make)
