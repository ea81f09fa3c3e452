"""Tokens with which programs sign in."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F

from dashboard.teams.models import ApiToken, Membership, Scope, Team, User
from tests.factories import make_run, make_server, make_team, make_user
from tests.token_clients import JSON, asking, entries, made, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    team = make_team("Tides")
    make_server(team)
    return team


@pytest.fixture
def member(team: Team) -> User:
    return make_user(team, username="grace")


def test_a_token_is_shown_once_and_stored_hashed(member: User) -> None:
    browser = signed_in(member)
    page = browser.post("/tokens/", {"name": "nightly", "scopes": ["read"], "expires_in": "2592000"})
    text = page.context["new_token"]

    assert page.content.decode().count(text) == 2, "in its field and its button"
    assert text not in browser.get("/tokens/").content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(teams_apitoken)::text FROM teams_apitoken")
        assert text not in cursor.fetchone()[0]


def test_a_token_launches_without_a_csrf_token_and_answers_json(member: User) -> None:
    _, token = made(member, "read", "launch")
    program = asking(token)

    launched = program.post("/launch/", {"assistant_id": "chat"})
    listed = program.get(launched.json()["url"].rstrip("/") + ".json")

    assert (launched.status_code, listed.status_code) == (201, 200)
    assert ApiToken.objects.get().last_used_at is not None
    assert program.post("/launch/", {}).status_code == 422


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (["read"], "get", "/runs/?status=queued", 200),
        (["launch"], "get", "/people/", 403),
        (["read"], "post", "/launch/", 403),
        (["answer"], "post", "/launch/", 403),
        (["launch"], "post", "/launch/", 422),
        (["read", "launch", "answer", "share"], "post", "/people/invitations/", 403),
        (["admin"], "post", "/people/invitations/", 403),
        (["read", "admin"], "get", "/audit/", 403),
        (["admin", "read"], "get", "/profile/", 403),
        (["admin", "read"], "post", "/tokens/", 403),
        (["admin", "read"], "post", "/profile/password/", 403),
    ],
)
def test_a_token_does_what_its_scopes_and_its_owners_role_allow(
    member: User, scopes: list[str], method: str, path: str, status: int
) -> None:
    _, token = made(member, *scopes)

    answer = getattr(asking(token), method)(path)

    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"].startswith("application/json") or status == 200


@pytest.mark.parametrize(
    ("role", "scopes"),
    [("viewer", ["read"]), ("member", ["read", "launch", "answer", "share"]), ("admin", list(Scope))],
)
def test_only_scopes_that_a_person_can_use_are_offered(team: Team, role: str, scopes: list[str]) -> None:
    page = signed_in(make_user(team, role=role)).get("/tokens/").content.decode()

    assert re.findall(r'name="scopes" value="(\w+)"', page) == scopes


def test_an_admins_token_invites(team: Team) -> None:
    _, token = made(make_user(team, role="admin"), "admin")

    assert asking(token).post("/people/invitations/", {"role": "viewer"}).status_code == 201


@pytest.mark.parametrize("how", ["unknown", "revoked", "expired", "deactivated", "left", "closed"])
def test_a_token_that_does_not_work_is_401_whatever_the_reason(member: User, team: Team, how: str) -> None:
    identity, token = made(member, "read")
    assert asking(token).get("/runs/").status_code == 200
    match how:
        case "unknown":
            token += "x"
        case "revoked":
            for _ in range(2):
                assert signed_in(member).post(f"/tokens/{identity}/revoke/", headers=JSON).status_code == 200
        case "expired":
            ApiToken.objects.update(expires_at=F("created_at") - timedelta(seconds=1))
        case "deactivated":
            Membership.objects.update(is_active=False)
        case "left":
            Membership.objects.all().delete()
        case "closed":
            User.objects.update(is_active=False)

    refused = asking(token).get("/runs/")

    assert refused.status_code == 401
    assert refused.json() == {"error": "This token does not work: it is unknown, expired or revoked."}
    assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_stays_in_its_team(member: User, team: Team) -> None:
    _, token = made(member, "read")
    other = make_team()
    Membership.objects.create(team=other, user=member, role="admin")
    signed_in(member).post(f"/teams/{other.slug}/switch/")
    theirs, ours = make_run(team=other), make_run(server=team.servers.get())

    assert asking(token).get(f"/runs/{theirs.pk}.json").status_code == 404
    assert asking(token).get(f"/runs/{ours.pk}.json").status_code == 200


def test_members_manage_their_tokens_and_admins_everybodys(member: User, team: Team) -> None:
    identity, _ = made(member, "read")
    other, admin = make_user(team), make_user(team, role="admin")

    assert signed_in(other).post(f"/tokens/{identity}/revoke/", headers=JSON).status_code == 404
    assert signed_in(other).get("/tokens/", headers=JSON).json()["tokens"] == []
    assert [row["by"] for row in signed_in(admin).get("/tokens/", headers=JSON).json()["tokens"]] == ["grace"]
    assert signed_in(admin).post(f"/tokens/{identity}/revoke/", headers=JSON).status_code == 200


def test_a_token_may_ask_so_often(member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("api_tokens", "middleware"):
        monkeypatch.setattr(f"dashboard.teams.{module}.A_MINUTE", 2)
    _, token = made(member, "read")
    program = asking(token)

    answers = [program.get("/people/") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert int(answers[-1].headers["Retry-After"]) > 0
    ApiToken.objects.update(window_at=F("window_at") - timedelta(minutes=1))
    assert program.get("/people/").status_code == 200


# Tokens of the team.


@pytest.fixture
def admin(team: Team) -> User:
    return make_user(team, role="admin", username="ada")


def test_a_service_token_survives_who_made_it_and_is_named(admin: User, team: Team) -> None:
    make_user(team, role="admin", username="boss")
    identity, token = made(admin, "launch", "read", service="1")
    page = signed_in(admin).get("/tokens/").content.decode()
    assert "service: nightly" in page
    assert "made by" in page

    assert signed_in(admin).post("/people/leave/").status_code == 303
    admin.delete()
    launched = asking(token).post("/launch/", {"assistant_id": "chat"}).json()

    boss = User.objects.get(username="boss")
    browser = signed_in(boss)
    assert browser.get(f"/runs/{launched['id']}.json").json()["launched_by"] == "service: nightly"
    assert "service: nightly" in browser.get(f"/runs/{launched['id']}/").content.decode()
    entry = entries(boss, "?action=launch")[0]
    assert (entry["by"], entry["token"]) == ("service: nightly", "nightly")
    assert browser.post(f"/tokens/{identity}/revoke/", headers=JSON).status_code == 200
    assert asking(token).get("/runs/").status_code == 401


@pytest.mark.parametrize(
    ("scopes", "path", "status"),
    [
        (["read", "launch"], "/people/invitations/", 403),
        (["admin"], "/people/invitations/", 201),
        (["admin"], "/launch/", 403),
        (["admin", "launch"], "/tokens/", 403),
        (["admin", "launch"], "/people/leave/", 403),
    ],
)
def test_a_service_may_do_what_its_scopes_say(admin: User, scopes: list[str], path: str, status: int) -> None:
    _, token = made(admin, *scopes, service="1")

    assert asking(token).post(path, {"role": "viewer"}).status_code == status


def test_a_service_is_nobody(admin: User, team: Team) -> None:
    made(admin, "admin", service="1")
    service = User.objects.get(is_service=True)
    browser = signed_in(admin)

    assert [row["username"] for row in browser.get("/people/", headers=JSON).json()["people"]] == ["ada"]
    assert browser.post(f"/people/{service.pk}/", {"role": "admin"}, headers=JSON).status_code == 404
    assert browser.post(f"/people/{service.pk}/password-link/", headers=JSON).status_code == 404
    assert browser.post("/people/leave/", headers=JSON).status_code == 409, "the last admin"
    assert not service.has_usable_password()
    named = browser.post("/profile/", {"full_name": "Service: nightly"}, headers=JSON)
    assert set(named.json()["errors"]) == {"full_name"}


def test_tokens_of_one_name_are_one_service_in_one_team(admin: User, team: Team) -> None:
    for boss in (admin, admin, make_user(make_team(), role="admin")):
        made(boss, "read", service="1")

    services = User.objects.filter(is_service=True).order_by("pk")

    assert [str(service) for service in services] == ["service: nightly", "service: nightly"]
    assert [service.tokens.count() for service in services] == [2, 1]
    assert services[0].teams.get() == team


def test_only_admins_make_service_tokens(member: User) -> None:
    fields = {"name": "nightly", "scopes": ["read"], "service": "1"}

    assert signed_in(member).post("/tokens/", fields, headers=JSON).status_code == 403
    assert "It belongs to the team" not in signed_in(member).get("/tokens/").content.decode()
    assert not ApiToken.objects.exists()
