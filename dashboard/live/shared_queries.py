"""Asks the database once for all open pages that have the same question at the same moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from typing import Any

from channels.db import database_sync_to_async

KEPT_S = 1.0
"""How late pages may notice what ends by time alone, such as a session."""


class SharedQueries:
    """Keeps answers until the next notice from Postgres, and for KEPT_S seconds at most.

    When the connection to Postgres is back, every page looks again. A process renders and asks one thing after the
    other, so a hundred pages that each ask for their own would keep each other waiting.
    """

    def __init__(self) -> None:
        self._received: object = None
        self._since = 0.0
        self._answers: dict[Hashable, asyncio.Future[Any]] = {}

    async def get(self, key: Hashable, ask: Callable[[], Any], *, received: int | None) -> Any:
        """The answer of `ask`, called in a thread unless a page asked the same after as many notices as this one.

        Args:
            received: How many notices this process has received; None: it receives none now, so nothing is shared.
        """
        if received is None:
            return await database_sync_to_async(ask)()
        now, moment = time.monotonic(), (asyncio.get_running_loop(), received)
        if moment != self._received or now - self._since > KEPT_S:
            self._received, self._since, self._answers = moment, now, {}
        answers = self._answers
        if key not in answers:
            answers[key] = asyncio.ensure_future(database_sync_to_async(ask)())
        try:
            # Shielded: a page that closes must not cancel what others wait for.
            return await asyncio.shield(answers[key])
        except Exception:
            answers.pop(key, None)
            raise

    def forget(self) -> None:
        """Drop all answers, so that the next page asks again."""
        self._answers = {}


shared_queries = SharedQueries()
