"""Renders each change once per process, however many pages show it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from channels.db import database_sync_to_async

from dashboard.answers.fragments import answer_live_html, attention_html, inbox_count_html, inbox_live_html
from dashboard.answers.selectors import InboxFilters
from dashboard.history.columns import Column, with_cells
from dashboard.history.filters import RunFilters
from dashboard.history.fragments import run_changes_html
from dashboard.history.selectors import run_list, run_page
from dashboard.monitoring.fragments import list_notice_html, run_notice_html
from dashboard.runs import fragments
from dashboard.runs.models import Run
from dashboard.runs.selectors import run_for_page, run_get
from dashboard.sharing.models import ShareLink
from dashboard.sharing.pages import share_live_html, share_steps_html
from dashboard.sharing.sets.shown import set_html
from dashboard.steps import fragments as step_fragments
from dashboard.steps.notifications import StepsChange

KEPT = 512
KEPT_CHARS = 30_000_000


@dataclass(frozen=True)
class Rendered:
    """HTML and the version of the run it shows."""

    html: str
    version: int


SNAPSHOTS = ("first", "inbox", "inbox-count")
"""Kinds of renderings without a version: only the number of notices before them tells them apart."""


class RenderOnce:
    """Caches the latest renderings by key; callers that come while one is being made wait for it."""

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, asyncio.Future[Rendered | None]] = OrderedDict()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def get(self, key: Hashable, render: Callable[[], Rendered | None]) -> Rendered | None:
        """The rendering for `key`; a new one is made by `render` in a thread. A failed one is not kept."""
        (rendered,) = await self.get_all([key], lambda _: [render()])
        return rendered

    async def get_all(
        self, keys: Sequence[Hashable], render: Callable[[Sequence[Hashable]], Sequence[Rendered | None]]
    ) -> list[Rendered | None]:
        """The renderings under `keys`, in their order; `render` makes all that are new at once, in their order."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._made, self._loop = OrderedDict(), loop
        if new := [key for key in keys if key not in self._made]:
            making = asyncio.ensure_future(database_sync_to_async(render)(new))
            for number, key in enumerate(new):
                self._made[key] = asyncio.ensure_future(_nth(making, number))
                self._made[key].add_done_callback(self._forget_old)
        futures = [self._made[key] for key in keys]
        try:
            # Shielded: a page that closes must not cancel what others wait for.
            return [await asyncio.shield(future) for future in futures]
        except Exception:
            for key in keys:
                self._made.pop(key, None)
            raise

    def forget(self, *kinds: str) -> None:
        """Drop renderings, because something without a version has changed; with `kinds`, only those."""
        for key in list(self._made):
            if not kinds or (isinstance(key, tuple) and key[0] in kinds):
                del self._made[key]

    def forget_run(self, run_id: UUID) -> None:
        """The same for one run: its steps have changed, which its version does not show."""
        for key in [key for key in self._made if isinstance(key, tuple) and run_id in key]:
            del self._made[key]

    def _forget_old(self, done: asyncio.Future[Rendered | None]) -> None:
        if not done.cancelled():
            done.exception()  # marks it as retrieved: the waiting callers get it raised, and asyncio logs nothing
        chars = 0
        for count, (key, future) in enumerate(reversed(list(self._made.items())), start=1):
            if future.done() and not future.cancelled() and future.exception() is None and (made := future.result()):
                chars += len(made.html)
            if count > KEPT or (chars > KEPT_CHARS and count > 1):
                del self._made[key]


async def _nth(making: Awaitable[Sequence[Rendered | None]], number: int) -> Rendered | None:
    return (await making)[number]


once = RenderOnce()


async def render_run(run_id: UUID, version: int, *, may_act: bool, may_cancel: bool) -> Rendered | None:
    """The live parts of a run's page, at least as new as `version`. None when the run is gone."""

    def render() -> Rendered | None:
        run = run_for_page(run_id)
        if run is None:
            return None
        return Rendered(fragments.run_live_html(run, may_act=may_act, may_cancel=may_cancel), run.version)

    return await once.get(("run", run_id, version, may_act, may_cancel), render)


async def render_steps(change: StepsChange) -> Rendered | None:
    """The steps of a run's page, or only the text being written. None when the run is gone."""

    def render() -> Rendered | None:
        run = run_for_page(change.run_id)
        if run is None:
            return None
        html = step_fragments.live_html(run) if change.words else step_fragments.steps_changed_html(run)
        return Rendered(html, change.version)

    return await once.get(("steps", change), render)


