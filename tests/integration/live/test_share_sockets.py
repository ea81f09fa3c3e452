"""What the socket of a share page asks for, and that nothing hidden comes by it later."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.test import Client

from dashboard.launch.models import Preset
from dashboard.live.consumer import BEAT
from dashboard.runs.models import Run
from dashboard.runs.notifications import notify
from dashboard.runs.services import run_cancel
from dashboard.runs.statuses import RunStatus
from dashboard.sharing.form_links.services import FormOrder, form_link_create
from dashboard.sharing.models import SetKind, ShareLink
from dashboard.sharing.selectors import ShareFilters
from dashboard.sharing.services import ShareOrder, share_create, shares_revoke
from dashboard.sharing.sets.services import SetOrder, set_share
from dashboard.steps.models import Step
from dashboard.steps.notifications import STEPS_CHANNEL, StepsChange
from dashboard.teams.models import Membership, Team, User
from tests.asynchronous import in_db
from tests.factories import make_server, make_team, make_user
from tests.integration.asking import waiting_run
from tests.integration.live.opening import close_code, made, opened, prepared

pytestmark = pytest.mark.django_db(transaction=True)


@asynccontextmanager
async def opened_with(path: str, cookie: str) -> Any:
    """A share page's socket as a browser opens it that remembers something of the link."""
    socket = await prepared(path)
    socket.scope["headers"].append((b"cookie", f"runboard_share_live={cookie}".encode()))
    await socket.connect(timeout=10)
    try:
        yield socket
    finally:
        await socket.disconnect()


async def test_a_password_and_a_used_up_link_open_the_socket_of_the_browser_that_opened_the_page() -> None:
    run, person = await made(status=RunStatus.RUNNING)
    order = ShareOrder(show=["result"], password="noon", max_views=1)
    _, token = await in_db(share_create, run=run, by=person, lifetime=None, order=order)

    def view() -> tuple[str, str]:
        browser = Client()
        browser.post(f"/s/{token}/", {"password": "noon"})
        only_password = browser.cookies["runboard_share_live"].value
        assert browser.get(f"/s/{token}/").status_code == 200
        return only_password, browser.cookies["runboard_share_live"].value

    before = await close_code(f"/ws/s/{token}/")
    only_password, seen = await in_db(view)

    async with opened_with(f"/ws/s/{token}/", seen) as socket:
        assert 'data-run-status="running"' in await socket.receive_from(timeout=5)
    async with opened_with(f"/ws/s/{token}/", only_password) as socket:
        message = await socket.receive_output(timeout=5)
    assert before == 4404
    assert (message["type"], message["code"]) == ("websocket.close", 4404)


async def test_a_link_for_the_team_is_for_who_is_in_it() -> None:
    run, person = await made(status=RunStatus.RUNNING)
    stranger: User = await in_db(lambda: make_user(make_team()))
    order = ShareOrder(show=["result"], audience="team")
    _, token = await in_db(share_create, run=run, by=person, lifetime=None, order=order)

    assert await close_code(f"/ws/s/{token}/") == 4404
    assert await close_code(f"/ws/s/{token}/", stranger) == 4404
    async with opened(f"/ws/s/{token}/", person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(Membership.objects.filter(user=person).update, is_active=False)
        await in_db(run_cancel, run=run, by=stranger)
        message = await socket.receive_output(timeout=5)
    assert (message["type"], message["code"]) == ("websocket.close", 4404)


def notify_steps(run: Any) -> None:
    notify(STEPS_CHANNEL, StepsChange(run.pk, 1_000).to_payload())


async def test_new_steps_come_without_what_is_hidden() -> None:
    run, person = await made(status=RunStatus.RUNNING, params={"input": {"who": "Canary"}})
    order = ShareOrder(show=["steps", "result"], redact=["/who"])
    _, token = await in_db(share_create, run=run, by=person, lifetime=None, order=order)

    def step() -> None:
        writes = json.dumps({"who": "Canary", "text": "Dear Canary", "other": "plain"})
        Step.objects.create(run=run, index=0, node="greet", status="done", writes_json=writes, writes_bytes=60)
        notify_steps(run)

    async with opened(f"/ws/s/{token}/") as socket:
        await socket.receive_from(timeout=5)
        await in_db(step)
        said = await socket.receive_from(timeout=5)

    assert 'data-step-node="greet"' in said
    assert "plain" in said
    assert "Canary" not in said


@pytest.mark.parametrize("several", [False, True])
async def test_the_socket_of_a_final_page_brings_only_the_end_of_its_link(several: bool) -> None:
    run, person = await made(status=RunStatus.SUCCEEDED, body=b'{"answer": "noon"}')
    if several:
        runs = SetOrder(SetKind.VIEW, "All", is_frozen=True)
        _, token = await in_db(
            set_share, team=run.team, by=person, lifetime=None, runs=runs, order=ShareOrder(["result"])
        )
    else:
        _, token = await in_db(share_create, run=run, by=person, lifetime=None)

    async with opened(f"/ws/s/{token}/{'runs/' if several else ''}?end") as socket:
        first = await socket.receive_from(timeout=5)
        await in_db(shares_revoke, team=run.team, filters=ShareFilters(person=person.username))
        message = await socket.receive_output(timeout=5)

    assert first == BEAT
    assert (message["type"], message["code"]) == ("websocket.close", 4404)


async def test_a_senders_page_is_opened_again_when_the_question_is_answered_and_closes_when_revoked() -> None:
    def asked() -> tuple[Run, User, Team, str]:
        admin = make_user(make_team())
        server = make_server(admin.teams.get())
        preset = Preset.objects.create(
            team=server.team, server=server, created_by=admin, name="p", assistant_id="chat", values_text="{}"
        )
        form, _ = form_link_create(preset=preset, by=admin, lifetime=None, order=FormOrder("", {}))
        run = waiting_run(admin)
        link, token = share_create(run=run, by=admin, lifetime=None)
        ShareLink.objects.filter(pk=link.pk).update(form_link=form)
        return run, admin, server.team, token

    def answer(run: Run, admin: User) -> None:
        browser = Client()
        browser.force_login(admin)
        fields = {"answers": json.dumps({"q": "yes"})}
        assert (
            browser.post(f"/runs/{run.pk}/answer/", fields, headers={"Accept": "application/json"}).status_code == 201
        )

    run, admin, team, token = await in_db(asked)
    async with opened(f"/ws/s/{token}/") as socket:
        first = await socket.receive_from(timeout=5)
        await in_db(answer, run, admin)
        ended = await socket.receive_output(timeout=5)
    async with opened(f"/ws/s/{token}/") as socket:
        again = await socket.receive_from(timeout=5)
        await in_db(shares_revoke, team=team, filters=ShareFilters(run=run.pk))
        revoked = await socket.receive_output(timeout=5)

    assert f"run-{run.pk}-status" in first
    assert 'data-run-status="queued"' in again
    assert f"run-{run.pk}-status" not in again
    assert [(each["type"], each["code"]) for each in (ended, revoked)] == [("websocket.close", 4404)] * 2


async def test_links_that_show_no_steps_get_none() -> None:
    run, person = await made(status=RunStatus.RUNNING)
    _, token = await in_db(share_create, run=run, by=person, lifetime=None)
    async with opened(f"/ws/s/{token}/") as socket:
        await socket.receive_from(timeout=5)
        await in_db(notify_steps, run)
        await in_db(shares_revoke, team=run.team, filters=ShareFilters(person=person.username))

        message = await socket.receive_output(timeout=5)

    assert (message["type"], message["code"]) == ("websocket.close", 4404)
