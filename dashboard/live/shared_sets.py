"""The WebSockets of links to several runs: of the page that shows all of them, and of the page of one."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

from channels.db import database_sync_to_async

from dashboard.live.listener import listener
from dashboard.live.pages import run_group, team_group
from dashboard.live.rendering import render_shared_set
from dashboard.live.share_consumer import ShareConsumer
from dashboard.runs.notifications import ANY_VERSION
from dashboard.sharing.models import SetKind, ShareLink
from dashboard.sharing.sets.selectors import set_has, set_run

EVERY_S = 1.0
"""The shortest time between two renderings of a list: in a busy team every change of any run may change it."""


class SharedSetConsumer(ShareConsumer):
    """`/ws/s/<token>/runs/`: all runs of a link to several."""

    rendered_at = 0.0
    sent_html = ""

    async def shows(self, link: ShareLink) -> bool:
        return link.several is not None

    def group_names(self) -> tuple[str, ...]:
        """The link's own group, for its end, and the groups of runs that can change the page."""
        assert self.link is not None
        several, own = self.link.several, run_group(self.link.pk)
        if several is None or several.is_frozen:
            return (own,)
        if several.kind == SetKind.COMPARISON:
            return (own, *map(run_group, several.run_ids))
        return (own, team_group(self.link.team_id))

    @property
    def _shows_steps(self) -> bool:
        return False

    def run_changed(self, run_id: UUID, version: int) -> None:
        # Many changes become one rendering, and the link's end must not wait for the rest.
        if version == ANY_VERSION or self._may_matter():
            self._everything = True
            self._news.set()
        else:
            super().run_changed(run_id, version)

    def _may_matter(self) -> bool:
        """Whether a change of these runs may change the page; for a thread, only the run itself shows that."""
        several = self.link.several if self.link is not None else None
        return several is not None and several.kind != SetKind.THREAD

    async def send_everything(self) -> None:
        await asyncio.sleep(max(0.0, self.rendered_at + EVERY_S - time.monotonic()))
        self.access_asked_at = None
        if await self.stays() and self.link is not None:
            self.rendered_at = time.monotonic()
            html = await render_shared_set(self.link, received=listener.received)
            if html != self.sent_html:
                self.sent_html = html
                await self.send(text_data=html)

    async def send_change(self, run_id: UUID, version: int) -> None:
        several = self.link.several if self.link is not None else None
        if several is not None and await database_sync_to_async(set_has)(self.link, several, run_id):
            self._everything = True
            self._news.set()


class SharedSetRunConsumer(ShareConsumer):
    """`/ws/s/<token>/runs/<uuid>/`: the changing parts of the page of one of them."""

    async def shows(self, link: ShareLink) -> bool:
        self.run_id = self.scope["url_route"]["kwargs"]["run_id"]
        return await database_sync_to_async(set_run)(link, self.run_id) is not None

    def group_names(self) -> tuple[str, ...]:
        assert self.link is not None
        return (run_group(self.run_id), run_group(self.link.pk))
