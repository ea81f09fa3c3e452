"""Answer links: who may make them, what they show, one answer each, wrong and old ones alike."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dashboard.answers.links import services
from dashboard.answers.models import AnswerLink
from dashboard.runs.models import Run, WaitState
from dashboard.runs.services import run_cancel
from dashboard.runs.statuses import RunStatus
from dashboard.runs.timeline import event_lines
from dashboard.teams.models import AuditEntry, Role, User
from tests.factories import make_run, make_server, make_team, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("answers_sent_at_once")]

JSON = {"headers": {"Accept": "application/json"}}
ENDING = {"interrupts": [{"id": "q1", "value": "Pay 180 euros?"}], "next": ["ask_finance"]}


@pytest.fixture
def person() -> User:
    team = make_team()
    make_server(team, name="local")
    return make_user(team, username="ada")


@pytest.fixture
def run(person: User) -> Run:
    return make_run(
        by=person,
        server=person.teams.get().servers.get(),
        status=RunStatus.NEEDS_INPUT,
        ending=ENDING,
        assistant_id="payments",
        name="A name of ours",
        headers={"X-Key": "s3cret"},
        params={"input": {"iban": "DE89"}, "metadata": {"ticket": "OPS-12"}},
    )


def make_link(browser: Client, run: Run, **fields: str) -> str:
    """Make one; returns its path."""
    given = {"name": "Bob", "expires_in": "3600"} | fields
    response = browser.post(reverse("answer-link-list", args=[run.pk]), given, **JSON)
    assert response.status_code == 201, response.content
    return "/a/" + response.json()["url"].split("/a/")[1]


def answer(stranger: Client, path: str, text: str = "yes", **fields: str) -> Any:
    return stranger.post(path, {"answer/q1": text, "answer_view/q1": "text"} | fields)


def test_a_stranger_sees_the_question_and_who_asks_and_nothing_else(browser: Client, run: Run) -> None:
    response = Client().get(make_link(browser, run))

    html = response.content.decode()
    assert response.status_code == 200
    for shown in ("Pay 180 euros?", "payments", "ada"):
        assert shown in html
    for hidden in (
        "s3cret",
        "X-Key",
        "OPS-12",
        "DE89",
        "A name of ours",
        str(run.pk),
        str(run.remote_thread_id),
        "<script",
    ):
        assert hidden not in html
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response.headers["Cache-Control"]
    assert "noindex" in response.headers["X-Robots-Tag"]
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "script-src" not in response.headers["Content-Security-Policy"]


def test_an_answer_is_sent_once_and_says_by_whom(browser: Client, person: User, run: Run) -> None:
    path, stranger = make_link(browser, run), Client(enforce_csrf_checks=True, headers={"Origin": "null"})

    response = answer(stranger, path)

    child = run.children.get()
    assert (response.status_code, response.headers["Location"]) == (303, path)
    assert child.request.params["command"] == {"resume": {"q1": "yes"}}
    assert child.request.secret_headers
    run.refresh_from_db()
    assert run.wait_state == WaitState.ANSWERED
    page = browser.get(reverse("run-detail", args=[run.pk])).content.decode()
    assert "Answered by link that ada made for Bob" in page
    assert event_lines(run.events.all())[-1].text == "Answered by link that ada made for Bob"
    document = browser.get(reverse("run-json", args=[run.pk])).json()["question"]["answered_by"]
    assert (document["by"], document["link_for"]) == ("ada", "Bob")
    assert "the link that ada made for Bob" in AuditEntry.objects.get(action="answer-page").object
    # It was for one answer. Only the browser that sent it still sees something there.
    assert Client().get(path).status_code == answer(Client(), path).status_code == 404
    assert "on its way" in stranger.get(path).content.decode()
    assert run.children.count() == 1


def test_the_receipt_says_what_became_of_the_answer(browser: Client, person: User, run: Run) -> None:
    path, stranger = make_link(browser, run), Client()
    answer(stranger, path)
    child = run.children.get()

    def state() -> str:
        return str(stranger.get(path, **JSON).json()["state"])

    assert state() == "sending"
    Run.objects.filter(pk=child.pk).update(status="starting")
    assert state() == "sending"
    Run.objects.filter(pk=child.pk).update(status="queued")
    run_cancel(run=child, by=person)
    assert state() == "lost"
    assert "did not reach" in stranger.get(path).content.decode()


def test_wrong_used_expired_and_revoked_look_alike(browser: Client, person: User, run: Run) -> None:
    used = make_link(browser, make_run(server=run.server, by=person, status=RunStatus.NEEDS_INPUT, ending=ENDING))
    answer(Client(), used)
    expired, revoked, closed = (make_link(browser, run) for _ in range(3))
    links = list(AnswerLink.objects.order_by("created_at"))
    AnswerLink.objects.filter(pk=links[1].pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert browser.post(reverse("answer-link-revoke", args=[links[2].pk]), **JSON).json()["revoked"] is True
    Run.objects.filter(pk=run.pk).update(wait_state=WaitState.GONE)

    seen = [Client().get(path) for path in ("/a/wrong/", used, expired, revoked, closed)]

    assert {response.status_code for response in seen} == {404}
    assert len({response.content for response in seen}) == 1
    headers = [{k: v for k, v in response.headers.items() if k != "Expires"} for response in seen]
    assert all(each == headers[0] for each in headers)


@pytest.mark.parametrize("loses", ["role", "active", "account"])
def test_a_link_works_only_while_its_maker_may_answer(browser: Client, person: User, run: Run, loses: str) -> None:
    path = make_link(browser, run)
    if loses == "role":
        person.memberships.update(role=Role.VIEWER)
    elif loses == "active":
        person.memberships.update(is_active=False)
    else:
        User.objects.filter(pk=person.pk).update(is_active=False)

    assert Client().get(path).status_code == 404
    assert answer(Client(), path).status_code == 404
    assert not run.children.exists()


@pytest.mark.django_db(transaction=True)
def test_of_a_link_and_a_person_at_the_same_moment_one_wins(browser: Client, person: User, run: Run) -> None:
    paths = [make_link(browser, run) for _ in range(3)]

    def one(number: int) -> int:
        client = Client()
        try:
            if number < 3:
                return int(answer(client, paths[number]).status_code)
            client.force_login(person)
            sent = {"answers": json.dumps({"q1": number})}
            return int(client.post(reverse("run-answer", args=[run.pk]), sent, **JSON).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        codes = sorted(threads.map(one, range(6)))

    assert codes[0] in (201, 303)
    assert codes[1:] == [409] * 5
    assert run.children.count() == 1
    # Only the winner's link is used up.
    assert AnswerLink.objects.exclude(used_at=None).count() == (1 if codes[0] == 303 else 0)


@pytest.mark.django_db(transaction=True)
def test_a_double_click_answers_once_and_is_thanked_twice(browser: Client, run: Run) -> None:
    path = make_link(browser, run)
    key = "6b1a1b0e-0000-4000-8000-000000000001"

    def one(_: int) -> tuple[int, str]:
        try:
            response = answer(Client(), path, launch_key=key)
            return response.status_code, response.headers.get("Location", "")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(one, range(2)))

    assert found == [(303, path)] * 2
    assert run.children.count() == 1


def test_who_comes_too_late_keeps_what_they_typed(browser: Client, run: Run) -> None:
    path = make_link(browser, run)
    browser.post(reverse("run-answer", args=[run.pk]), {"answers": '{"q1": "no"}'}, **JSON)

    response = answer(Client(), path, "My own long answer")

    assert response.status_code == 409
    assert "Somebody else answered" in response.content.decode()
    assert "My own long answer" in response.content.decode()
    assert not re.search(r"\bada\b", response.content.decode())


def test_a_wrong_answer_is_shown_again_and_may_be_mended(browser: Client, run: Run) -> None:
    path, stranger = make_link(browser, run), Client()

    response = stranger.post(path, {"answer/q1": "{no json", "answer_view/q1": "json"})

    assert response.status_code == 422
    assert "{no json" in response.content.decode()
    assert answer(stranger, path).status_code == 303


def test_what_goes_along_is_not_a_strangers_to_change(browser: Client, run: Run) -> None:
    path = make_link(browser, run)

    answer(Client(), path, **{"with/webhook": "https://evil.example", "with/metadata": '{"a": 1}', "with/name": "x"})

    child = run.children.get()
    assert child.request.params["metadata"] == {"ticket": "OPS-12"}
    assert "webhook" not in child.request.params
    assert child.name == "A name of ours"


def test_a_password_stands_before_the_question(browser: Client, run: Run) -> None:
    path, stranger = make_link(browser, run, password="harbour"), Client()
    assert AnswerLink.objects.get().password.startswith("argon2")

    first = stranger.get(path).content.decode()
    wrong = stranger.post(path, {"password": "port"})
    unasked = answer(stranger, path, "typed before")
    right = stranger.post(path, {"password": "harbour"})

    assert "Pay 180" not in first
    assert "asks for a password" in first
    assert wrong.status_code == 422
    assert "typed before" in unasked.content.decode()
    assert not run.children.exists()
    assert right.status_code == 303
    assert "Pay 180" in stranger.get(path).content.decode()
    assert "Pay 180" not in Client().get(path).content.decode()
    assert answer(stranger, path).status_code == 303


def test_guessing_a_password_soon_has_to_wait(browser: Client, run: Run) -> None:
    path, stranger = make_link(browser, run, password="harbour"), Client()

    codes = [stranger.post(path, {"password": f"guess{number}"}).status_code for number in range(7)]

    assert codes[:5] == [422] * 5
    assert codes[-1] == 429
    assert stranger.post(path, {"password": "harbour"}).status_code == 429


def test_guessing_links_soon_has_to_wait_and_keeps_nobody_from_signing_in(browser: Client, run: Run) -> None:
    codes = [Client().get(f"/a/guess{number}/").status_code for number in range(22)]

    assert codes[:20] == [404] * 20
    assert codes[-1] == 429
    assert Client().post("/accounts/login/", {"username": "x", "password": "y"}).status_code == 200


def test_one_link_takes_so_many_requests_a_minute(browser: Client, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "A_MINUTE", 3)
    path = make_link(browser, run)

    codes = [Client().get(path).status_code for _ in range(4)]

    assert codes == [200, 200, 200, 429]


def test_programs_answer_by_link_too(browser: Client, run: Run) -> None:
    path, program = make_link(browser, run, password="harbour"), Client()

    locked = program.get(path, **JSON)
    asked = program.post(path, {"password": "harbour"}, content_type="application/json", **JSON)
    wrong = program.post(path, {"answers": {"zz": 1}}, content_type="application/json", **JSON)
    sent = program.post(path, {"answers": {"q1": None}}, content_type="application/json", **JSON)

    assert (locked.status_code, wrong.status_code, sent.status_code) == (422, 422, 201)
    assert asked.json() == {
        "assistant": "payments",
        "asked_by": "ada",
        "for": "Bob",
        "interrupts": [{"id": "q1", "value": "Pay 180 euros?", "response_schema": None, "state": "open"}],
    }
    assert run.children.get().request.params["command"] == {"resume": {"q1": None}}
    assert Client().get(path, **JSON).status_code == 404


def test_members_make_list_and_revoke_them(browser: Client, person: User, run: Run) -> None:
    address = reverse("answer-link-list", args=[run.pk])
    assert browser.post(address, {"name": ""}, **JSON).status_code == 422

    panel = browser.post(address, {"name": "Bob", "expires_in": ""}, headers={"HX-Request": "true"}).content.decode()
    found = browser.get(address, **JSON).json()["links"]

    assert "/a/" in panel
    assert [(one["name"], one["state"], one["expires_at"]) for one in found] == [("Bob", "open", None)]
    assert "/a/" not in browser.get(reverse("run-detail", args=[run.pk])).content.decode()
    revoke = reverse("answer-link-revoke", args=[found[0]["id"]])
    assert [browser.post(revoke, **JSON).status_code for _ in range(2)] == [200, 200]
    assert browser.get(address, **JSON).json()["links"][0]["state"] == "revoked"


def test_no_link_is_made_for_what_asks_nothing(browser: Client, run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(wait_state=WaitState.GONE)

    response = browser.post(reverse("answer-link-list", args=[run.pk]), {"name": "Bob"}, **JSON)

    assert response.status_code == 409
    assert not AnswerLink.objects.exists()


def test_a_question_says_how_many_links_it_has_and_fetches_them_when_they_are_opened(browser: Client, run: Run) -> None:
    url = reverse("answer-link-list", args=[run.pk])
    first = browser.get(reverse("inbox")).content.decode()
    make_link(browser, run)

    page = browser.get(reverse("inbox")).content.decode()

    assert "Answer link: ask" in first
    assert "Answer link (1): ask" in page
    assert f'hx-get="{url}"' in page
    assert f'<a href="{url}">' in page
    assert 'name="expires_in"' in browser.get(url).content.decode()