async def render_run_notice(run_id: UUID) -> str:
    """The worker banner of a run's page; "" when the run is gone."""

    def render() -> str:
        run = Run.objects.filter(pk=run_id).first()
        return run_notice_html(run) if run else ""

    return str(await database_sync_to_async(render)())


async def render_shared(link: ShareLink, run_id: UUID, version: int) -> Rendered | None:
    """The live parts of a share page. Each link has its own, because each shows something else."""

    def render() -> Rendered | None:
        run = run_for_page(run_id)
        return Rendered(share_live_html(link, run), run.version) if run else None

    return await once.get(("shared", link.pk, run_id, version), render)


async def render_shared_set(link: ShareLink, *, received: int | None) -> str:
    """The live parts of a share page of several runs; "" for a link to one."""
    several = link.several
    if several is None:
        return ""
    return await _shared(("shared-set", link.pk, received), lambda: set_html(link, several), received)


async def render_shared_steps(link: ShareLink, change: StepsChange) -> str:
    """The steps of a share page; "" when the run is gone."""

    def render() -> Rendered | None:
        run = run_for_page(change.run_id)
        return Rendered(share_steps_html(link, run), change.version) if run else None

    rendered = await once.get(("shared-steps", link.pk, change), render)
    return rendered.html if rendered else ""


async def render_rows(
    team_id: UUID, changes: Mapping[UUID, int], filters: RunFilters, columns: tuple[Column, ...]
) -> list[Rendered]:
    """The rows of these runs for the runs page, each at least as new as its version; none for runs that are gone.

    A row is marked when the filters exclude it. At most two queries, however many runs there are.
    """

    def render(keys: Sequence[Hashable]) -> list[Rendered | None]:
        run_ids = [key[1] for key in keys if isinstance(key, tuple)]
        inside = run_list(team_id, filters).in_bulk(run_ids)
        missing = [run_id for run_id in run_ids if run_id not in inside]
        outside = run_list(team_id, RunFilters()).in_bulk(missing) if missing else {}
        with_cells([*inside.values(), *outside.values()], columns)
        return [_row(inside.get(run_id), outside.get(run_id)) for run_id in run_ids]

    keys = [("row", run_id, version, filters, columns) for run_id, version in changes.items()]
    return [row for row in await once.get_all(keys, render) if row is not None]


def _row(inside: Run | None, outside: Run | None) -> Rendered | None:
    run = inside or outside
    return Rendered(run_changes_html([run], outside=inside is None), run.version) if run else None


async def render_first_rows(
    team_id: UUID, filters: RunFilters, columns: tuple[Column, ...], *, received: int | None
) -> str:
    """The first page of rows and the worker banner: what a runs page gets when it connects.

    Pages that ask after the same number `received` of notices share one rendering: any later change comes with
    a notice of its own. None: no notices arrive now, so nothing is shared.
    """

    def render() -> Rendered:
        rows = run_page(team_id, filters).runs
        with_cells(rows, columns)
        return Rendered(run_changes_html(rows, snapshot=True) + list_notice_html(), 0)

    if received is None:
        return str((await database_sync_to_async(render)()).html)
    rendered = await once.get(("first", team_id, filters, columns, received), render)
    assert rendered is not None
    return rendered.html


async def render_inbox_count(team_id: UUID, *, received: int | None) -> str:
    """How many questions wait, for the navigation of every page of the team."""
    return await _shared(("inbox-count", team_id, received), lambda: inbox_count_html(team_id), received)


async def render_inbox(team_id: UUID, filters: InboxFilters, *, received: int | None) -> str:
    """The inbox's list and count."""
    return await _shared(("inbox", team_id, filters, received), lambda: inbox_live_html(team_id, filters), received)


async def render_answer(team_id: UUID, run_id: UUID, *, may_act: bool) -> str:
    """What became of the question of a run; "" when it is not the team's, or gone."""

    def render() -> str:
        run = run_get(team_id, run_id)
        if run is None:
            return ""
        return attention_html(run, may_act=may_act, is_inbox=True) + answer_live_html(
            run, may_act=may_act, is_inbox=True
        )

    return str(await database_sync_to_async(render)())


async def _shared(key: Hashable, render: Callable[[], str], received: int | None) -> str:
    """One rendering for all who ask after the same number `received` of notices; None: nothing is shared."""
    if received is None:
        return str(await database_sync_to_async(render)())
    rendered = await once.get(key, lambda: Rendered(render(), 0))
    assert rendered is not None
    return rendered.html
