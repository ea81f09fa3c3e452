"""The audit log: who did what."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import Client

from dashboard.runs.statuses import RunStatus
from dashboard.teams.audit_words import SENTENCES
from dashboard.teams.models import AuditEntry, Team, User
from tests.factories import make_run, make_server, make_team, make_user
from tests.integration.access_rows import ROWS
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


@pytest.fixture
def admin(team: Team) -> User:
    return make_user(team, role="admin", username="ada")


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
