"""Questions to the database that many open pages ask at the same moment, asked once for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from typing import Any

from channels.db import database_sync_to_async

KEPT_S = 1.0
"""What ends by time alone, such as a session, is known to so many seconds."""


class AskedOnce:
    """Keeps answers for as long as nothing new was heard from Postgres, and for KEPT_S seconds at most.

    When the line to Postgres is back every page looks again. Renderings and questions of a process go one after the
    other, so a hundred pages that each ask for their own would keep each other waiting.
    """

    def __init__(self) -> None:
        self._heard: object = None
        self._since = 0.0
        self._answers: dict[Hashable, asyncio.Future[Any]] = {}

    async def get(self, key: Hashable, ask: Callable[[], Any], *, heard: int | None) -> Any:
        """The answer of `ask`, called in a thread unless a page asked the same after as many notices as this one.

        Args:
            heard: How many notices this process has heard; None: it hears nothing just now, so nothing is shared.
        """
        if heard is None:
            return await database_sync_to_async(ask)()
        now, moment = time.monotonic(), (asyncio.get_running_loop(), heard)
        if moment != self._heard or now - self._since > KEPT_S:
            self._heard, self._since, self._answers = moment, now, {}
        answers = self._answers
        if key not in answers:
            answers[key] = asyncio.ensure_future(database_sync_to_async(ask)())
        try:
            # Shielded: a page that goes away must not cancel what others wait for.
            return await asyncio.shield(answers[key])
        except Exception:
            answers.pop(key, None)
            raise

    def forget(self) -> None:
        """Drop all answers, so that the next page asks again."""
        self._answers = {}


asked_once = AskedOnce()
