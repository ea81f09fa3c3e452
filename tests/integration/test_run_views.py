"""The pages and their JSON: who may see what, what a POST does, and what it does the second time."""

from __future__ import annotations

import hashlib
import json

import pytest
from django.test import Client
from django.urls import reverse

from dashboard.runs.models import Run
from dashboard.runs.outcomes import RunError
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Role, Team, User
from dashboard.teams.services import sign_in_link_create
from tests.factories import make_run, make_server, make_team, make_user
from tests.words import flat

pytestmark = pytest.mark.django_db

JSON = {"headers": {"Accept": "application/json"}}


def stranger_browser() -> Client:
    browser = Client()
    other = make_team()
    make_server(other)
    browser.force_login(make_user(other))
    return browser


# Signing in.


@pytest.mark.parametrize("name", ["run-list", "launch", "home"])
def test_pages_need_a_signed_in_person(client: Client, name: str) -> None:
    response = client.get(reverse(name), follow=True)

    assert response.redirect_chain[-1][0].startswith("/accounts/login/")


def test_programs_get_401_and_htmx_is_sent_to_the_login_page(client: Client) -> None:
    run = make_run()

    assert client.get(f"/runs/{run.pk}.json").status_code == 401
    assert client.get("/runs/", headers={"Accept": "application/json"}).status_code == 401
    response = client.get("/runs/", headers={"HX-Request": "true"})
    assert response.headers["HX-Redirect"].startswith("/accounts/login/")


def test_the_login_form_signs_in(client: Client, team: Team) -> None:
    make_user(team, username="ada", password="correct horse battery")

    wrong = client.post("/accounts/login/", {"username": "ada", "password": "no"})
    right = client.post("/accounts/login/", {"username": "ada", "password": "correct horse battery"})

    assert wrong.status_code == 200
    assert (right.status_code, right.headers["Location"]) == (302, "/runs/")


def test_a_sign_in_link_works_once_and_a_look_does_not_use_it_up(client: Client, person: User) -> None:
    path = sign_in_link_create(user=person)
    client.head(path)

    first = client.get(path)
    second = Client().get(path)

    assert first.headers["Location"] == "/runs/"
    assert client.get("/runs/").status_code == 200
    assert second.status_code == 410


def test_a_new_sign_in_link_ends_the_old_one(person: User) -> None:
    old = sign_in_link_create(user=person)
    sign_in_link_create(user=person)

    assert Client().get(old).status_code == 410


def test_a_person_in_no_team_gets_a_sentence(client: Client) -> None:
    client.force_login(make_user())

    assert client.get("/runs/").status_code == 403


def test_a_viewer_may_look_but_not_launch_or_cancel(client: Client, team: Team) -> None:
    run = make_run(team=team)
    client.force_login(make_user(team, role=Role.VIEWER))

    assert client.get(f"/runs/{run.pk}/").status_code == 200
    assert client.get("/launch/").status_code == 403
    assert client.post("/launch/", {"assistant_id": "chat"}).status_code == 403
    assert client.post(f"/runs/{run.pk}/cancel/").status_code == 403
    assert client.post(f"/runs/{run.pk}/share/", {"expires": "1d"}).status_code == 403


# Looking.


@pytest.mark.parametrize("status", RunStatus)
def test_the_page_of_every_status_says_it_in_word_and_attribute(browser: Client, team: Team, status: RunStatus) -> None:
    run = make_run(team=team, status=status, body=b'{"a": 1}', error=RunError("ValueError", "m <b>", "n"))

    html = browser.get(f"/runs/{run.pk}/").content.decode()

    assert html.count(f'id="run-{run.pk}-status"') == 1
    assert f'data-run-status="{status}"' in html
    assert status.label in html
    assert "m <b>" not in html


@pytest.mark.parametrize("path", ["/runs/{}/", "/runs/{}.json", "/runs/{}/result.json", "/runs/{}/live/"])
def test_another_teams_run_is_not_there(team: Team, path: str) -> None:
    run = make_run(team=team, status=RunStatus.SUCCEEDED, body=b"{}")

    assert stranger_browser().get(path.format(run.pk)).status_code == 404


