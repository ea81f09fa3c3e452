"""The WebSockets of open pages. A change only says "look again": each consumer then sends what the database holds.

Every consumer joins its groups first and reads afterwards, so that no change can fall between. News are only noted when
they come, and a task of the consumer's own works them off: a page slow to render holds up nobody, and a burst of
changes to one run becomes one rendering. Who may see a page is asked when it opens and whenever Postgres says that
somebody's access may have changed (and once a minute, for sessions that end by time), before anything else is sent.

Close codes: 4401 sign in first, 4404 nothing to see here (the browser must not come back), 4500 something broke here,
4503 this process hears no changes just now. Daphne refuses to send 1011 and 1013, which would say the same.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from autobahn.exception import Disconnected
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.http import QueryDict
from django.utils import timezone

from dashboard.answers.selectors import InboxFilters
from dashboard.database import DATABASE_AWAY
from dashboard.history.columns import columns_of
from dashboard.history.filters import RunFilters
from dashboard.langgraph.backoff import Backoff
from dashboard.live.asked_once import asked_once
from dashboard.live.listener import listener, watch
from dashboard.live.pages import EVERY_PAGE, WORKERS_PAGES, inbox_group, pages, run_group, team_group, watched
from dashboard.live.rendering import (
    render_answer,
    render_first_rows,
    render_inbox,
    render_inbox_count,
    render_rows,
    render_run,
    render_run_notice,
    render_shared,
    render_shared_steps,
    render_steps,
)
from dashboard.monitoring.fragments import list_notice_html, workers_html
from dashboard.runs.fragments import rights
from dashboard.runs.models import Run
from dashboard.runs.notifications import ANY_VERSION
from dashboard.sharing.access import LIVE_COOKIE, share_going_on
from dashboard.sharing.models import ShareLink
from dashboard.steps.notifications import StepsChange
from dashboard.teams.models import Membership
from dashboard.teams.selectors import is_still_signed_in, membership_of, membership_still_of

logger = logging.getLogger(__name__)

SIGN_IN_FIRST = 4401
NOT_HERE = 4404
BROKEN = 4500
TRY_LATER = 4503
DATABASE_RETRY = Backoff(first_s=0.1, longest_s=1.0)
ACCESS_SURE_S = 60.0
ENDING_S = 1.0
BEAT_S = 15.0
"""A line that has brought nothing for so long says that it is still there: `static/js/socket.js` goes by it."""
BEAT = "<!-- nothing new -->"
PAUSE_S = 0.1
"""After each telling, so that a burst of changes becomes one: nobody reads faster, and rendering is what costs."""


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """What all live pages share: authorise, join, send a snapshot, then what changes."""

    access_asked_at: float | None = None
    """By `time.monotonic()`, when it was last asked who may see this page; None: to be asked before the next push."""

    async def connect(self) -> None:
        self._changes: dict[UUID, int] = {}
        self._everything, self._crew_changed, self._inbox_changed = True, False, False
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
        self._sender = asyncio.create_task(self._send_news())

    async def disconnect(self, code: int) -> None:
        if self._sender is not None:
            pages.leave(self, (*self.group_names(), EVERY_PAGE))
            self._sender.cancel()
            await asyncio.wait([self._sender], timeout=ENDING_S)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Pages have nothing to say here; what they send is ignored."""

    # What the listener tells.

    def look_again(self) -> None:
        self._everything = True
        self.access_changed()
        self._news.set()

    def line_lost(self) -> None:
        self._closing = asyncio.ensure_future(self.close(code=TRY_LATER))

    def crew_changed(self) -> None:
        self._crew_changed = True
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

    @property
    def is_access_sure(self) -> bool:
        """Whether it was asked not long ago, and nothing was heard since."""
        return self.access_asked_at is not None and time.monotonic() - self.access_asked_at < ACCESS_SURE_S

    async def _send_news(self) -> None:
        retries = DATABASE_RETRY.delays()
        while True:
            is_news = await self._hears_news()
            try:
                if is_news:
                    await self._tell_all()
                else:
                    await self.send(text_data=BEAT)
            except DATABASE_AWAY as error:
                logger.info("a page waits for the database: %s", str(error).strip())
                await asyncio.sleep(next(retries))
                self._everything = True
                self._news.set()
                continue
            except Disconnected:
                return  # its browser went away a moment ago, and nobody had heard yet
            except Exception:
                # An open line that brings nothing would be a page that lies: its browser connects again, or polls.
                logger.exception("a page could not be told of a change")
                await self.close(code=BROKEN)
                return
            retries = DATABASE_RETRY.delays()
            await asyncio.sleep(PAUSE_S)

    async def _hears_news(self) -> bool:
        """Whether there is something to tell within BEAT_S seconds."""
        try:
            async with asyncio.timeout(BEAT_S):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _tell_all(self) -> None:
        self._news.clear()
        changes, self._changes = self._changes, {}
        everything, self._everything = self._everything, False
        crew, self._crew_changed = self._crew_changed, False
        inbox, self._inbox_changed = self._inbox_changed, False
        steps, self._steps = self._steps, {}
        if everything:
            await self.send_everything()
        if changes:
            await self.send_changes(changes)
        for change in steps.values():
            await self.send_steps(change)
        if crew:
            await self.send_crew()
        if inbox:
            await self.send_inbox()

    # What each kind of page does.

    async def authorise(self) -> int | None:
        """The code to close with, or None to go on."""
        raise NotImplementedError

    def group_names(self) -> tuple[str, ...]:
        raise NotImplementedError

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

    async def send_crew(self) -> None:
        """A worker came, went silent, or is full: for pages that say so."""

    async def send_inbox(self) -> None:
        """A question of the team was opened or closed: for pages that count them."""


