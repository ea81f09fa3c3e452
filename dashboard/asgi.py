"""The web process: HTTP through Django, WebSockets through Channels, and the listener that feeds them."""

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
_http = get_asgi_application()  # must come before anything that imports models

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.db import InterfaceError, OperationalError  # noqa: E402

from dashboard.live.consumers import TRY_LATER  # noqa: E402
from dashboard.live.listener import listener  # noqa: E402
from dashboard.live.routing import websockets  # noqa: E402

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


async def _web(scope: Scope, receive: Receive, send: Send) -> None:
    # Daphne has no lifespan events: the first request, which is the health check, starts the listener.
    listener.start()
    await _http(scope, receive, send)


_lines = AllowedHostsOriginValidator(AuthMiddlewareStack(websockets))


async def _line(scope: Scope, receive: Receive, send: Send) -> None:
    listener.start()
    if listener.is_deaf:
        # Before it is accepted, so that the browser backs off and its page polls; and before who asks is looked up in
        # a database that may be away: those who wait for an answer would hold up all others.
        await send({"type": "websocket.close", "code": TRY_LATER})
        return
    try:
        await _lines(scope, receive, send)
    except (OperationalError, InterfaceError) as error:
        logger.info("a page waits for the database with its line: %s", str(error).strip())
        await send({"type": "websocket.close", "code": TRY_LATER})


application = ProtocolTypeRouter({"http": _web, "websocket": _line})
