"""Changes of assistants: who may ask for them, what is refused, and that a worker does each once."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from dashboard.servers import services
from dashboard.servers.models import AssistantAction, AssistantChange, Server, ServerCheck
from dashboard.servers.services import AssistantFound, server_seen
from dashboard.teams.models import Role, Team, User
from tests.factories import make_server, make_team, make_user
from tests.words import flat

pytestmark = pytest.mark.django_db

JSON = {"accept": "application/json"}
DEFAULT, TUNED = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def server(team: Team) -> Server:
    server = make_server(team)
    found = [
        AssistantFound(DEFAULT, "report", "report", schemas={}),
        AssistantFound(TUNED, "report", "Weekly", version=3),
    ]
    server_seen(server=server, version="1", assistants=found)
    return server


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(team: Team) -> Client:
    return signed_in(make_user(team, role=Role.ADMIN))


def post(client: Client, server: Server, address: str, **fields: str) -> Any:
    return client.post(f"/assistants/{server.pk}/{address}", fields, headers=JSON)


def test_a_change_is_a_row_that_one_worker_takes_and_its_page_reports(admin: Client, server: Server) -> None:
    answer = post(admin, server, f"{TUNED}/edit/", name="Weekly", context='{"tone": "plain"}')

    change = AssistantChange.objects.get()
    waiting = flat(admin.get(f"/assistants/{server.pk}/{TUNED}/"))
    taken = [services.assistant_change_claim(), services.assistant_change_claim()]
    services.assistant_change_finish(change=change, problem="422: unknown graph")
    failed = flat(admin.get(f"/assistants/{server.pk}/{TUNED}/"))

    assert (answer.status_code, answer.json()["id"]) == (202, str(TUNED))
    assert change.settings == {"name": "Weekly", "description": "", "context": {"tone": "plain"}, "config": {}}
    assert [found.pk if found else None for found in taken] == [change.pk, None]
    assert "Being done" in waiting
    assert "422: unknown graph" in failed
    assert not ServerCheck.objects.exists()


def test_one_that_is_done_asks_what_the_server_offers_now(server: Server, team: Team) -> None:
    change = services.assistant_change_request(
        server=server, assistant_id=TUNED, action=AssistantAction.DELETE, settings={}, by=make_user(team)
    )
    AssistantChange.objects.update(claimed_at=Now() - timedelta(minutes=2))

    again = services.assistant_change_claim()
    services.assistant_change_finish(change=change)

    assert again is not None
    assert ServerCheck.objects.filter(server=server, finished_at=None).count() == 1


@pytest.mark.parametrize(
    ("address", "fields", "field"),
    [
        (f"{TUNED}/edit/", {"name": ""}, "name"),
        (f"{TUNED}/edit/", {"name": "x", "context": "{"}, "context"),
        (f"{TUNED}/edit/", {"name": "x", "config": "[1]"}, "config"),
        (f"{TUNED}/copy/", {"name": "x", "context": '{"a": 1}', "config": '{"configurable": {"b": 1}}'}, "context"),
        (f"{TUNED}/version/", {"version": "none"}, "version"),
        (f"{DEFAULT}/delete/", {}, "assistant"),
    ],
)
def test_what_cannot_be_is_refused(
    admin: Client, server: Server, address: str, fields: dict[str, str], field: str
) -> None:
    answer = post(admin, server, address, **fields)

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    assert not AssistantChange.objects.exists()


@pytest.mark.parametrize("address", ["edit/", "copy/", "version/", "delete/"])
def test_only_admins_of_the_team_change_assistants(admin: Client, server: Server, team: Team, address: str) -> None:
    fields = {"name": "x", "version": "1"}
    member, stranger = signed_in(make_user(team)), signed_in(make_user(make_team(), role=Role.ADMIN))

    assert post(member, server, f"{TUNED}/{address}", **fields).status_code == 403
    assert post(stranger, server, f"{TUNED}/{address}", **fields).status_code == 404
    assert admin.get(f"/assistants/{server.pk}/{TUNED}/{address}").status_code == (
        200 if address in ("edit/", "copy/") else 405
    )
    assert not AssistantChange.objects.exists()


def test_a_json_body_is_refused_with_a_sentence(admin: Client, server: Server) -> None:
    answer = admin.post("/servers/", "{}", content_type="application/json")

    assert answer.status_code == 415
    assert "form" in answer.json()["errors"]["body"][0]