def test_the_document_for_programs(browser: Client, team: Team, person: User) -> None:
    body = b'{"z": 1.0, "a": 12345678901234567890123}'
    run = make_run(
        team=team, by=person, status=RunStatus.SUCCEEDED, body=body, headers={"X-Key": "s3cret"}, name="N", tags=["t"]
    )

    response = browser.get(f"/runs/{run.pk}.json")

    found = response.json()
    assert set(found) >= set(
        "id name status assistant_id graph_id server thread_id run_id params error final_state created_at started_at "
        "finished_at launched_by parent tags events".split()
    )
    assert (found["status"], found["launched_by"], found["tags"], found["error"]) == (
        "succeeded",
        person.username,
        ["t"],
        None,
    )
    assert found["params"]["headers"] == ["X-Key"]
    assert body in response.content
    assert b"s3cret" not in response.content
    assert [event["seq"] for event in found["events"]] == list(range(1, len(found["events"]) + 1))
    assert browser.get(f"/runs/{run.pk}/result.json").getvalue() == body


def test_a_large_final_state_is_left_out_and_linked(browser: Client, team: Team) -> None:
    run = make_run(team=team, status=RunStatus.SUCCEEDED, body=b'{"a": "' + b"x" * 1_000_001 + b'"}')

    found = browser.get(f"/runs/{run.pk}.json").json()

    assert "final_state" not in found
    assert found["final_state_url"] == f"/runs/{run.pk}/result.json"


PARTS = [{"type": "text", "text": "a"}, {"type": "image", "u": 1}]


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"null",
        b"3",
        b'"text"',
        b'{"a": NaN, "b": -Infinity}',
        b'{"a": "\\u0000\\ud800"}',
        b'{"a": 1, "a": 2}',
        b"[" * 10_000 + b"]" * 10_000,
        b'{"n": ' + b"9" * 5000 + b"}",
        b'{"html": "<script>alert(1)</script><b>"}',
        json.dumps({"messages": [{"type": "ai", "content": "<script>x</script> **bold**"}]}).encode(),
        json.dumps({"messages": [{"type": "ai", "content": PARTS}]}).encode(),
        json.dumps({"messages": "no conversation"}).encode(),
        json.dumps({"\u202ertl\u200b": "\u202e\u0000"}).encode(),
        b'{"k": "' + b"y" * 9_000_000 + b'"}',
        b"\xff\xfe not json",
    ],
    ids=range(17),
)
def test_no_final_state_breaks_the_page(browser: Client, team: Team, body: bytes) -> None:
    run = make_run(team=team, status=RunStatus.SUCCEEDED, body=body)

    response = browser.get(f"/runs/{run.pk}/")

    assert response.status_code == 200
    assert b"<script>alert" not in response.content
    assert b"<script>x" not in response.content
    assert browser.get(f"/runs/{run.pk}/result.json").getvalue() == body


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (b"7", "1 byte"),
        ('{"a": "é"}'.encode(), "11 bytes"),
        (b'{"a":  "\\u00e9"}', "16 bytes"),
        (b"[" + b"1," * 1049 + b"1]", "2.1 kB"),
        (b"[" * 10_000 + b"]" * 10_000, "20 kB"),
        (b'{"k": "' + b"y" * 9_000_000 + b'"}', "9.0 MB"),
    ],
    ids=["one", "characters of two bytes", "as it was written", "a list", "too deep", "too large to show in full"],
)
def test_a_final_state_is_shown_with_its_size_and_hash_as_received(
    browser: Client, team: Team, body: bytes, size: str
) -> None:
    run = make_run(team=team, status=RunStatus.SUCCEEDED, body=body)

    page = flat(browser.get(f"/runs/{run.pk}/"))
    download = browser.get(f"/runs/{run.pk}/result.json")

    digest = hashlib.sha256(body).hexdigest()
    shown = f'{size} · <span title="SHA-256 of the bytes as received: {digest}">sha256 <code>{digest[:12]}</code>'
    assert f'<strong>Final state</strong> <span class="muted">{shown}</span>' in page
    assert (download.headers["Content-Length"], download.headers["ETag"]) == (str(len(body)), f'"{digest}"')
    assert download.getvalue() == body


