"""Servers in the browser and as JSON: who may do what, what is refused, and that no secret ever comes back."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dashboard.runs.statuses import RunStatus
from dashboard.servers.models import Server, ServerCheck
from dashboard.teams.encryption import secrets_decrypt
from dashboard.teams.models import Role, Team, User
from tests.factories import make_run, make_server, make_team, make_user

pytestmark = pytest.mark.django_db

JSON = {"accept": "application/json"}
GOOD = {"name": "Production", "url": "https://langgraph.example.org/api/"}


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def admin(team: Team) -> Client:
    return signed_in(make_user(team, role=Role.ADMIN))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def add(client: Client, **fields: Any) -> Any:
    return client.post("/servers/", {**GOOD, **fields}, headers=JSON)


def test_an_admin_adds_a_server_which_is_checked_at_once(admin: Client, team: Team) -> None:
    answer = add(admin, api_key="key-1", headers='{"X-Team": "search"}', max_runs="4", timeout_s="", proxy="")

    server = Server.objects.get(team=team)
    assert answer.status_code == 201
    assert answer.json() == {"id": str(server.pk), "url": f"/servers/{server.pk}/"}
    assert (server.name, server.url, server.max_runs, server.timeout_s) == ("Production", GOOD["url"][:-1], 4, None)
    assert (server.retry_for_s, server.allow_private, server.stream_events) == (900, False, True)
    assert server.headers() == {"X-Team": "search", "x-api-key": "key-1"}
    assert ServerCheck.objects.filter(server=server, finished_at=None).count() == 1


def test_no_secret_comes_back(admin: Client, team: Team) -> None:
    server_id = add(
        admin, api_key="key-1", headers="Authorization: Bearer hunter2", proxy="http://ada:pass3@proxy.example.org:1"
    ).json()["id"]

    for address in ("/servers/", f"/servers/{server_id}/"):
        for headers in ({}, JSON):
            body = admin.get(address, headers=headers).content.decode()
            assert all(secret not in body for secret in ("key-1", "hunter2", "pass3"))
    document = admin.get(f"/servers/{server_id}/", headers=JSON).json()
    assert document["has_api_key"] is True
    assert document["headers"] == ["Authorization"]
    assert document["proxy"] == "http://proxy.example.org:1"
    assert Server.objects.get(pk=server_id).proxy_with_secret() == "http://ada:pass3@proxy.example.org:1"


def test_what_is_not_named_keeps_its_value(admin: Client, team: Team) -> None:
    server_id = add(admin, api_key="key-1", max_runs="4", stream_events="false").json()["id"]

    answer = admin.post(f"/servers/{server_id}/", {"name": "Renamed"}, headers=JSON)

    server = Server.objects.get(pk=server_id)
    assert answer.status_code == 200
    assert (server.name, server.max_runs, server.stream_events) == ("Renamed", 4, False)
    assert server.headers() == {"x-api-key": "key-1"}


def test_dots_keep_a_header_and_a_missing_one_is_forgotten(admin: Client, team: Team) -> None:
    server_id = add(admin, headers="X-A: one\nX-B: two").json()["id"]

    admin.post(f"/servers/{server_id}/", {"headers": "x-a: ••••••\nX-C: three"}, headers=JSON)

    assert Server.objects.get(pk=server_id).headers() == {"x-a": "one", "X-C": "three"}


@pytest.mark.parametrize(
    "url", ["https://evil.example.net", "https://langgraph.example.org:8443", "http://langgraph.example.org"]
)
def test_stored_secrets_are_not_sent_to_another_address(admin: Client, team: Team, url: str) -> None:
    server_id = add(admin, api_key="key-1", headers="X-A: one").json()["id"]

    answer = admin.post(f"/servers/{server_id}/", {"url": url}, headers=JSON)
    again = admin.post(f"/servers/{server_id}/", {"url": url, "api_key": "key-2", "headers": ""}, headers=JSON)

    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"api_key", "headers"}
    assert again.status_code == 200
    assert Server.objects.get(pk=server_id).headers() == {"x-api-key": "key-2"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", ""),
        ("url", "langgraph.example.org"),
        ("url", "ftp://langgraph.example.org"),
        ("url", "https://"),
        ("url", "https://user:pass@langgraph.example.org"),
        ("url", "https://langgraph.example.org/?x=1"),
        ("url", "https://langgraph.example.org:99999"),
        ("url", "http://[::1"),
        ("url", "http://127.0.0.1:2024"),
        ("url", "http://localhost:2024"),
        ("url", "http://169.254.169.254/"),
        ("url", "http://2130706433/"),
        ("url", "http://[::ffff:10.0.0.1]/"),
        ("name", ""),
        ("headers", "no colon"),
        ("headers", "{broken"),
        ("headers", "Host: elsewhere"),
        ("headers", "X-A: ••••••"),
        ("headers", '{"X-A": 5}'),
        ("api_key", "line\nbreak"),
        ("max_runs", "0"),
        ("max_runs", "many"),
        ("timeout_s", "2"),
        ("retry_for_s", "-1"),
        ("proxy", "socks5://proxy.example.org"),
        ("proxy", "http://10.0.0.1:3128"),
        ("trace_url", "traces.example.org/{run_id}"),
        ("trace_url", "javascript://x/%0aalert({run_id})"),
        ("trace_url", "https://user@traces.example.org/{run_id}"),
        ("trace_url", "https://{run_id}.example.org/"),
        ("trace_url", "https://traces.example.org/"),
        ("trace_url", "https://traces.example.org/{run}"),
        ("trace_url", "https://[traces/{run_id}"),
    ],
)
def test_what_cannot_be_is_refused_next_to_its_field(admin: Client, team: Team, field: str, value: str) -> None:
    answer = add(admin, **{field: value})

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    assert not Server.objects.filter(team=team).exists()


def test_run_pages_lead_to_the_traces_of_their_server(admin: Client, team: Team) -> None:
    server_id = add(admin, trace_url="https://traces.example.org/r/{run_id}?thread={thread_id}").json()["id"]
    run = make_run(server=Server.objects.get(pk=server_id), status=RunStatus.SUCCEEDED)
    queued = make_run(server=Server.objects.get(pk=server_id))

    link = f"https://traces.example.org/r/{run.remote_run_id}?thread={run.remote_thread_id}"
    assert f'href="{link}"' in admin.get(f"/runs/{run.pk}/").content.decode()
    assert "traces.example.org" not in admin.get(f"/runs/{queued.pk}/").content.decode()


def test_a_private_address_is_taken_when_it_is_allowed(admin: Client, team: Team) -> None:
    assert add(admin, url="http://127.0.0.1:2024", allow_private="true").status_code == 201


def test_two_servers_of_a_team_do_not_have_one_name(admin: Client, team: Team) -> None:
    add(admin)

    answer = add(admin)

    assert answer.status_code == 422
    assert "name" in answer.json()["errors"]


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_only_admins_change_servers(team: Team, role: Role) -> None:
    server = make_server(team)
    client = signed_in(make_user(team, role=role))

    answers = [
        add(client),
        client.post(f"/servers/{server.pk}/", {"name": "x"}, headers=JSON),
        client.post(f"/servers/{server.pk}/delete/", headers=JSON),
        client.get("/servers/new/", headers=JSON),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert client.get(f"/servers/{server.pk}/").status_code == 200
    assert client.post(f"/servers/{server.pk}/check/", headers=JSON).status_code == (
        202 if role == Role.MEMBER else 403
    )


def test_strangers_find_nothing(team: Team) -> None:
    server = make_server(team)
    stranger = signed_in(make_user(make_team(), role=Role.ADMIN))

    for address in ("", "check/", "delete/"):
        assert stranger.post(f"/servers/{server.pk}/{address}", {}, headers=JSON).status_code == 404
    assert stranger.get(f"/servers/{server.pk}/").status_code == 404
    assert stranger.get("/servers/", headers=JSON).json()["servers"] == []


def test_asking_for_a_check_twice_makes_one(admin: Client, team: Team) -> None:
    server = make_server(team)

    answers = [admin.post(f"/servers/{server.pk}/check/", headers=JSON) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert ServerCheck.objects.filter(server=server).count() == 1
    assert admin.get(f"/servers/{server.pk}/check/").status_code == 405


def test_a_server_without_history_is_deleted_and_one_with_history_is_put_away(admin: Client, team: Team) -> None:
    blank, used = make_server(team), make_server(team)
    run = make_run(server=used, by=make_user(team))

    first = admin.post(f"/servers/{blank.pk}/delete/", headers=JSON)
    busy = admin.post(f"/servers/{used.pk}/delete/", headers=JSON)
    admin.post(f"/runs/{run.pk}/cancel/", headers=JSON)
    then = admin.post(f"/servers/{used.pk}/delete/", headers=JSON)
    again = admin.post(f"/servers/{used.pk}/delete/", headers=JSON)

    assert [first.status_code, busy.status_code, then.status_code, again.status_code] == [200, 409, 200, 404]
    assert not Server.objects.filter(pk=blank.pk).exists()
    assert admin.get(f"/runs/{run.pk}/").status_code == 200
    assert admin.get("/servers/", headers=JSON).json()["servers"] == []
    assert (
        "server" in admin.post("/launch/", {"server": used.pk, "assistant_id": "chat"}, headers=JSON).json()["errors"]
    )
    used.refresh_from_db()
    assert secrets_decrypt(used.secret_headers) == {}
    assert add(admin, name=used.name).status_code == 201


def test_the_pages_work_without_json(admin: Client, team: Team) -> None:
    refused = admin.post("/servers/", {**GOOD, "url": "nowhere"})
    made = admin.post("/servers/", GOOD)
    page = admin.get(made["Location"])

    assert refused.status_code == 422
    assert b"error-summary" in refused.content
    assert made.status_code == 303
    assert b"Checking" in page.content
    assert admin.get("/servers/").status_code == 200
