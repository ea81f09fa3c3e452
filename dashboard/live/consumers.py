"""The WebSockets of open pages. A change only says "look again": each consumer then sends what the database holds.

Every consumer joins its groups first and reads afterwards, so that no change can fall between. Close codes: 4401 sign
in first, 4404 nothing to see here (the browser must not come back), 1012 the server restarts (it comes back).
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.http import QueryDict
from django.utils import timezone

from dashboard.live.listener import EVERY_PAGE, listener, run_group, team_group
from dashboard.live.rendering import render_first_rows, render_row, render_run, render_shared
from dashboard.runs.models import Run
from dashboard.runs.notifications import ANY_VERSION
from dashboard.runs.selectors import RunFilters
from dashboard.sharing.selectors import share_open
from dashboard.teams.models import Membership
from dashboard.teams.selectors import membership_of

SIGN_IN_FIRST = 4401
NOT_HERE = 4404


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """What all live pages share: authorise, join, send a snapshot, look again when told."""

    async def connect(self) -> None:
        # Accepted before it is refused: a close code only reaches the browser on an open socket.
        await self.accept()
        listener.start()
        code = await self.authorise()
        if code is not None:
            await self.close(code=code)
            return
        for group in (*self.group_names(), EVERY_PAGE):
            await self.channel_layer.group_add(group, self.channel_name)
        self.joined = True
        await self.look_again({})

    async def disconnect(self, code: int) -> None:
        if getattr(self, "joined", False):
            for group in (*self.group_names(), EVERY_PAGE):
                await self.channel_layer.group_discard(group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Pages have nothing to say here; what they send is ignored."""

    async def authorise(self) -> int | None:
        """The code to close with, or None to go on."""
        raise NotImplementedError

    def group_names(self) -> tuple[str, ...]:
        raise NotImplementedError

    async def look_again(self, event: dict[str, Any]) -> None:
        """Send the whole state."""
        raise NotImplementedError


@database_sync_to_async  # type: ignore[untyped-decorator]
def _membership(user: Any) -> Membership | None:
    return membership_of(user)


@database_sync_to_async  # type: ignore[untyped-decorator]
def _version(run_id: UUID, **where: Any) -> int | None:
    version: int | None = Run.objects.filter(pk=run_id, **where).values_list("version", flat=True).first()
    return version


class RunConsumer(LiveConsumer):
    """`/ws/runs/<uuid>/`: the changing parts of one run's page."""

    sent_version = 0

    async def authorise(self) -> int | None:
        self.run_id: UUID = self.scope["url_route"]["kwargs"]["run_id"]
        self.membership = await _membership(self.scope["user"])
        if self.membership is None:
            return SIGN_IN_FIRST
        return None if await _version(self.run_id, team_id=self.membership.team_id) is not None else NOT_HERE

    def group_names(self) -> tuple[str, ...]:
        return (run_group(self.run_id),)

    async def look_again(self, event: dict[str, Any]) -> None:
        version = await _version(self.run_id)
        self.sent_version = 0
        await self._send(version)

    async def run_changed(self, event: dict[str, Any]) -> None:
        if event["version"] > self.sent_version:
            await self._send(event["version"])

    async def _send(self, version: int | None) -> None:
        # Who may see this can change while a page is open: a person taken out of the team sees no more.
        membership = await _membership(self.scope["user"])
        if membership is None or version is None or membership.team_id != self.membership.team_id:
            await self.close(code=NOT_HERE)
            return
        rendered = await render_run(self.run_id, version, may_act=membership.may_launch)
        if rendered is not None:
            self.sent_version = rendered.version
            await self.send(text_data=rendered.html)


class RunListConsumer(LiveConsumer):
    """`/ws/runs/`: rows that are new or changed, for the filters in the socket's address."""

    async def authorise(self) -> int | None:
        self.membership = await _membership(self.scope["user"])
        self.filters = RunFilters.from_query(QueryDict(self.scope["query_string"]))
        return SIGN_IN_FIRST if self.membership is None else None

    def group_names(self) -> tuple[str, ...]:
        return (team_group(self.membership.team_id),)

    async def look_again(self, event: dict[str, Any]) -> None:
        await self.send(text_data=await render_first_rows(self.membership.team_id, self.filters))

    async def run_changed(self, event: dict[str, Any]) -> None:
        if event["version"] == ANY_VERSION:
            return
        membership = await _membership(self.scope["user"])
        if membership is None or membership.team_id != self.membership.team_id:
            await self.close(code=NOT_HERE)
            return
        run_id = UUID(event["run_id"])
        row = await render_row(self.membership.team_id, run_id, event["version"], self.filters)
        if row is not None:
            await self.send(text_data=row.html)


class ShareConsumer(LiveConsumer):
    """`/ws/s/<token>/`: the changing parts of a share page, for as long as the link works."""

    sent_version = 0
    expiry: asyncio.Task[None] | None = None

    async def authorise(self) -> int | None:
        self.token: str = self.scope["url_route"]["kwargs"]["token"]
        link = await database_sync_to_async(share_open)(self.token)
        if link is None:
            return NOT_HERE
        self.run_id = link.run_id
        if link.expires_at is not None:
            self.expiry = asyncio.create_task(self._end_at(link.expires_at))
        return None

    def group_names(self) -> tuple[str, ...]:
        return (run_group(self.run_id),)

    async def disconnect(self, code: int) -> None:
        if self.expiry is not None:
            self.expiry.cancel()
        await super().disconnect(code)

    async def look_again(self, event: dict[str, Any]) -> None:
        self.sent_version = 0
        await self._send(await _version(self.run_id))

    async def run_changed(self, event: dict[str, Any]) -> None:
        if event["version"] == ANY_VERSION:
            await self.look_again(event)
        elif event["version"] > self.sent_version:
            await self._send(event["version"])

    async def _send(self, version: int | None) -> None:
        if version is None or await database_sync_to_async(share_open)(self.token) is None:
            await self.close(code=NOT_HERE)
            return
        rendered = await render_shared(self.run_id, version)
        if rendered is not None and rendered.version > self.sent_version:
            self.sent_version = rendered.version
            await self.send(text_data=rendered.html)

    async def _end_at(self, expires_at: datetime) -> None:
        await asyncio.sleep(max(0.0, (expires_at - timezone.now()).total_seconds()))
        await self.close(code=NOT_HERE)


class NowhereConsumer(LiveConsumer):
    """Any other address: closed for good, without a trace in the log."""

    async def authorise(self) -> int | None:
        return NOT_HERE

    def group_names(self) -> tuple[str, ...]:
        return ()
