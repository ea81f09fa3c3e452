"""The connection on which a web process receives changes, and how it notifies its open pages.

While it is down for longer than a moment, the process takes no WebSocket and closes those it has, so
that no page says "Live" without updates. Pages then poll, and reconnect when the connection is back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings

from dashboard.database import DATABASE_AWAY
from dashboard.live.pages import EVERY_PAGE, WORKERS_PAGES, inbox_group, pages, run_group, team_group, watched
from dashboard.live.rendering import once
from dashboard.logs import THROTTLED
from dashboard.monitoring.database_outage import outages
from dashboard.monitoring.listening import listener_set
from dashboard.monitoring.selectors import LiveWorkers, live_workers, queue_is_stuck
from dashboard.runs.notifications import INBOX_CHANNEL, RUN_CHANNEL, Notice, RunChange, listen
from dashboard.steps.notifications import STEPS_CHANNEL, StepsChange
from dashboard.steps.services import runs_watch
from dashboard.teams.notifications import ACCESS_CHANNEL

logger = logging.getLogger(__name__)

CHANNELS = (RUN_CHANNEL, ACCESS_CHANNEL, STEPS_CHANNEL, INBOX_CHANNEL)
RESTART_S = 0.5
DEAF_AFTER_S = 3.0
"""A connection that is back sooner than this costs no page its socket: pages look again and have missed nothing."""
DEAF_CHECK_S = 0.5
WORKERS_LOOK_S = 3.0
WATCH_EVERY_S = 4.0
STUCK_UPDATE_S = 15.0
"""How often to update pages while the queue is stuck: more runs get stuck without a change of their own."""


class Listener:
    """Passes database notices on to open pages. Lives as long as its event loop; start() may be called any time.

    Also checks the workers every few seconds: nobody can send a notice that a worker fell silent.
    """

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._down_since = 0.0
        self._notices = 0
        self.is_up = False

    @property
    def is_up(self) -> bool:
        """Whether this process gets changes now."""
        return self._is_up

    @is_up.setter
    def is_up(self, is_up: bool) -> None:
        self._is_up = is_up
        listener_set(is_up=is_up)

    @property
    def received(self) -> int | None:
        """How many notices were received; None while disconnected."""
        return self._notices if self.is_up else None

    @property
    def is_deaf(self) -> bool:
        """Whether the connection has been down for longer than a moment."""
        return not self.is_up and time.monotonic() - self._down_since >= DEAF_AFTER_S

    def start(self) -> None:
        """Begin to listen on the running event loop, if not already."""
        loop = asyncio.get_running_loop()
        if self._tasks and self._loop is loop and not any(task.done() for task in self._tasks):
            return
        self._loop, self.is_up, self._down_since = loop, False, time.monotonic()
        self._tasks = [
            loop.create_task(_for_ever(work), name=f"runboard{work.__name__}")
            for work in (self._pass_on, self._close_when_deaf, _watch_workers, _renew_watches)
        ]

    async def stop(self) -> None:
        """Close the connection. For tests, and for a process that shuts down."""
        tasks, self._tasks = self._tasks, []
        if tasks and self._loop is asyncio.get_running_loop():
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.is_up = False
        outages.forget()

    async def _pass_on(self) -> None:
        try:
            async with aclosing(listen(settings.DATABASE_URL, CHANNELS)) as notices:
                await self._hear(notices)
        finally:
            self._is_down()

    def _is_down(self) -> None:
        if self.is_up:
            self.is_up, self._down_since = False, time.monotonic()

    async def _hear(self, notices: AsyncIterator[Notice]) -> None:
        async for notice in notices:
            if notice.kind == "disconnected":
                self._is_down()
                continue
            self.is_up = True
            self._notices += 1
            if notice.kind == "message" and notice.channel == ACCESS_CHANNEL:
                for page in pages.of(EVERY_PAGE):
                    page.access_changed()
                continue
            if notice.kind == "message" and notice.channel == INBOX_CHANNEL:
                for page in pages.of(inbox_group(notice.payload)):
                    page.inbox_changed()
                continue
            if notice.kind == "message" and notice.channel == STEPS_CHANNEL:
                _pass_on_steps(notice.payload)
                continue
            change = _change(notice.payload) if notice.kind == "message" else None
            if change is None:
                # Changes were missed, or the notice is unknown: every open page looks again.
                for page in pages.of(EVERY_PAGE):
                    page.look_again()
            else:
                for page in pages.of(run_group(change.run_id), team_group(change.team_id)):
                    page.run_changed(change.run_id, change.version)

    async def _close_when_deaf(self) -> None:
        while True:
            if self.is_deaf:
                for page in pages.of(EVERY_PAGE):
                    page.listening_lost()
            await asyncio.sleep(DEAF_CHECK_S)


async def _watch_workers() -> None:
    """Notify every page when a worker started or went silent, or the queue is stuck, and the Workers page regularly."""
    known = None
    while True:
        try:
            found = await database_sync_to_async(_work)()
        except DATABASE_AWAY as error:
            logger.info("the workers cannot be checked: %s", str(error).strip(), extra=THROTTLED)
        else:
            outages.answered()
            if known not in (None, found):
                once.forget()
                for page in pages.of(EVERY_PAGE):
                    page.workers_changed()
            known = found
        for page in pages.of(WORKERS_PAGES):
            page.look_again()
        await asyncio.sleep(WORKERS_LOOK_S)


def _work() -> tuple[LiveWorkers, float | None]:
    """What banners on pages depend on besides the runs themselves."""
    return live_workers(), time.monotonic() // STUCK_UPDATE_S if queue_is_stuck() else None


async def _for_ever(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception:
            logger.exception("the listener failed and starts again")
        await asyncio.sleep(RESTART_S)


async def _renew_watches() -> None:
    """Renew every few seconds which runs are watched here, so that their workers fetch steps and words."""
    while True:
        if run_ids := watched.runs():
            await watch(run_ids)
        await asyncio.sleep(WATCH_EVERY_S)


async def watch(run_ids: list[UUID]) -> None:
    """Store that these runs are watched. Nothing is lost when that fails once."""
    try:
        await database_sync_to_async(runs_watch)(run_ids=run_ids)
    except DATABASE_AWAY as error:
        logger.info("the watched runs cannot be stored: %s", str(error).strip())


def _pass_on_steps(payload: str) -> None:
    try:
        change = StepsChange.from_payload(payload)
    except (ValueError, TypeError, AttributeError):
        logger.warning("unknown notice of steps: %r", payload[:200])
        return
    if not change.words:
        once.forget_run(change.run_id)
    for page in pages.of(run_group(change.run_id)):
        page.steps_changed(change)


def _change(payload: str) -> RunChange | None:
    try:
        return RunChange.from_payload(payload)
    except (ValueError, TypeError, AttributeError):  # from another version of Runboard, or from somebody else
        logger.warning("unknown notice: %r", payload[:200])
        return None


listener = Listener()
