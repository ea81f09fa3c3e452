"""What pages get when a connection, the listener, a rendering or the database breaks."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import Mock

import psycopg
import pytest
from asgiref.sync import sync_to_async
from autobahn.exception import Disconnected
from autobahn.websocket.protocol import WebSocketProtocol
from django.db import OperationalError, connection
from django.db.models import F
from django.db.models.functions import Now

from dashboard.live import consumer, member_consumers
from dashboard.live.pages import OpenPages, Page
from dashboard.monitoring.listening import listener_is_up
from dashboard.runs import fragments, services
from dashboard.runs.models import Run
from dashboard.runs.notifications import RUN_CHANNEL, notify
from dashboard.runs.statuses import RunStatus
from tests.asynchronous import eventually, in_db
from tests.integration.live.opening import close_code, is_up, made, opened, prepared

pytestmark = pytest.mark.django_db(transaction=True)


async def test_pages_look_again_when_the_connection_to_the_database_was_lost() -> None:
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


async def test_a_page_that_could_not_read_the_database_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    draw, failures = fragments.run_live_html, [OperationalError("away")]

    def draw_at_last(shown: Run, **rights: bool) -> str:
        if failures:
            raise failures.pop()
        return draw(shown, **rights)

    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        monkeypatch.setattr(fragments, "run_live_html", draw_at_last)
        await in_db(services.run_cancel, run=run, by=person)

        assert 'data-run-status="cancelled"' in await socket.receive_from(timeout=10)


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
    await eventually(is_up, "the listener is up again")


async def test_a_page_that_cannot_be_rendered_is_closed_so_that_its_browser_asks_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(run: Run, **rights: bool) -> str:
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
    monkeypatch.setattr("dashboard.live.member_consumers.membership_of", away)
    assert await close_code("/ws/runs/", person) == 4503

    monkeypatch.setattr("channels.auth.get_user", sync_to_async(away))
    assert await (await prepared("/ws/runs/", person)).connect(timeout=10) == (False, 4503)


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
        monkeypatch.setattr(member_consumers.RunConsumer, "send", gone)
        await in_db(services.run_cancel, run=run, by=person)
        await asyncio.wait_for(tried.wait(), 5)
        assert await socket.receive_nothing(timeout=0.2)

    assert "could not be sent" not in caplog.text


@pytest.mark.parametrize("code", [consumer.SIGN_IN_FIRST, consumer.NOT_HERE, consumer.BROKEN, consumer.TRY_LATER])
def test_a_close_code_is_one_that_the_web_process_can_send(code: int) -> None:
    WebSocketProtocol.sendClose(Mock(), code)  # raises for any other


async def _refused(*args: Any, **options: Any) -> None:
    raise psycopg.OperationalError("refused")


async def test_a_process_that_gets_no_changes_takes_no_sockets_and_closes_those_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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
    accepted, _ = await (await prepared(f"/ws/runs/{run.pk}/", person)).connect(timeout=10)
    assert not accepted
