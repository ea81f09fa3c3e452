"""Background tasks of a run while it is awaited."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from dashboard.runs.leases import LeaseLost

logger = logging.getLogger(__name__)


class BackgroundTasks:
    """They end with the run."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._later: asyncio.TimerHandle | None = None

    def start_later(self, delay_s: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start after a while, replacing the task that was scheduled before; until then it costs next to nothing."""
        if self._later is not None:
            self._later.cancel()
        self._later = asyncio.get_running_loop().call_later(delay_s, lambda: self.start(work()))

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task; its failure is only logged."""
        task = asyncio.create_task(work)
        task.add_done_callback(_log_failure)
        task.add_done_callback(self._tasks.discard)
        self._tasks.add(task)
        return task

    async def end(self) -> None:
        """Cancel all of them."""
        if self._later is not None:
            self._later.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, LeaseLost):
        logger.error("a background task of a run failed", exc_info=error)
