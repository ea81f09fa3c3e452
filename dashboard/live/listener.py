"""The one line on which a web process hears of changes, and how it tells its open pages."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing

from channels.layers import get_channel_layer
from django.conf import settings

from dashboard.runs.notifications import RUN_CHANNEL, RunChange, listen

logger = logging.getLogger(__name__)

EVERY_PAGE = "every-page"
RESTART_S = 0.5


def run_group(run_id: object) -> str:
    """The channel group of the pages that show one run."""
    return f"run.{run_id}"


def team_group(team_id: object) -> str:
    """The channel group of the pages that list a team's runs."""
    return f"team.{team_id}"


class Listener:
    """Turns database notices into group messages. Lives as long as its event loop; start() may be called any time."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.is_up = False

    def start(self) -> None:
        """Begin to listen on the running event loop, unless that is so already."""
        loop = asyncio.get_running_loop()
        if self._task is not None and self._loop is loop and not self._task.done():
            return
        self._loop = loop
        self._task = loop.create_task(self._listen(), name="runboard-listener")

    async def stop(self) -> None:
        """End the line. For tests, and for a process that shuts down."""
        task, self._task, self.is_up = self._task, None, False
        if task is not None and self._loop is asyncio.get_running_loop():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            try:
                await self._pass_on()
            except Exception:
                logger.exception("the listener broke; it begins anew")
            finally:
                self.is_up = False
            await asyncio.sleep(RESTART_S)

    async def _pass_on(self) -> None:
        layer = get_channel_layer()
        async with aclosing(listen(settings.DATABASE_URL, (RUN_CHANNEL,))) as notices:
            async for notice in notices:
                if notice.kind == "disconnected":
                    self.is_up = False
                    continue
                self.is_up = True
                change = _change(notice.payload) if notice.kind == "message" else None
                if change is None:
                    # Connected after changes that nobody heard of, or told something else: every open page looks again.
                    await layer.group_send(EVERY_PAGE, {"type": "look.again"})
                else:
                    message = {"type": "run.changed", "run_id": str(change.run_id), "version": change.version}
                    await layer.group_send(run_group(change.run_id), message)
                    await layer.group_send(team_group(change.team_id), message)


def _change(payload: str) -> RunChange | None:
    try:
        return RunChange.from_payload(payload)
    except (ValueError, TypeError, AttributeError):  # another version of Runboard, or somebody else
        logger.warning("a notice was not understood: %r", payload[:200])
        return None


listener = Listener()


def listener_is_up() -> bool:
    """Whether this process hears changes right now."""
    return listener.is_up
