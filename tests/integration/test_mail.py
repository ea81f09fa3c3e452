"""Invitations and forgotten passwords by mail: nobody learns who has an account, and no link goes astray."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from queue import Queue
from typing import Any

import pytest
from django.core import mail as outgoing
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.env import Mail
from dashboard.teams import mail
from dashboard.teams.models import Invitation, Membership, PasswordLink, Role, Team, User
from dashboard.teams.throttle import FREE_BY_ADDRESS
from tests.factories import make_team, make_user

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}
PASSWORD, NEW = "a password for tests", "another long password"
FORGOTTEN = "/accounts/forgotten/"


@pytest.fixture
def team() -> Team:
    return make_team("Tides")


@pytest.fixture
def grace(team: Team) -> User:
    user = make_user(team, username="grace", password=PASSWORD)
    User.objects.filter(pk=user.pk).update(email="grace@example.org")
    return user


@pytest.fixture
def tasks(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """Mail can be sent; what is done after the answer waits here."""
    settings.ENV = replace(settings.ENV, mail=Mail("127.0.0.1", 25, "", "", "", "runboard@example.org"))
    waiting: list[Callable[[], None]] = []
    monkeypatch.setattr("dashboard.teams.mail.later", waiting.append)
    return waiting


def asked(name: str, tasks: list[Callable[[], None]], address: str = "10.0.0.1") -> Any:
    answer = Client(REMOTE_ADDR=address).post(FORGOTTEN, {"name": name})
    while tasks:
        tasks.pop()()
    return answer


def link_in(message: Any) -> str:
    found = re.search(r"https?://[^/\s]+(/\S+)", message.body)
    assert found is not None
    return found[1]


def test_without_mail_there_is_nothing_of_it() -> None:
    assert Client().get(FORGOTTEN).status_code == Client().post(FORGOTTEN, {"name": "x"}).status_code == 404
    assert "Forgot" not in Client().get("/accounts/login/").content.decode()


@pytest.mark.parametrize("name", ["grace", "Grace@Example.org"])
def test_a_forgotten_password_is_reset_by_mail(grace: User, tasks: list[Any], name: str) -> None:
    Membership.objects.create(user=grace, team=make_team(), role="admin")
    assert FORGOTTEN in Client().get("/accounts/login/").content.decode()

    assert asked(name, tasks).status_code == 200

    (message,) = outgoing.outbox
    assert message.to == ["grace@example.org"]
    assert Client().post(link_in(message), {"new_password": NEW}).status_code == 303, "also with several teams"
    assert User.objects.get(pk=grace.pk).check_password(NEW)
    assert Client().get(link_in(message)).status_code == 404


@pytest.mark.parametrize("who", ["nobody", "closed", "no address", "no password", "twice", "in no team", "shared"])
def test_who_gets_no_mail_is_answered_alike_with_the_same_work(grace: User, tasks: list[Any], who: str) -> None:
    with CaptureQueriesContext(connection) as known:
        answer = Client(REMOTE_ADDR="10.0.0.8").post(FORGOTTEN, {"name": "grace"}, headers=JSON)
    name = "grace"
    match who:
        case "nobody":
            name = "somebody"
        case "closed":
            User.objects.update(is_active=False)
        case "no address":
            User.objects.update(email="")
        case "no password":
            grace.set_unusable_password()
            grace.save(update_fields=["password"])
        case "twice":
            asked("grace", tasks)
            outgoing.outbox.clear()
        case "in no team":
            Membership.objects.all().delete()
        case "shared":
            name = "grace@example.org"
            User.objects.filter(pk=make_user(grace.teams.get()).pk).update(email=name)
    tasks.clear()

    with CaptureQueriesContext(connection) as queries:
        unknown = Client(REMOTE_ADDR="10.0.0.9").post(FORGOTTEN, {"name": name}, headers=JSON)
    asked(name, tasks)

    assert (unknown.status_code, unknown.content) == (answer.status_code, answer.content) == (202, b'{"sent": true}')
    assert len(queries) == len(known)
    assert outgoing.outbox == []


def test_one_address_may_ask_so_often(grace: User, tasks: list[Any]) -> None:
    statuses = [asked(f"name {number}", tasks).status_code for number in range(FREE_BY_ADDRESS + 1)]

    assert statuses == [200] * FREE_BY_ADDRESS + [429]
    assert asked("grace", tasks, "10.0.0.2").status_code == 200


def test_an_invitation_by_mail_is_shown_to_nobody_else(team: Team, tasks: list[Any]) -> None:
    browser = Client()
    browser.force_login(make_user(team, role=Role.ADMIN))

    page = browser.post("/people/invitations/", {"role": "member", "email": "eve@example.org"}, follow=True)

    path = link_in(outgoing.outbox[0])
    assert path.split("/")[-2] not in page.content.decode()
    assert "The invitation was sent to eve@example.org." in page.content.decode()
    joining = {"username": "eve", "password": PASSWORD}
    assert Client().post(path, joining).status_code == 303
    assert User.objects.get(username="eve").email == "eve@example.org"


def test_an_invitation_that_cannot_be_sent_is_none(
    team: Team, tasks: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: EmailBackend, messages: Any) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    browser = Client()
    browser.force_login(make_user(team, role=Role.ADMIN))

    refused = browser.post("/people/invitations/", {"role": "member", "email": "eve@example.org"}, headers=JSON)

    assert (refused.status_code, set(refused.json()["errors"])) == (422, {"email"})
    assert Invitation.objects.get().revoked_at is not None
    assert not PasswordLink.objects.exists()


def test_what_waits_is_done_one_after_the_other_whatever_fails(caplog: pytest.LogCaptureFixture) -> None:
    done: Queue[str] = Queue()

    def fails() -> None:
        done.put("first")
        raise mail.MailFailed("ConnectionRefusedError")

    mail.later(fails)
    mail.later(lambda: done.put("second"))

    assert [done.get(timeout=30), done.get(timeout=30)] == ["first", "second"]
    assert "a mail could not be sent: ConnectionRefusedError" in caplog.text
