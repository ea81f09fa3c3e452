"""The web process: HTTP through Django, WebSockets through Channels, and the listener that feeds them."""

import gc
import logging
import os
import sys
from importlib import import_module

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
django.setup(set_prefix=False)  # must come before anything that imports models

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.exceptions import SuspiciousOperation  # noqa: E402

from dashboard.database import DATABASE_AWAY  # noqa: E402
from dashboard.live.consumer import NOT_HERE, TRY_LATER  # noqa: E402
from dashboard.live.listener import listener  # noqa: E402
from dashboard.live.origins import is_from_our_pages  # noqa: E402
from dashboard.live.routing import websockets  # noqa: E402
from dashboard.text import clip  # noqa: E402
from dashboard.web.handler import Handler, Receive, Scope, Send  # noqa: E402

logger = logging.getLogger(__name__)

_http = Handler()
_lines = AuthMiddlewareStack(websockets)

if "daphne.server" in sys.modules:  # it is what serves this process
    from dashboard.web.transport import tighten

    tighten()


async def _web(scope: Scope, receive: Receive, send: Send) -> None:
    # Daphne has no lifespan events: the first request, which is the health check, starts the listener.
    listener.start()
    await _http(scope, receive, send)


async def _line(scope: Scope, receive: Receive, send: Send) -> None:
    listener.start()
    if not is_from_our_pages(scope):
        await send({"type": "websocket.close"})
        return
    if listener.is_deaf:
        # Before it is accepted, so that the browser backs off and its page polls; and before the person is looked up in
        # a database that may be away: waiting sockets would delay all others.
        await send({"type": "websocket.close", "code": TRY_LATER})
        return
    try:
        await _lines(scope, receive, send)
    except DATABASE_AWAY as error:
        logger.info("a socket waits for the database: %s", str(error).strip())
        await send({"type": "websocket.close", "code": TRY_LATER})
    except SuspiciousOperation as error:
        logging.getLogger("dashboard.refused").warning("a socket was refused: %s", clip(error))
        await send({"type": "websocket.close", "code": NOT_HERE})


application = ProtocolTypeRouter({"http": _web, "websocket": _line})

import_module(settings.ROOT_URLCONF)
# Modules loaded until here stay: searching them for garbage would delay every open page by 0.1 s.
gc.collect()
gc.freeze()
