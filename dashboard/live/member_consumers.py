"""The sockets of a team's members: a run's page, the list of runs, the inbox, and the Workers page."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.http import QueryDict

from dashboard.answers.selectors import InboxFilters
from dashboard.history.columns import columns_of
from dashboard.history.filters import RunFilters
from dashboard.live.consumer import NOT_HERE, SIGN_IN_FIRST, LiveConsumer
from dashboard.live.listener import listener, watch
from dashboard.live.pages import WORKERS_PAGES, inbox_group, pages, run_group, team_group, watched
from dashboard.live.rendering import (
    render_answer,
    render_first_rows,
    render_inbox,
    render_inbox_count,
    render_rows,
    render_run,
    render_run_notice,
    render_steps,
)
from dashboard.live.shared_queries import shared_queries
from dashboard.live.versions import version_of
from dashboard.monitoring.fragments import list_notice_html, workers_html
from dashboard.runs.fragments import rights
from dashboard.runs.models import Run
from dashboard.steps.notifications import StepsChange
from dashboard.teams.models import Membership
from dashboard.teams.selectors import is_still_signed_in, membership_of, membership_still_of


@database_sync_to_async  # type: ignore[untyped-decorator]
def _membership(user: Any) -> Membership | None:
    return membership_of(user)


class MemberConsumer(LiveConsumer):
    """A page for a team's members, some of whom leave while it is open."""

    membership: Membership | None

    async def connect(self) -> None:
        await super().connect()
        if self._sender is not None and self.membership is not None:
            pages.join(self, (inbox_group(self.membership.team_id),))

    async def disconnect(self, code: int) -> None:
        if self._sender is not None and self.membership is not None:
            pages.leave(self, (inbox_group(self.membership.team_id),))
        await super().disconnect(code)

    async def authorise(self) -> int | None:
        self.membership = await _membership(self.scope["user"])
        return SIGN_IN_FIRST if self.membership is None else None

    async def stays(self) -> bool:
        return await self.member() is not None

    async def send_inbox(self) -> None:
        if member := await self.member():
            await self.send(text_data=await render_inbox_count(member.team_id, received=listener.received))

    async def member(self) -> Membership | None:
        """The membership as it is now; None when it, or the sign-in, has ended, and then the socket is closed."""
        assert self.membership is not None
        if self.is_access_sure:
            return self.membership
        self.access_asked_at = time.monotonic()  # first, so that a change meanwhile is not missed
        person = self.scope["user"], self.scope["session"].session_key
        team_id = self.membership.team_id
        ask = partial(membership_still_of, *person, team_id)
        key = ("membership", person[0].pk, person[1], team_id)
        now: Membership | None = await shared_queries.get(key, ask, received=listener.received)
        if now is None:
            is_signed_in = await database_sync_to_async(is_still_signed_in)(*person)
            await self.close(code=NOT_HERE if is_signed_in else SIGN_IN_FIRST)
            return None
        self.membership = now
        return now


class RunConsumer(MemberConsumer):
    """`/ws/runs/<uuid>/`: the changing parts of one run's page."""

    sent_version = 0
    launched_by_id: int | None = None

    async def authorise(self) -> int | None:
        self.run_id: UUID = self.scope["url_route"]["kwargs"]["run_id"]
        code = await super().authorise()
        if code is not None or self.membership is None:
            return code
        run = Run.objects.filter(pk=self.run_id, team_id=self.membership.team_id)
        found = await database_sync_to_async(run.values("launched_by_id").first)()
        if found is None:
            return NOT_HERE
        self.launched_by_id = found["launched_by_id"]
        return None

    def group_names(self) -> tuple[str, ...]:
        return (run_group(self.run_id),)

    async def connect(self) -> None:
        await super().connect()
        if self._sender is not None:
            watched.add(self.run_id)
            await watch([self.run_id])

    async def disconnect(self, code: int) -> None:
        if self._sender is not None:
            watched.discard(self.run_id)
        await super().disconnect(code)

    async def send_everything(self) -> None:
        version = await version_of(self.run_id)
        if version is None:
            await self.close(code=NOT_HERE)
        else:
            self.sent_version = 0
            await self.send_change(self.run_id, version)

    async def send_change(self, run_id: UUID, version: int) -> None:
        member = await self.member()
        if member is None or version <= self.sent_version:
            return
        rendered = await render_run(run_id, version, **rights(member, self.launched_by_id))
        if rendered is not None:
            self.sent_version = rendered.version
            await self.send(text_data=rendered.html)

    async def send_steps(self, change: StepsChange) -> None:
        if await self.member():
            rendered = await render_steps(change)
            if rendered is not None:
                await self.send(text_data=rendered.html)

    async def send_workers(self) -> None:
        if await self.member():
            await self.send(text_data=await render_run_notice(self.run_id))


class RunListConsumer(MemberConsumer):
    """`/ws/runs/`: rows that are new or changed, for the filters in the socket's address."""

    async def authorise(self) -> int | None:
        query = QueryDict(self.scope["query_string"])
        self.filters, self.columns = RunFilters.from_query(query), columns_of(query.getlist("column"))
        return await super().authorise()

    def group_names(self) -> tuple[str, ...]:
        assert self.membership is not None
        return (team_group(self.membership.team_id),)

    async def send_everything(self) -> None:
        if member := await self.member():
            rows = await render_first_rows(member.team_id, self.filters, self.columns, received=listener.received)
            await self.send(text_data=rows)

    async def send_changes(self, changes: Mapping[UUID, int]) -> None:
        if member := await self.member():
            # All at once: renderings wait for each other, so a burst would wait for each of its rows.
            for row in await render_rows(member.team_id, changes, self.filters, self.columns):
                await self.send(text_data=row.html)

    async def send_workers(self) -> None:
        if await self.member():
            await self.send(text_data=await database_sync_to_async(list_notice_html)())


class InboxConsumer(MemberConsumer):
    """`/ws/inbox/`: the list of open questions for the filters in its address, and what became of the open one."""

    async def authorise(self) -> int | None:
        self.filters = InboxFilters.from_query(QueryDict(self.scope["query_string"]), self.scope["user"].pk)
        return await super().authorise()

    def group_names(self) -> tuple[str, ...]:
        return (run_group(self.filters.run),) if self.filters.run else ()

    async def send_everything(self) -> None:
        await self.send_inbox()
        if self.filters.run:
            await self.send_change(self.filters.run, 0)

    async def send_inbox(self) -> None:
        if member := await self.member():
            html = await render_inbox(member.team_id, self.filters, received=listener.received)
            await self.send(text_data=html)

    async def send_change(self, run_id: UUID, version: int) -> None:
        if member := await self.member():
            html = await render_answer(member.team_id, run_id, may_act=member.may_launch)
            if html:
                await self.send(text_data=html)


class WorkersConsumer(MemberConsumer):
    """`/ws/workers/`: the Workers page, every few seconds. It counts runs and names none."""

    def group_names(self) -> tuple[str, ...]:
        return (WORKERS_PAGES,)

    async def send_everything(self) -> None:
        if await self.member():
            await self.send(text_data=await database_sync_to_async(workers_html)(hears_changes=listener.is_up))
