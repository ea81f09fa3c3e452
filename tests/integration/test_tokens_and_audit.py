"""Tokens with which programs sign in, and the log of who did what."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import F
from django.test import Client

from dashboard.runs.statuses import RunStatus
from dashboard.teams.audit_words import SENTENCES
from dashboard.teams.models import ApiToken, AuditEntry, Membership, Scope, Team, User
from tests.factories import make_run, make_server, make_team, make_user
from tests.integration.access_rows import ROWS

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}


@pytest.fixture
def team() -> Team:
    team = make_team("Tides")
    make_server(team)
    return team


@pytest.fixture
def member(team: Team) -> User:
    return make_user(team, username="grace")


def signed_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def made(user: User, *scopes: str, **fields: str) -> tuple[str, str]:
    answer = signed_in(user).post("/tokens/", {"name": "nightly", "scopes": scopes, **fields}, headers=JSON)
    assert answer.status_code == 201, answer.content
    return answer.json()["id"], answer.json()["token"]


def asking(token: str) -> Any:
    """A program: no cookie, no CSRF token."""
    return Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {token}"})


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


# The audit log.


def entries(admin: User, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = signed_in(admin).get(f"/audit/{query}", headers=JSON).json()["entries"]
    return found


def test_what_is_done_stands_in_the_log(member: User, team: Team) -> None:
    admin = make_user(team, role="admin", username="ada")
    browser = Client(REMOTE_ADDR="10.1.2.3")
    browser.force_login(member)
    launched = browser.post("/launch/", {"assistant_id": "chat"}, headers=JSON).json()
    browser.post(f"/runs/{launched['id']}/cancel/")
    browser.post("/launch/", {})
    asked = [
        browser.post(path, {"assistant_id": "chat", "lifetime": "7", "do": "assistant"}).status_code
        for path in (
            "/launch/",
            "/launch/form/",
            "/launch/differences/",
            "/launch/code/",
            f"{launched['url']}shares/preview/",
        )
    ]
    signed_in(admin).post(f"/people/{member.pk}/", {"role": "viewer"})

    log = [entry for entry in entries(admin) if entry["action"] != "login"]

    assert asked == [200] * 5
    assert [(entry["by"], entry["action"], entry["object"]) for entry in log] == [
        ("ada", "member-change", "grace, now viewer"),
        ("grace", "run-cancel", launched["id"]),
        ("grace", "launch", launched["url"]),
    ]
    assert log[1]["from"] == "10.1.2.3"
    page = signed_in(admin).get("/audit/").content.decode()
    assert page.count(f'<a href="{launched["url"]}"') == 2
    assert (
        f'<td>Launched a run</td>\n            <td><a href="{launched["url"]}"><bdi>run {launched["id"][:8]}</bdi>'
        in page
    )
    assert '<option value="run-cancel">Cancelled a run</option>' in page
    assert [entry["action"] for entry in entries(admin, "?by=grace&action=run-cancel")] == ["run-cancel"]
    assert len(entries(admin, f"?object={launched['id'][:8]}")) == 2
    assert entries(make_user(make_team(), role="admin")) != [], "only its own sign-in"
    assert all(entry["action"] == "login" for entry in entries(make_user(make_team(), role="admin")))


def test_every_change_has_its_sentence() -> None:
    only_read = {"launch-form", "launch-differences", "launch-code", "preset-new", "share-preview", "share-new-preview"}
    only_forwards = {"home", "share-page"}

    changes = {name for name, row in ROWS.items() if row.post} - only_read - only_forwards

    assert changes - set(SENTENCES) == set()


def test_what_was_refused_is_not_in_the_log(team: Team) -> None:
    browser, server = signed_in(admin := make_user(team, role="admin")), make_server(team)
    run = make_run(team=team, server=server, status=RunStatus.RUNNING)

    assert browser.post(f"/servers/{server.pk}/delete/").status_code == 303
    assert browser.post(f"/runs/{run.pk}/rename/", {"name": "x" * 1000}).status_code == 303

    assert "has not ended there" in browser.get("/servers/").content.decode()
    assert {entry["action"] for entry in entries(admin)} == {"login"}


def test_a_token_is_named(member: User, team: Team) -> None:
    _, token = made(member, "launch")
    asking(token).post("/launch/", {"assistant_id": "chat"})

    assert entries(make_user(team, role="admin"), "?action=launch")[0]["token"] == "nightly"


def test_the_database_refuses_to_change_the_log(member: User, team: Team) -> None:
    signed_in(member)
    with pytest.raises(DatabaseError, match="only added to"), transaction.atomic():
        AuditEntry.objects.update(by="somebody else")
    with pytest.raises(DatabaseError, match="only added to"), transaction.atomic():
        AuditEntry.objects.all().delete()
    with pytest.raises(DatabaseError, match="only added to"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE teams_auditentry")

    member.delete()
    team.delete()

    assert AuditEntry.objects.count() == 1


def test_an_entry_that_postgres_does_not_take_is_in_the_log(
    admin: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**_: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    browser = signed_in(admin)
    monkeypatch.setattr("dashboard.teams.audit.audit_write", refuse)

    answer = browser.post("/people/invitations/", {"role": "member"})

    assert answer.status_code in (200, 201, 302)
    (line,) = [record for record in caplog.records if record.name == "dashboard.teams.audit"]
    assert line.getMessage().startswith("An entry of the audit log could not be written: ")
    assert f"by {admin.username}, from 127.0.0.1 (OperationalError)" in line.getMessage()
    assert line.exc_info is None


def test_the_log_leads_nowhere_else(team: Team) -> None:
    for text in ("//evil.example/", "/\\evil.example", "javascript:alert(1)", "https://evil.example/", "/runs/"):
        AuditEntry.objects.create(team_id=team.pk, by="x", action="run-cancel", object=text, address="")

    table = signed_in(make_user(team, role="admin")).get("/audit/").content.decode().split("<tbody>")[1]

    assert re.findall(r'href="([^"]*)"', table.split("</tbody>")[0]) == ["/runs/"]


def test_the_log_is_read_by_pages(member: User, team: Team) -> None:
    admin = make_user(team, role="admin")
    AuditEntry.objects.bulk_create(
        AuditEntry(team_id=team.pk, by="x", action="launch", object=str(number), address="") for number in range(120)
    )
    browser, path, seen = signed_in(admin), "/audit/?action=launch", []
    while path:
        document = browser.get(path, headers=JSON).json()
        seen += [entry["object"] for entry in document["entries"]]
        path = document["next"]

    assert seen == [str(number) for number in reversed(range(120))]
    assert browser.get("/audit/?before=x&by=%00").status_code == 200


def test_the_log_is_exported_as_it_is_filtered(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.teams.audit_views.EXPORT_ROWS", 7)
    boss = make_user(team, role="admin")
    AuditEntry.objects.bulk_create(
        AuditEntry(team_id=team.pk, by="x", action="launch", object=f"=HYPERLINK({number})", address="::1")
        for number in range(15)
    )
    AuditEntry.objects.create(team_id=make_team().pk, by="x", action="launch", object="theirs", address="")
    browser = signed_in(boss)
    page = browser.get("/audit/?action=launch").content.decode()
    assert "/audit/export.csv?action=launch" in page

    table = browser.get("/audit/export.csv?action=launch")
    lines = browser.get("/audit/export.jsonl?action=launch")

    assert table.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.DictReader(io.StringIO(b"".join(table).decode())))
    assert [row["object"] for row in rows] == [f"'=HYPERLINK({number})" for number in reversed(range(15))]
    documents = [json.loads(line) for line in b"".join(lines).decode().splitlines()]
    assert documents == browser.get("/audit/?action=launch", headers=JSON).json()["entries"]
