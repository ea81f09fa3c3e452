"""The snapshot first, then every change once; rows for lists."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, transaction
from django.db.models import F

from dashboard.live import consumer, rendering, versions
from dashboard.live.pages import OpenPages, Page, run_group
from dashboard.live.rendering import Rendered, RenderOnce
from dashboard.runs import fragments, services
from dashboard.runs.events import EventKind
from dashboard.runs.models import Run
from dashboard.runs.notifications import RUN_CHANNEL, RunChange, notify
from dashboard.runs.seeding import runs_seed
from dashboard.runs.statuses import RunStatus
from dashboard.runs.transitions import event_append
from dashboard.steps.reading import Reading
from dashboard.steps.services import recordings_claim, steps_store
from dashboard.steps.timeline import StepFound
from dashboard.worker.models import Worker
from tests.asynchronous import in_db
from tests.factories import make_run
from tests.integration.live.opening import made, opened

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_run_page_gets_a_snapshot_and_then_each_change() -> None:
    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        first = await socket.receive_from(timeout=5)
        await in_db(services.run_cancel, run=run, by=person)
        then = await socket.receive_from(timeout=5)

        assert await socket.receive_nothing(0.3)

    assert f'id="run-{run.pk}-status"' in first
    assert 'data-run-status="queued"' in first
    assert 'data-run-status="cancelled"' in then


async def test_a_page_that_opens_once_the_steps_are_read_shows_them() -> None:
    """The run itself has not changed since, so that what was rendered of it before would be shown again."""

    def read() -> None:
        (taken,) = recordings_claim(limit=5)
        steps_store(run=taken, reading=Reading([StepFound("measure", checkpoint_id="c0")]))

    run, person = await made(status=RunStatus.SUCCEEDED, body=b"{}")
    async with opened(f"/ws/runs/{run.pk}/", person) as early:
        first = await early.receive_from(timeout=5)
        await in_db(read)
        then = await early.receive_from(timeout=5)
        async with opened(f"/ws/runs/{run.pk}/", person) as late:
            last = await late.receive_from(timeout=5)

    assert "Fork…" not in first
    assert "Fork…" in then
    assert "Fork…" in last


async def test_a_change_that_is_rolled_back_is_never_announced() -> None:
    def change() -> None:
        with transaction.atomic():
            services.run_cancel(run=run, by=person)
            transaction.set_rollback(True)

    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(change)

        assert await socket.receive_nothing(0.5)


async def test_a_change_is_rendered_once_for_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    rendered = []
    original = fragments.run_live_html
    monkeypatch.setattr(
        fragments, "run_live_html", lambda run, **rights: rendered.append(run.version) or original(run, **rights)
    )
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(opened(f"/ws/runs/{run.pk}/", person)) for _ in range(20)]
        for page in pages:
            await page.receive_from(timeout=10)
        before = len(rendered)

        await in_db(services.run_cancel, run=run, by=person)
        for page in pages:
            assert 'data-run-status="cancelled"' in await page.receive_from(timeout=10)

    assert before == 1
    assert len(rendered) == 2


async def test_the_list_gets_rows_first_then_new_and_changed_ones() -> None:
    run, person = await made(name="older")
    async with opened("/ws/runs/", person) as socket:
        first = await socket.receive_from(timeout=5)
        other = await in_db(make_run, team=run.team, name="newer")
        new = await socket.receive_from(timeout=5)
        await in_db(services.run_cancel, run=run, by=person)
        changed = await socket.receive_from(timeout=5)

    assert "older" in first
    assert f'id="run-{other.pk}-row"' in new
    assert f'id="run-{run.pk}-row"' in changed
    assert 'data-run-status="cancelled"' in changed


async def test_many_lists_that_look_again_share_one_rendering_and_miss_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    snapshots = []
    original = rendering.run_changes_html

    def counted(rows: list[Run], **how: Any) -> str:
        snapshots.extend([len(rows)] if how.get("snapshot") else [])
        return original(rows, **how)

    monkeypatch.setattr(rendering, "run_changes_html", counted)
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(opened("/ws/runs/", person)) for _ in range(10)]
        for socket in sockets:
            await socket.receive_from(timeout=5)
        snapshots.clear()
        await in_db(notify, RUN_CHANNEL, "look again, all of you")
        for socket in sockets:
            assert f'id="run-{run.pk}-row"' in await socket.receive_from(timeout=5)
        assert len(snapshots) == 1

        newer = await in_db(lambda: make_run(team=run.team, by=person))
        for socket in sockets:
            assert f'id="run-{newer.pk}-row"' in await socket.receive_from(timeout=5)
        async with opened("/ws/runs/", person) as late:
            assert f'id="run-{newer.pk}-row"' in await late.receive_from(timeout=5)


async def test_seeded_runs_come_to_open_lists_and_to_those_that_open_later() -> None:
    run, person = await made()
    async with opened("/ws/runs/", person) as socket:
        before = await socket.receive_from(timeout=5)
        await in_db(lambda: runs_seed(server=run.server, count=3, days=1))
        then = await socket.receive_from(timeout=5)
        async with opened("/ws/runs/", person) as late:
            last = await late.receive_from(timeout=5)

    assert [html.count("data-run-status") for html in (before, then, last)] == [1, 4, 4]


async def test_a_burst_of_changes_is_looked_up_at_once_and_every_row_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    looked_up = []
    original = rendering.run_list
    monkeypatch.setattr(rendering, "run_list", lambda *asked: looked_up.append(asked) or original(*asked))

    def launch_many() -> list[Run]:
        with transaction.atomic():
            return [make_run(team=run.team, by=person) for _ in range(20)]

    async with opened("/ws/runs/", person) as socket:
        await socket.receive_from(timeout=5)
        looked_up.clear()
        runs = await in_db(launch_many)
        rows = [await socket.receive_from(timeout=5) for _ in runs]

    assert all(f'id="run-{run.pk}-row"' in "".join(rows) for run in runs)
    assert len(looked_up) <= 2


async def test_pages_that_look_again_ask_once_for_the_versions_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    runs = [run, *[await in_db(make_run, team=run.team) for _ in range(9)]]
    asked: list[set[UUID]] = []
    original = versions._versions
    monkeypatch.setattr(versions, "_versions", lambda run_ids: asked.append(run_ids) or original(run_ids))
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(opened(f"/ws/runs/{run.pk}/", person)) for run in runs]
        for socket in sockets:
            await socket.receive_from(timeout=10)
        asked.clear()
        await in_db(notify, RUN_CHANNEL, "look again, all of you")
        for run, socket in zip(runs, sockets, strict=True):
            assert f'id="run-{run.pk}-status"' in await socket.receive_from(timeout=10)

    assert asked == [{run.pk for run in runs}]


async def test_a_list_that_tries_again_after_an_outage_shows_what_is_true_then(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    original, refused = rendering.run_list, []

    def refuse_once(*asked: Any) -> Any:
        if not refused:
            refused.append(asked)
            Run.objects.filter(pk=run.pk).update(status="starting", version=F("version") + 1)
            raise OperationalError("server closed the connection unexpectedly")
        return original(*asked)

    def change() -> None:
        with transaction.atomic():
            notify(RUN_CHANNEL, "look again, all of you")
            notify(RUN_CHANNEL, RunChange(run.pk, run.team_id, run.version).to_payload())

    async with opened("/ws/runs/", person) as socket:
        await socket.receive_from(timeout=10)
        monkeypatch.setattr(rendering, "run_list", refuse_once)
        await in_db(change)
        before, after = await socket.receive_from(timeout=10), await socket.receive_from(timeout=10)

    assert 'data-run-status="queued"' in before
    assert 'data-run-status="starting"' in after


async def test_the_list_gets_nothing_of_other_teams() -> None:
    _, person = await made()
    async with opened("/ws/runs/", person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(make_run)

        assert await socket.receive_nothing(0.5)


async def test_rows_outside_the_filters_are_marked() -> None:
    run, person = await made()
    async with opened("/ws/runs/?status=queued", person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(services.run_cancel, run=run, by=person)
        changed = await socket.receive_from(timeout=5)
        inside = await in_db(make_run, team=run.team)
        new = await socket.receive_from(timeout=5)

    assert "data-outside" in changed
    assert "data-outside" not in new
    assert str(inside.pk) in new


async def test_a_change_made_while_the_first_picture_is_drawn_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    is_heard, drawn = threading.Event(), []
    draw, of = fragments.run_live_html, OpenPages.of

    def note(pages: OpenPages, *groups: str) -> list[Page]:
        if run_group(run.pk) in groups:
            is_heard.set()
        return of(pages, *groups)

    def draw_slowly(shown: Run, **rights: bool) -> str:
        html = draw(shown, **rights)
        if not drawn:
            drawn.append(html)
            services.run_cancel(run=run, by=person)
            assert is_heard.wait(10)
        return html

    monkeypatch.setattr(OpenPages, "of", note)
    monkeypatch.setattr(fragments, "run_live_html", draw_slowly)
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        assert 'data-run-status="queued"' in await socket.receive_from(timeout=15)
        assert 'data-run-status="cancelled"' in await socket.receive_from(timeout=5)


async def test_a_late_notice_does_not_bring_an_older_state_back() -> None:
    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        assert 'data-run-status="queued"' in await socket.receive_from(timeout=5)
        await in_db(services.run_cancel, run=run, by=person)
        assert 'data-run-status="cancelled"' in await socket.receive_from(timeout=5)

        await in_db(notify, RUN_CHANNEL, RunChange(run.pk, run.team_id, run.version).to_payload())
        assert await socket.receive_nothing(timeout=1), "news that are older than what is shown"

        await in_db(event_append, run, EventKind.WARNING, {"message": "the next"})
        assert "the next" in await socket.receive_from(timeout=5)


async def test_renderings_are_kept_by_their_size_not_only_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.live.rendering.KEPT_CHARS", 2_500)
    once, made = RenderOnce(), []

    async def get(key: int) -> None:
        await once.get(key, lambda: made.append(key) or Rendered("x" * 1_000, key))

    for key in (1, 2, 3, 2, 1):
        await get(key)

    assert made == [1, 2, 3, 1]


async def test_a_new_worker_is_announced_to_open_pages_and_to_those_opened_later() -> None:
    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket, opened("/ws/runs/", person) as rows:
        assert "No worker is running." in await socket.receive_from(timeout=5)
        assert "No worker is running." in await rows.receive_from(timeout=5)
        await in_db(Worker.objects.create, host="box", pid=1, concurrency=5)

        for fragment in (await socket.receive_from(timeout=10), await rows.receive_from(timeout=10)):
            assert 'id="work-notice"' in fragment
            assert "No worker" not in fragment
            assert "-row" not in fragment
        # The same version of the run as before, which is kept as it was rendered.
        async with opened(f"/ws/runs/{run.pk}/", person) as later:
            assert "No worker" not in await later.receive_from(timeout=5)


async def test_a_socket_without_changes_says_that_it_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "BEAT_S", 0.2)
    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        assert 'data-run-status="queued"' in await socket.receive_from(timeout=5)
        for _ in range(2):
            assert await socket.receive_from(timeout=5) == consumer.BEAT
        await in_db(services.run_cancel, run=run, by=person)
        async with asyncio.timeout(10):
            while 'data-run-status="cancelled"' not in await socket.receive_from(timeout=5):
                pass
