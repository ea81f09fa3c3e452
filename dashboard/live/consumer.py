"""The WebSockets of open pages. A change only says "look again": each consumer then sends what the database holds.

Every consumer joins its groups first and reads afterwards, so that no change is missed. Changes are only noted when
they come, and a task of the consumer's own sends them: a page that is slow to render delays nobody, and a burst of
changes to one run becomes one rendering. Who may see a page is asked when it opens and as soon as Postgres says that
somebody's access may have changed (and before a push once a minute, for sessions that end by time).

Close codes: 4401 sign in first, 4404 nothing to see here (the browser must not reconnect), 4500 something broke here,
4503 this process gets no changes now. Daphne refuses to send 1011 and 1013, which would say the same.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from autobahn.exception import Disconnected
from channels.generic.websocket import AsyncWebsocketConsumer

from dashboard.database import DATABASE_AWAY
from dashboard.langgraph.backoff import Backoff
from dashboard.live.pages import EVERY_PAGE, pages
from dashboard.live.rendering import SNAPSHOTS, once
from dashboard.live.shared_queries import shared_queries
from dashboard.runs.notifications import ANY_VERSION
from dashboard.steps.notifications import StepsChange

logger = logging.getLogger(__name__)

SIGN_IN_FIRST = 4401
NOT_HERE = 4404
BROKEN = 4500
TRY_LATER = 4503
DATABASE_RETRY = Backoff(first_s=0.1, longest_s=1.0)
ACCESS_SURE_S = 60.0
ENDING_S = 1.0
BEAT_S = 15.0
"""After this long without a message, a socket says that it is still alive: `static/js/socket.js` relies on it."""
BEAT = "<!-- nothing new -->"
PAUSE_S = 0.1
"""A pause after each push, so that a burst of changes becomes one: nobody reads faster, and rendering is expensive."""


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """What all live pages share: authorise, join, send a snapshot, then what changes."""

    access_asked_at: float | None = None
    """When access was last checked, by `time.monotonic()`; None: check before the next push."""

    async def connect(self) -> None:
        self._changes: dict[UUID, int] = {}
        self._everything, self._workers_changed, self._inbox_changed = True, False, False
        self._access_changed, self._sent_at = False, time.monotonic()
        self._steps: dict[bool, StepsChange] = {}
        self._news = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        # Accepted before it is refused: a close code only reaches the browser on an open socket.
        await self.accept()
        code = await self.authorise()
        if code is not None:
            await self.close(code=code)
            return
        pages.join(self, (*self.group_names(), EVERY_PAGE))
        self._news.set()
        self._sender = asyncio.create_task(self._send_updates())

    async def disconnect(self, code: int) -> None:
        if self._sender is not None:
            pages.leave(self, (*self.group_names(), EVERY_PAGE))
            self._sender.cancel()
            await asyncio.wait([self._sender], timeout=ENDING_S)

    async def send(self, *args: Any, **kwargs: Any) -> None:
        self._sent_at = time.monotonic()
        await super().send(*args, **kwargs)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Ignore what pages send: they have nothing to say."""

    # What the listener calls.

    def look_again(self) -> None:
        self._everything = True
        self.access_changed()
        self._news.set()

    def listening_lost(self) -> None:
        self._closing = asyncio.ensure_future(self.close(code=TRY_LATER))

    def workers_changed(self) -> None:
        self._workers_changed = True
        self._news.set()

    def run_changed(self, run_id: UUID, version: int) -> None:
        if version == ANY_VERSION:
            self._everything = True
        else:
            self._changes[run_id] = max(version, self._changes.get(run_id, 0))
        self._news.set()

    def inbox_changed(self) -> None:
        self._inbox_changed = True
        self._news.set()

    def steps_changed(self, change: StepsChange) -> None:
        self._steps[change.words] = change
        self._news.set()

    def access_changed(self) -> None:
        self.access_asked_at = None
        self._access_changed = True
        self._news.set()

    @property
    def is_access_sure(self) -> bool:
        """Whether access was checked lately, without a notice since."""
        return self.access_asked_at is not None and time.monotonic() - self.access_asked_at < ACCESS_SURE_S

    async def _send_updates(self) -> None:
        retries = DATABASE_RETRY.delays()
        while True:
            is_news = await self._has_updates()
            try:
                if is_news:
                    await self._send_all()
                else:
                    await self.send(text_data=BEAT)
            except DATABASE_AWAY as error:
                logger.info("a page waits for the database: %s", str(error).strip())
                await asyncio.sleep(next(retries))
                # Kept for pages that ask at the same moment; this page may have got newer rows since.
                once.forget(*SNAPSHOTS)
                shared_queries.forget()
                self._everything = True
                self._news.set()
                continue
            except Disconnected:
                return  # its browser left a moment ago, and we did not know yet
            except Exception:
                # Without updates an open page would be wrong: close, so that its browser reconnects or polls.
                logger.exception("a change could not be sent to a page")
                await self.close(code=BROKEN)
                return
            retries = DATABASE_RETRY.delays()
            await asyncio.sleep(PAUSE_S)

    async def _has_updates(self) -> bool:
        """Whether there is something to do before BEAT_S seconds have passed since the last message."""
        try:
            async with asyncio.timeout(max(0.0, self._sent_at + BEAT_S - time.monotonic())):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _send_all(self) -> None:
        self._news.clear()
        has_changed, self._access_changed = self._access_changed, False
        if has_changed and not await self.stays():
            return
        changes, self._changes = self._changes, {}
        everything, self._everything = self._everything, False
        workers, self._workers_changed = self._workers_changed, False
        inbox, self._inbox_changed = self._inbox_changed, False
        steps, self._steps = self._steps, {}
        if everything:
            await self.send_everything()
        if changes:
            await self.send_changes(changes)
        for change in steps.values():
            await self.send_steps(change)
        if workers:
            await self.send_workers()
        if inbox:
            await self.send_inbox()

    # What each kind of page does.

    async def authorise(self) -> int | None:
        """The code to close with, or None to go on."""
        raise NotImplementedError

    def group_names(self) -> tuple[str, ...]:
        raise NotImplementedError

    async def stays(self) -> bool:
        """Whether the page may stay open; else it is closed."""
        return True

    async def send_everything(self) -> None:
        raise NotImplementedError

    async def send_changes(self, changes: Mapping[UUID, int]) -> None:
        """Runs have changed, each to a version."""
        for run_id, version in changes.items():
            await self.send_change(run_id, version)

    async def send_change(self, run_id: UUID, version: int) -> None:
        raise NotImplementedError

    async def send_steps(self, change: StepsChange) -> None:
        """A run has new steps, or more words in them: for pages that show them."""

    async def send_workers(self) -> None:
        """A worker started, went silent, or is full: for pages that show it."""

    async def send_inbox(self) -> None:
        """A question of the team was opened or closed: for pages that count them."""


class NowhereConsumer(LiveConsumer):
    """Any other address: closed for good, without a log entry."""

    async def authorise(self) -> int | None:
        return NOT_HERE
