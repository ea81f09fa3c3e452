"""What the sockets of links to several runs send, and when they close."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.runs.models import Run
from dashboard.runs.services import run_cancel
from dashboard.runs.statuses import RunStatus
from dashboard.sharing.models import SetKind, ShareLink
from dashboard.sharing.services import ShareOrder, link_revoke
from dashboard.sharing.sets.services import SetOrder, set_share
from tests.asynchronous import in_db
from tests.factories import make_run
from tests.integration.live.opening import close_code, made, opened

pytestmark = pytest.mark.django_db(transaction=True)


async def shared(run: Run, **order: Any) -> tuple[ShareLink, str]:
    def make() -> tuple[ShareLink, str]:
        runs = SetOrder(**order)
        return set_share(team=run.team, by=None, lifetime=None, runs=runs, order=ShareOrder(show=["result"]))

    return await in_db(make)


async def test_a_live_list_shows_a_run_that_comes_and_one_that_changes() -> None:
    run, person = await made(status=RunStatus.RUNNING, name="The first")
    _, token = await shared(run, kind=SetKind.VIEW, name="Runs")

    async with opened(f"/ws/s/{token}/runs/") as socket:
        assert "The first" in await socket.receive_from(timeout=5)
        await in_db(make_run, server=await in_db(lambda: run.server), by=person, name="The second")
        assert "The second" in await socket.receive_from(timeout=5)
        await in_db(run_cancel, run=run, by=person)
        assert 'data-run-status="cancelling"' in await socket.receive_from(timeout=5)


@pytest.mark.parametrize("kind", list(SetKind))
async def test_revoking_closes_the_pages_of_the_link_and_of_its_runs(kind: SetKind) -> None:
    run, _ = await made(status=RunStatus.RUNNING)
    where = (
        {"server": await in_db(lambda: run.server), "thread_id": run.remote_thread_id} if kind == SetKind.THREAD else {}
    )
    link, token = await shared(run, kind=kind, name="Runs", run_ids=[run.pk], **where)

    for path in (f"/ws/s/{token}/runs/", f"/ws/s/{token}/runs/{run.pk}/"):
        async with opened(path) as socket:
            await socket.receive_from(timeout=5)
            await in_db(ShareLink.objects.filter(pk=link.pk).update, revoked_at=None)
            await in_db(link_revoke, link)
            message = await socket.receive_output(timeout=5)
        assert (message["type"], message["code"]) == ("websocket.close", 4404)
        await in_db(ShareLink.objects.filter(pk=link.pk).update, revoked_at=None)


async def test_a_socket_is_for_what_its_link_shows() -> None:
    run, person = await made(status=RunStatus.RUNNING)
    other = await in_db(make_run, server=await in_db(lambda: run.server), by=person)
    _, token = await shared(run, kind=SetKind.COMPARISON, name="Runs", run_ids=[run.pk])

    assert await close_code(f"/ws/s/{token}/") == 4404
    assert await close_code(f"/ws/s/{token}/runs/{other.pk}/") == 4404
    assert await close_code("/ws/s/wrong/runs/") == 4404
