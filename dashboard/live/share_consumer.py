"""The socket of a share page, open to strangers for as long as the link works."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from uuid import UUID

from channels.db import database_sync_to_async
from django.utils import timezone

from dashboard.live.consumer import BEAT, NOT_HERE, LiveConsumer
from dashboard.live.listener import watch
from dashboard.live.pages import run_group, watched
from dashboard.live.rendering import render_shared, render_shared_steps
from dashboard.live.versions import version_of
from dashboard.sharing.access import LIVE_COOKIE, share_going_on
from dashboard.sharing.models import ShareLink
from dashboard.steps.notifications import StepsChange


class ShareConsumer(LiveConsumer):
    """`/ws/s/<token>/`: the changing parts of a share page, for as long as the link works.

    With `?end`, for a page that is final: nothing but the link's end.
    """

    sent_version = 0
    is_for_end = False
    expiry: asyncio.Task[None] | None = None
    link: ShareLink | None = None

    async def authorise(self) -> int | None:
        self.token: str = self.scope["url_route"]["kwargs"]["token"]
        self.is_for_end = self.scope["query_string"] == b"end"
        self.link = await self._ask()
        if self.link is None or not await self.shows(self.link):
            return NOT_HERE
        if self.link.expires_at is not None:
            self.expiry = asyncio.create_task(self._end_at(self.link.expires_at))
        return None

    async def shows(self, link: ShareLink) -> bool:
        """Whether the link shows this page's run; remembers the run."""
        if link.run_id is None:
            return False
        self.run_id: UUID = link.run_id
        return True

    def group_names(self) -> tuple[str, ...]:
        earlier = self.link.earlier if self.link is not None else ()
        return (run_group(self.run_id), *(run_group(run.pk) for run in earlier))

    async def connect(self) -> None:
        await super().connect()
        if self._shows_steps:
            watched.add(self.run_id)
            await watch([self.run_id])

    async def disconnect(self, code: int) -> None:
        if self.expiry is not None:
            self.expiry.cancel()
        if self._shows_steps:
            watched.discard(self.run_id)
        await super().disconnect(code)

    @property
    def _shows_steps(self) -> bool:
        return self._sender is not None and self.link is not None and "steps" in self.link.show

    async def _send_all(self) -> None:
        if not self.is_for_end:
            await super()._send_all()
            return
        self._news.clear()
        self.access_asked_at = None
        if await self.stays():
            await self.send(text_data=BEAT)

    async def send_everything(self) -> None:
        version = await version_of(self.run_id)
        self.sent_version, self.access_asked_at = 0, None  # a revoked link announces itself as a change
        await self.send_change(self.run_id, version or 0)

    async def _ask(self) -> ShareLink | None:
        """The link, while this browser may see what it shows."""
        cookie = self.scope.get("cookies", {}).get(LIVE_COOKIE, "")
        session = self.scope.get("session")
        key = session.session_key if session is not None else None
        found: ShareLink | None = await database_sync_to_async(share_going_on)(
            self.token, self.scope["user"], key, cookie
        )
        return found

    async def stays(self) -> bool:
        if self.is_access_sure:
            return True
        self.access_asked_at = time.monotonic()
        if await self._ask() is not None:
            return True
        await self.close(code=NOT_HERE)
        return False

    async def send_change(self, run_id: UUID, version: int) -> None:
        if self.link is None or not await self.stays() or await self._has_gone_on(run_id):
            return
        if version > self.sent_version:
            rendered = await render_shared(self.link, self.run_id, version)
            if rendered is not None:
                self.sent_version = rendered.version
                await self.send(text_data=rendered.html)

    async def _has_gone_on(self, run_id: UUID) -> bool:
        """Whether the link of a form shows another run by now; then the page opens it again."""
        if self.link is None or self.link.form_link_id is None:
            return False
        now = await self._ask()
        if now is None or now.run_id != self.run_id:
            await self.close(code=NOT_HERE)
            return True
        return run_id != self.run_id

    async def send_steps(self, change: StepsChange) -> None:
        if change.words or not self._shows_steps or self.link is None:
            return
        if await self.stays() and (html := await render_shared_steps(self.link, change)):
            await self.send(text_data=html)

    async def _end_at(self, expires_at: datetime) -> None:
        await asyncio.sleep(max(0.0, (expires_at - timezone.now()).total_seconds()))
        await self.close(code=NOT_HERE)