def test_a_conversation_is_shown_as_one(browser: Client, team: Team) -> None:
    state = {"messages": [{"type": "human", "content": "Hi"}, {"type": "ai", "content": "**Hello**"}], "rest": 7}
    run = make_run(team=team, status=RunStatus.SUCCEEDED, body=json.dumps(state).encode())

    html = browser.get(f"/runs/{run.pk}/").content.decode()

    assert "<strong>Hello</strong>" in html
    assert "rest" in html


# Cancelling: does it, rejects GET, rejects a stranger, is harmless the second time.


def test_cancel_ends_a_queued_run(browser: Client, team: Team, person: User) -> None:
    run = make_run(team=team, by=person)

    response = browser.post(f"/runs/{run.pk}/cancel/", {"action": "interrupt"})

    run.refresh_from_db()
    assert (response.status_code, response.headers["Location"]) == (303, f"/runs/{run.pk}/")
    assert run.status == "cancelled"


def test_cancel_rejects_get_and_nonsense(browser: Client, team: Team, person: User) -> None:
    run = make_run(team=team, by=person)

    assert browser.get(f"/runs/{run.pk}/cancel/").status_code == 405
    assert browser.post(f"/runs/{run.pk}/cancel/", {"action": "explode"}).status_code == 422
    assert browser.post(f"/runs/{run.pk}/cancel/", {"action": "explode"}, **JSON).json()["errors"]["action"]
    run.refresh_from_db()
    assert run.status == "queued"


def test_cancel_rejects_a_stranger(team: Team) -> None:
    run = make_run(team=team)

    assert stranger_browser().post(f"/runs/{run.pk}/cancel/").status_code == 404
    run.refresh_from_db()
    assert run.status == "queued"


def test_members_cancel_what_they_launched_and_admins_everything(browser: Client, team: Team) -> None:
    run = make_run(team=team)
    admin = Client()
    admin.force_login(make_user(team, role=Role.ADMIN))

    assert b"Cancel</button>" not in browser.get(f"/runs/{run.pk}/").content
    assert b"Cancel</button>" in admin.get(f"/runs/{run.pk}/").content
    assert browser.post(f"/runs/{run.pk}/cancel/", **JSON).status_code == 403
    assert admin.post(f"/runs/{run.pk}/cancel/", **JSON).status_code == 202


def test_cancel_is_harmless_the_second_time(browser: Client, team: Team, person: User) -> None:
    run = make_run(team=team, by=person, status=RunStatus.RUNNING)

    first = browser.post(f"/runs/{run.pk}/cancel/", **JSON)
    second = browser.post(f"/runs/{run.pk}/cancel/", {"action": "rollback"}, **JSON)

    assert (first.status_code, first.json()["status"]) == (202, "cancelling")
    assert (second.status_code, second.json()["status"]) == (200, "cancelling")
    run.refresh_from_db()
    assert run.cancel_action == "interrupt"


def test_posts_need_a_csrf_token(person: User, team: Team) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person)

    assert browser.post("/launch/", {"assistant_id": "chat"}, headers={"Accept": "application/json"}).status_code == 403
    assert Run.objects.count() == 0


def test_health_says_what_is_wrong(client: Client) -> None:
    response = client.get("/healthz")

    assert response.status_code == 503
    document = response.json()
    known = {"status": "unavailable", "database": True, "workers": 0, "listener": False, "queue": "ok", "waiting": 0}
    assert {name: document[name] for name in known} == known
    assert len(document["problems"]) == 2
    assert document["notes"] == []
