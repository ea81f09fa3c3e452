"""Our application as Daphne serves it, plus `/bench/renders`: how often a run's live parts have been rendered."""

from __future__ import annotations

from typing import Any

from dashboard.asgi import Receive, Scope, Send
from dashboard.asgi import application as ours
from dashboard.runs import fragments

_render = fragments.run_live_html
_renders = 0


def _counting(*args: Any, **kwargs: Any) -> str:
    global _renders
    _renders += 1
    return _render(*args, **kwargs)


fragments.run_live_html = _counting


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http" and scope["path"] == "/bench/renders":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": str(_renders).encode()})
    else:
        await ours(scope, receive, send)