@database_sync_to_async  # type: ignore[untyped-decorator]
def _membership(user: Any) -> Membership | None:
    return membership_of(user)


async def _version(run_id: UUID) -> int | None:
    """The version of a run whose page is open; None when it is gone. Asked once for all pages that look again."""
    run_ids = {*watched.runs(), run_id}
    versions = await asked_once.get("versions", partial(_versions, run_ids), heard=listener.heard)
    if run_id not in versions:  # opened since
        versions = await database_sync_to_async(_versions)({run_id})
    found: int | None = versions.get(run_id)
    return found


def _versions(run_ids: set[UUID]) -> dict[UUID, int]:
    return dict(Run.objects.filter(pk__in=run_ids).values_list("pk", "version"))


class MemberConsumer(LiveConsumer):
    """A page for a team's members, of whom some cease to be members while it is open."""

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

    async def send_inbox(self) -> None:
        if member := await self.member():
            await self.send(text_data=await render_inbox_count(member.team_id, heard=listener.heard))

    async def member(self) -> Membership | None:
        """The membership as it is now; None when it, or the sign-in, has ended, and then the socket is closed."""
        assert self.membership is not None
        if self.is_access_sure:
            return self.membership
        self.access_asked_at = time.monotonic()  # first, so that a change meanwhile is not overlooked
        person = self.scope["user"], self.scope["session"].session_key
        team_id = self.membership.team_id
        ask = partial(membership_still_of, *person, team_id)
        key = ("membership", person[0].pk, person[1], team_id)
        now: Membership | None = await asked_once.get(key, ask, heard=listener.heard)
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
        version = await _version(self.run_id)
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

    async def send_crew(self) -> None:
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
            rows = await render_first_rows(member.team_id, self.filters, self.columns, heard=listener.heard)
            await self.send(text_data=rows)

    async def send_changes(self, changes: Mapping[UUID, int]) -> None:
        if member := await self.member():
            # All at once: renderings wait for each other, and a burst would wait for each of its rows.
            for row in await render_rows(member.team_id, changes, self.filters, self.columns):
                await self.send(text_data=row.html)

    async def send_crew(self) -> None:
        if await self.member():
            await self.send(text_data=await database_sync_to_async(list_notice_html)())


class InboxConsumer(MemberConsumer):
    """`/ws/inbox/`: the list of open questions for the filters in its address, and what became of the one on show."""

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
            html = await render_inbox(member.team_id, self.filters, heard=listener.heard)
            await self.send(text_data=html)

    async def send_change(self, run_id: UUID, version: int) -> None:
        if member := await self.member():
            html = await render_answer(member.team_id, run_id, may_act=member.may_launch)
            if html:
                await self.send(text_data=html)


class WorkersConsumer(MemberConsumer):
    """`/ws/workers/`: the page of workers, every few seconds. No team's runs are told of, only how many there are."""

    def group_names(self) -> tuple[str, ...]:
        return (WORKERS_PAGES,)

    async def send_everything(self) -> None:
        if await self.member():
            await self.send(text_data=await database_sync_to_async(workers_html)(hears_changes=listener.is_up))


class ShareConsumer(LiveConsumer):
    """`/ws/s/<token>/`: the changing parts of a share page, for as long as the link works."""

    sent_version = 0
    expiry: asyncio.Task[None] | None = None
    link: ShareLink | None = None

    async def authorise(self) -> int | None:
        self.token: str = self.scope["url_route"]["kwargs"]["token"]
        self.link = await self._ask()
        if self.link is None or not await self.shows(self.link):
            return NOT_HERE
        if self.link.expires_at is not None:
            self.expiry = asyncio.create_task(self._end_at(self.link.expires_at))
        return None

    async def shows(self, link: ShareLink) -> bool:
        """Whether the link shows what this page is of; the run is remembered."""
        if link.run_id is None:
            return False
        self.run_id: UUID = link.run_id
        return True

    def group_names(self) -> tuple[str, ...]:
        return (run_group(self.run_id),)

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

    async def send_everything(self) -> None:
        version = await _version(self.run_id)
        self.sent_version, self.access_asked_at = 0, None  # a link that was revoked says so by asking to look again
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

    async def works(self) -> bool:
        """Whether the page may still be told."""
        if self.is_access_sure:
            return True
        self.access_asked_at = time.monotonic()
        return await self._ask() is not None

    async def send_change(self, run_id: UUID, version: int) -> None:
        if not await self.works():
            await self.close(code=NOT_HERE)
        elif version > self.sent_version and self.link is not None:
            rendered = await render_shared(self.link, self.run_id, version)
            if rendered is not None:
                self.sent_version = rendered.version
                await self.send(text_data=rendered.html)

    async def send_steps(self, change: StepsChange) -> None:
        if change.words or not self._shows_steps or self.link is None:
            return
        if not await self.works():
            await self.close(code=NOT_HERE)
        elif html := await render_shared_steps(self.link, change):
            await self.send(text_data=html)

    async def _end_at(self, expires_at: datetime) -> None:
        await asyncio.sleep(max(0.0, (expires_at - timezone.now()).total_seconds()))
        await self.close(code=NOT_HERE)


class NowhereConsumer(LiveConsumer):
    """Any other address: closed for good, without a trace in the log."""

    async def authorise(self) -> int | None:
        return NOT_HERE
