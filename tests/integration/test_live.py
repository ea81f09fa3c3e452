"""Live sockets: who may listen, the snapshot first, every change once, and looking again after the line was lost."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import psycopg
import pytest
from asgiref.sync import sync_to_async
from autobahn.exception import Disconnected
from autobahn.websocket.protocol import WebSocketProtocol
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from dashboard.live import consumers
from dashboard.live.listener import listener, listener_is_up
from dashboard.live.pages import OpenPages, Page, run_group
from dashboard.live.rendering import Rendered, RenderOnce
from dashboard.runs import fragments, services
from dashboard.runs.changes import run_note
from dashboard.runs.events import EventKind
from dashboard.runs.models import Run
from dashboard.runs.notifications import RUN_CHANNEL, RunChange, notify
from dashboard.runs.statuses import RunStatus
from dashboard.sharing.services import share_create, share_revoke
from dashboard.teams.models import Membership, Role, User
from dashboard.worker.models import Worker
from tests.asynchronous import eventually, in_db
from tests.factories import make_run, make_team, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def _listener() -> AsyncIterator[None]:
    listener.start()
    await eventually(_up, "the listener is up")
    yield
    await listener.stop()


async def _up() -> bool:
    return listener_is_up()


def _cookie(user: User | None) -> list[tuple[bytes, bytes]]:
    if user is None:
        return []
    client = Client()
    client.force_login(user)
    return [
        (b"cookie", f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}".encode())
    ]


async def prepared(path: str, user: User | None = None, origin: str = "http://testserver") -> WebsocketCommunicator:
    """A WebSocket that is about to be opened."""
    from dashboard.asgi import application  # once the static files are there

    headers = [(b"host", b"testserver"), (b"origin", origin.encode()), *(await in_db(_cookie, user))]
    return WebsocketCommunicator(application, path, headers=headers)


@asynccontextmanager
async def opened(path: str, user: User | None = None, origin: str = "http://testserver") -> AsyncIterator[Any]:
    """A WebSocket as a browser opens it."""
    socket = await prepared(path, user, origin)
    await socket.connect()
    try:
        yield socket
    finally:
        await socket.disconnect()


async def close_code(path: str, user: User | None = None) -> int:
    async with opened(path, user) as socket:
        message = await socket.receive_output(timeout=5)
        assert message["type"] == "websocket.close", message
        return int(message["code"])


async def made(**order: Any) -> tuple[Run, User]:
    def make() -> tuple[Run, User]:
        run = make_run(**order)
        return run, make_user(run.team)

    return await in_db(make)


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


async def test_a_change_that_is_rolled_back_is_never_heard_of() -> None:
    def change() -> None:
        with transaction.atomic():
            services.run_cancel(run=run, by=person)
            transaction.set_rollback(True)

    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(change)

        assert await socket.receive_nothing(0.5)


async def test_strangers_are_closed_out_with_a_code_that_keeps_them_out() -> None:
    run, _ = await made()
    outsider = await in_db(make_user, await in_db(make_team))

    assert await close_code(f"/ws/runs/{run.pk}/") == 4401
    assert await close_code("/ws/runs/") == 4401
    assert await close_code(f"/ws/runs/{run.pk}/", outsider) == 4404
    assert await close_code(f"/ws/runs/{uuid.uuid4()}/", outsider) == 4404
    assert await close_code("/ws/s/guess/") == 4404
    assert await close_code("/ws/elsewhere/", outsider) == 4404


async def test_another_origin_is_refused() -> None:
    from dashboard.asgi import application

    run, person = await made()
    headers = [(b"host", b"testserver"), (b"origin", b"http://evil.example"), *(await in_db(_cookie, person))]
    socket = WebsocketCommunicator(application, f"/ws/runs/{run.pk}/", headers=headers)

    connected, _ = await socket.connect()

    assert not connected


async def test_a_person_taken_out_of_the_team_hears_no_more() -> None:
    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(Membership.objects.filter(user=person).delete)
        await in_db(services.run_cancel, run=run, by=await in_db(make_user))

        message = await socket.receive_output(timeout=5)

    assert (message["type"], message["code"]) == ("websocket.close", 4404)


async def test_who_may_see_a_page_is_asked_once_and_not_at_every_push(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    asked: list[User] = []
    original = consumers.membership_still_of
    monkeypatch.setattr(consumers, "membership_still_of", lambda *who: asked.append(who[0]) or original(*who))
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        for word in ("first", "second", "third"):
            await in_db(run_note, run, EventKind.WARNING, {"message": word})
            assert word in await socket.receive_from(timeout=5)
        assert len(asked) == 1

        await in_db(Membership.objects.filter(user=person).update, role=Role.VIEWER)
        await in_db(run_note, run, EventKind.WARNING, {"message": "fourth"})
        html = await socket.receive_from(timeout=5)

    assert len(asked) == 2
    assert "fourth" in html
    assert "Cancel" not in html  # a viewer may not


async def test_a_session_that_ends_by_time_is_noticed_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(Session.objects.update, expire_date=Now() - timedelta(seconds=1))
        monkeypatch.setattr(consumers, "ACCESS_SURE_S", 0.0)  # as if the minute were over
        await in_db(services.run_cancel, run=run, by=person)
        message = await socket.receive_output(timeout=5)

    assert (message["type"], message["code"]) == ("websocket.close", 4401)


async def test_a_change_is_rendered_once_for_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    rendered = []
    original = fragments.run_live_html
    monkeypatch.setattr(
        fragments, "run_live_html", lambda run, may_act: rendered.append(run.version) or original(run, may_act=may_act)
    )
    sockets = [opened(f"/ws/runs/{run.pk}/", person) for _ in range(20)]
    pages = [await socket.__aenter__() for socket in sockets]
    for page in pages:
        await page.receive_from(timeout=5)
    before = len(rendered)

    await in_db(services.run_cancel, run=run, by=person)
    for page in pages:
        assert 'data-run-status="cancelled"' in await page.receive_from(timeout=5)

    assert before == 1
    assert len(rendered) == 2
    for socket in sockets:
        await socket.__aexit__(None, None, None)


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
    original = fragments.run_changes_html

    def counted(rows: list[Run], **how: Any) -> str:
        snapshots.extend([len(rows)] if how.get("snapshot") else [])
        return original(rows, **how)

    monkeypatch.setattr(fragments, "run_changes_html", counted)
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


async def test_the_list_hears_nothing_of_other_teams() -> None:
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


async def test_pages_look_again_when_the_line_to_the_database_was_lost() -> None:
    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        # As if it was written while nobody listened: no notice of it will ever come.
        unheard = {"status": RunStatus.CANCELLED, "finished_at": Now(), "version": F("version") + 1}
        await in_db(Run.objects.filter(pk=run.pk).update, **unheard)
        await in_db(_cut_listeners)

        again = await socket.receive_from(timeout=10)

    assert 'data-run-status="cancelled"' in again
    assert listener_is_up()


def _cut_listeners() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%' OR query = 'SELECT 1'"
        )
        assert cursor.rowcount >= 1


async def test_a_change_made_while_the_first_picture_is_drawn_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    is_heard, drawn = threading.Event(), []
    draw, of = fragments.run_live_html, OpenPages.of

    def note(pages: OpenPages, *groups: str) -> list[Page]:
        if run_group(run.pk) in groups:
            is_heard.set()
        return of(pages, *groups)

    def draw_slowly(shown: Run, may_act: bool) -> str:
        html = draw(shown, may_act=may_act)
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

        await in_db(run_note, run, EventKind.WARNING, {"message": "the next"})
        assert "the next" in await socket.receive_from(timeout=5)


async def test_a_page_that_could_not_read_the_database_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    draw, failures = fragments.run_live_html, [OperationalError("away")]

    def draw_at_last(shown: Run, may_act: bool) -> str:
        if failures:
            raise failures.pop()
        return draw(shown, may_act=may_act)

    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        monkeypatch.setattr(fragments, "run_live_html", draw_at_last)
        await in_db(services.run_cancel, run=run, by=person)

        assert 'data-run-status="cancelled"' in await socket.receive_from(timeout=10)


async def test_a_share_page_is_live_until_it_is_revoked() -> None:
    run, person = await made(status=RunStatus.RUNNING)
    link, token = await in_db(share_create, run=run, by=person, lifetime=timedelta(days=1))
    async with opened(f"/ws/s/{token}/") as socket:
        first = await socket.receive_from(timeout=5)
        await in_db(services.run_cancel, run=run, by=person)
        then = await socket.receive_from(timeout=5)
        await in_db(share_revoke, run=run, link_id=link.pk)
        message = await socket.receive_output(timeout=5)

    assert 'data-run-status="running"' in first
    assert 'data-run-status="cancelling"' in then
    assert str(person) not in then
    assert (message["type"], message["code"]) == ("websocket.close", 4404)


async def test_a_share_page_closes_when_its_link_expires() -> None:
    run, person = await made()
    link, token = await in_db(share_create, run=run, by=person, lifetime=timedelta(seconds=1))
    assert link.expires_at > timezone.now()
    async with opened(f"/ws/s/{token}/") as socket:
        await socket.receive_from(timeout=5)

        message = await socket.receive_output(timeout=5)

    assert (message["type"], message["code"]) == ("websocket.close", 4404)


async def test_what_a_page_sends_is_ignored() -> None:
    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        await socket.send_to(text_data='{"HEADERS": {}}')
        await socket.send_to(bytes_data=b"\xff")
        await in_db(services.run_cancel, run=run, by=person)

        assert 'data-run-status="cancelled"' in await socket.receive_from(timeout=5)


async def test_a_notice_nobody_understands_makes_pages_look_again_and_ends_nothing() -> None:
    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(notify, RUN_CHANNEL, "what is this?")

        assert 'data-run-status="queued"' in await socket.receive_from(timeout=5)
        await in_db(services.run_cancel, run=run, by=person)
        assert 'data-run-status="cancelled"' in await socket.receive_from(timeout=5)


async def test_a_listener_that_broke_says_so_and_listens_again(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    seen_down = []
    of = OpenPages.of

    def broken_once(self: OpenPages, *groups: str) -> list[Page]:
        if not seen_down:
            seen_down.append(groups)
            raise RuntimeError("not foreseen")
        return of(self, *groups)

    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        monkeypatch.setattr(OpenPages, "of", broken_once)
        await in_db(services.run_cancel, run=run, by=person)

        assert 'data-run-status="cancelled"' in await socket.receive_from(timeout=10)

    assert seen_down
    await eventually(_up, "the listener is up again")


async def test_a_page_that_cannot_be_rendered_is_closed_so_that_its_browser_asks_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(run: Run, may_act: bool) -> str:
        raise TypeError("not foreseen")

    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        monkeypatch.setattr(fragments, "run_live_html", broken)
        await in_db(services.run_cancel, run=run, by=person)

        message = await socket.receive_output(timeout=5)

    assert (message["type"], message["code"]) == ("websocket.close", 4500)


async def test_a_page_that_comes_while_the_database_is_away_is_sent_back_without_a_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*args: object) -> None:
        raise OperationalError("away")

    _, person = await made()
    monkeypatch.setattr("dashboard.live.consumers.membership_of", away)
    assert await close_code("/ws/runs/", person) == 4503

    monkeypatch.setattr("channels.auth.get_user", sync_to_async(away))
    assert await (await prepared("/ws/runs/", person)).connect() == (False, 4503)


async def test_a_page_that_went_away_a_moment_ago_is_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = asyncio.Event()

    async def gone(self: Any, *args: Any, **kwargs: Any) -> None:
        tried.set()
        raise Disconnected("Attempt to send on a closed protocol")

    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        monkeypatch.setattr(consumers.RunConsumer, "send", gone)
        await in_db(services.run_cancel, run=run, by=person)
        await asyncio.wait_for(tried.wait(), 5)
        assert await socket.receive_nothing(timeout=0.2)

    assert "could not be told" not in caplog.text


@pytest.mark.parametrize("code", [consumers.SIGN_IN_FIRST, consumers.NOT_HERE, consumers.BROKEN, consumers.TRY_LATER])
def test_a_close_code_is_one_that_the_web_process_can_send(code: int) -> None:
    WebSocketProtocol.sendClose(Mock(), code)  # raises for any other


@pytest.mark.parametrize("address", ["/ws/runs/{}/", "/ws/runs/"])
async def test_a_person_whose_account_was_closed_hears_no_more(address: str) -> None:
    run, person = await made()
    async with opened(address.format(run.pk), person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(User.objects.filter(pk=person.pk).update, is_active=False)
        await in_db(services.run_cancel, run=run, by=await in_db(make_user))

        message = await socket.receive_output(timeout=5)

    assert (message["type"], message["code"]) == ("websocket.close", 4401)


async def test_a_page_left_open_after_signing_out_hears_no_more() -> None:
    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(Session.objects.all().delete)  # what signing out does to the session
        await in_db(services.run_cancel, run=run, by=person)

        message = await socket.receive_output(timeout=5)

    assert (message["type"], message["code"]) == ("websocket.close", 4401)


async def test_renderings_are_kept_by_their_size_not_only_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.live.rendering.KEPT_CHARS", 2_500)
    once, made = RenderOnce(), []

    async def get(key: int) -> None:
        await once.get(key, lambda: made.append(key) or Rendered("x" * 1_000, key))

    for key in (1, 2, 3, 2, 1):
        await get(key)

    assert made == [1, 2, 3, 1]


async def test_a_worker_that_comes_is_told_to_open_pages_and_to_those_opened_later() -> None:
    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket, opened("/ws/runs/", person) as rows:
        assert "No worker is running." in await socket.receive_from(timeout=5)
        assert "No worker is running." in await rows.receive_from(timeout=5)
        await in_db(Worker.objects.create, host="box", pid=1, concurrency=5)

        for told in (await socket.receive_from(timeout=10), await rows.receive_from(timeout=10)):
            assert 'id="work-notice"' in told
            assert "No worker" not in told
            assert "-row" not in told
        # The same version of the run as before, which is kept as it was rendered.
        async with opened(f"/ws/runs/{run.pk}/", person) as later:
            assert "No worker" not in await later.receive_from(timeout=5)


async def _refused(*args: Any, **options: Any) -> None:
    raise psycopg.OperationalError("refused")


async def test_a_process_that_hears_nothing_takes_no_sockets_and_closes_those_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dashboard.asgi import application

    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket, opened("/ws/runs/", person) as rows:
        await socket.receive_from(timeout=5)
        await rows.receive_from(timeout=5)
        monkeypatch.setattr(psycopg.AsyncConnection, "connect", _refused)
        await in_db(_cut_listeners)

        for open_one in (socket, rows):
            message = await open_one.receive_output(timeout=15)
            assert (message["type"], message["code"]) == ("websocket.close", 4503)
    assert not listener_is_up()
    cookie = await in_db(_cookie, person)
    headers = [(b"host", b"testserver"), (b"origin", b"http://testserver"), *cookie]
    accepted, _ = await WebsocketCommunicator(application, f"/ws/runs/{run.pk}/", headers=headers).connect()
    assert not accepted
