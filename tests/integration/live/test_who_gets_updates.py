"""Who may listen to which page, and for how long."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.live import consumer, member_consumers
from dashboard.runs import services
from dashboard.runs.events import EventKind
from dashboard.runs.statuses import RunStatus
from dashboard.runs.transitions import event_append
from dashboard.sharing.services import share_create, share_revoke
from dashboard.teams.models import Membership, Role, User
from tests.asynchronous import in_db
from tests.factories import make_team, make_user
from tests.integration.live.opening import close_code, made, opened, prepared

pytestmark = pytest.mark.django_db(transaction=True)


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
    run, person = await made()
    socket = await prepared(f"/ws/runs/{run.pk}/", person, origin="http://evil.example")

    connected, _ = await socket.connect(timeout=10)

    assert not connected


async def test_a_person_taken_out_of_the_team_gets_no_more_updates() -> None:
    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(Membership.objects.filter(user=person).delete)
        await in_db(services.run_cancel, run=run, by=await in_db(make_user))

        message = await socket.receive_output(timeout=5)

    assert (message["type"], message["code"]) == ("websocket.close", 4404)


@pytest.mark.parametrize("address", ["/ws/runs/", "/ws/inbox/", "/ws/workers/"])
async def test_an_idle_page_closes_as_soon_as_its_person_is_deactivated(address: str) -> None:
    _, person = await made()
    async with opened(address, person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(Membership.objects.filter(user=person).update, is_active=False)

        message = await socket.receive_output(timeout=2)

    assert (message["type"], message["code"]) == ("websocket.close", 4404)


async def test_who_may_see_a_page_is_asked_once_and_not_at_every_push(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    asked: list[User] = []
    original = member_consumers.membership_still_of
    monkeypatch.setattr(member_consumers, "membership_still_of", lambda *who: asked.append(who[0]) or original(*who))
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        for word in ("first", "second", "third"):
            await in_db(event_append, run, EventKind.WARNING, {"message": word})
            assert word in await socket.receive_from(timeout=5)
        assert len(asked) == 1

        await in_db(Membership.objects.filter(user=person).update, role=Role.VIEWER)
        await in_db(event_append, run, EventKind.WARNING, {"message": "fourth"})
        html = await socket.receive_from(timeout=5)

    assert len(asked) == 2
    assert "fourth" in html
    assert "Cancel" not in html  # a viewer may not


async def test_a_session_that_ends_by_time_is_noticed_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(Session.objects.update, expire_date=Now() - timedelta(seconds=1))
        monkeypatch.setattr(consumer, "ACCESS_SURE_S", 0.0)  # as if the minute were over
        await in_db(services.run_cancel, run=run, by=person)
        message = await socket.receive_output(timeout=5)

    assert (message["type"], message["code"]) == ("websocket.close", 4401)


@pytest.mark.parametrize("address", ["/ws/runs/{}/", "/ws/runs/"])
async def test_a_person_whose_account_was_closed_gets_no_more_updates(address: str) -> None:
    run, person = await made()
    async with opened(address.format(run.pk), person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(User.objects.filter(pk=person.pk).update, is_active=False)
        await in_db(services.run_cancel, run=run, by=await in_db(make_user))

        message = await socket.receive_output(timeout=5)

    assert (message["type"], message["code"]) == ("websocket.close", 4401)


async def test_a_page_left_open_after_signing_out_gets_no_more_updates() -> None:
    run, person = await made()
    async with opened(f"/ws/runs/{run.pk}/", person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(Session.objects.all().delete)  # what signing out does to the session
        await in_db(services.run_cancel, run=run, by=person)

        message = await socket.receive_output(timeout=5)

    assert (message["type"], message["code"]) == ("websocket.close", 4401)


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
    link, token = await in_db(share_create, run=run, by=person, lifetime=timedelta(seconds=3))
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
