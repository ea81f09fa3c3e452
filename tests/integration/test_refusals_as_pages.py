"""The responses when something cannot be done; and the sign-in loses no input."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_plus

import psycopg
import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import Client

from dashboard.runs.models import Run
from dashboard.teams.models import Team, User
from tests.factories import make_run, make_server, make_team, make_user

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}
PASSWORD = "a password for tests"


@pytest.fixture
def team() -> Team:
    team = make_team()
    make_server(team)
    return team


@pytest.fixture
def person(team: Team) -> User:
    return make_user(team, username="ada", password=PASSWORD)


@pytest.fixture
def browser(person: User) -> Client:
    browser = Client(raise_request_exception=False)
    browser.force_login(person)
    return browser


def test_a_wrong_address_is_our_page_and_json_for_programs(browser: Client) -> None:
    page = browser.get("/nowhere/")
    document = browser.get("/nowhere/", headers=JSON)
    by_name = browser.get("/nowhere.json")

    assert page.status_code == document.status_code == by_name.status_code == 404
    assert "<h1>Not found</h1>" in page.content.decode()
    assert document.json() == by_name.json()
    assert document.json()["error"].startswith("There is nothing here")


def test_a_run_without_a_final_state_is_not_said_to_be_missing(browser: Client, team: Team) -> None:
    run, theirs = make_run(team=team), make_run()

    without = browser.get(f"/runs/{run.pk}/result.json")
    not_there = browser.get(f"/runs/{theirs.pk}/result.json")

    assert without.status_code == not_there.status_code == 404
    assert without.json() == {"error": "This run has no final state."}
    assert not_there.json()["error"].startswith("There is nothing here")


def test_what_breaks_is_our_page_and_json_for_programs(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise ValueError("secret detail")

    monkeypatch.setattr("dashboard.history.selectors.run_page", broken)
    page, document = browser.get("/runs/"), browser.get("/runs/", headers=JSON)

    assert page.status_code == document.status_code == 500
    assert "Something broke here" in page.content.decode()
    assert document.json()["error"].startswith("Something broke here")
    assert b"secret detail" not in page.content + document.content


def test_a_form_without_its_token_is_refused_in_the_callers_language(person: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person)

    page = browser.post("/accounts/logout/")
    stranger = Client(enforce_csrf_checks=True).post("/launch/", {"assistant_id": "chat"})
    document = browser.post("/launch/", {"assistant_id": "chat"}, headers=JSON)

    assert page.status_code == stranger.status_code == document.status_code == 403
    assert "This form was too old" in page.content.decode()
    assert "This form was too old" in stranger.content.decode()
    assert "X-CSRFToken" in document.json()["error"]


def test_not_being_allowed_is_json_for_programs(team: Team) -> None:
    viewer = Client()
    viewer.force_login(make_user(team, role="viewer"))

    document = viewer.get("/launch/", headers=JSON)

    assert document.status_code == 403
    assert "You may read this team's runs" in document.json()["error"]


def test_a_body_over_the_limit_is_refused_with_the_limit(browser: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
    body = {"assistant_id": "chat", "input": json.dumps("x" * 1_100_000)}

    # As a browser sends it; the test client's own encoding is that of file uploads, which have no such limit.
    page, document = (
        browser.post(
            "/launch/",
            "&".join(f"{name}={value}" for name, value in body.items()),
            content_type="application/x-www-form-urlencoded",
            headers=headers,
        )
        for headers in ({}, JSON)
    )

    assert page.status_code == document.status_code == 413
    assert "More was sent than Runboard takes at once: 1 MB." in page.content.decode()
    assert "1 MB" in document.json()["error"]
    assert Run.objects.count() == 0


def test_what_was_typed_comes_back_after_the_sign_in(person: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person)
    form = browser.get("/launch/").context["form"]
    typed = {
        "launch_key": str(form["launch_key"].value()),
        "assistant_id": "report",
        "input": '{"topic": "tides & \\"moons\\""}',
        "headers": '{"X-Key": "a secret"}',
        "thread": "stateless",
        "tags": "a, b",
    }
    Session.objects.all().delete()

    refused = browser.post("/launch/", {**typed, "csrfmiddlewaretoken": token(browser)})
    assert refused.status_code == 401
    assert "What you typed comes back when you sign in" in refused.content.decode()
    assert not Session.objects.exists(), "nothing of somebody who is not signed in is kept"
    sign_in = {"username": "ada", "next": refused.context["next"], "typed": refused.context["typed"]}
    wrong = browser.post("/accounts/login/", {**sign_in, "password": "wrong", "csrfmiddlewaretoken": token(browser)})
    assert wrong.context["typed"] == refused.context["typed"]
    signed_in = browser.post(
        "/accounts/login/", {**sign_in, "password": PASSWORD, "csrfmiddlewaretoken": token(browser)}
    )
    assert signed_in.headers["Location"] == "/launch/"
    assert "a secret" not in unquote_plus(json.dumps(Session.objects.get().get_decoded()))

    back = browser.get("/launch/")

    shown = back.context["form"]
    assert {name: str(shown[name].value()) for name in typed} == typed
    assert "It has not been launched yet." in back.content.decode()
    assert Run.objects.count() == 0
    assert browser.get("/launch/").context["form"]["input"].value() is None, "once"


def test_a_form_from_an_address_that_is_not_trusted_says_what_to_do(person: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person)
    browser.get("/launch/")
    sent = {"assistant_id": "chat", "csrfmiddlewaretoken": token(browser)}

    elsewhere = {"Origin": "https://elsewhere.example"}
    refused = browser.post("/launch/", sent, headers=elsewhere)
    at_the_door = Client(enforce_csrf_checks=True).post("/accounts/login/", {"username": "ada"}, headers=elsewhere)

    for answer in (refused, at_the_door):
        assert answer.status_code == 403
        assert "CSRF_TRUSTED_ORIGINS" in answer.content.decode()


def test_what_was_typed_is_shown_again_when_its_form_was_too_old(person: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person)
    typed = {"assistant_id": "report", "input": '{"topic": "tides"}', "headers": '{"X-Key": "a secret"}'}

    refused = browser.post("/launch/", typed)
    assert "a secret" not in unquote_plus(json.dumps(Session.objects.get().get_decoded()))
    back = browser.get(refused.headers["Location"])

    assert refused.status_code == 302
    assert {name: str(back.context["form"][name].value()) for name in typed} == typed
    assert "It has not been launched yet." in back.content.decode()
    assert Run.objects.count() == 0
    assert browser.get("/launch/").context["form"]["input"].value() is None, "once"


def token(browser: Client) -> str:
    return browser.cookies["csrftoken"].value


def test_where_else_a_post_is_refused_the_sign_in_leads_to_a_page(person: User) -> None:
    refused = Client().post("/runs/3f2b8c1e-5d0a-4b7e-9c61-2a4f0d8e7b35/cancel/")

    assert refused.status_code == 302
    htmx = Client().post("/runs/3f2b8c1e-5d0a-4b7e-9c61-2a4f0d8e7b35/cancel/", headers={"HX-Request": "true"})
    assert refused.headers["Location"] == htmx.headers["HX-Redirect"] == "/accounts/login/?next=/runs/"


@pytest.mark.parametrize("error", [OperationalError, psycopg.OperationalError])  # of a cursor that is closed, say
def test_while_the_database_is_away_a_page_offers_what_can_be_done(
    browser: Client, team: Team, person: User, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise error("away")

    run = make_run(server=team.servers.get(), by=person)
    for view in ("history.selectors.run_page", "runs.services.run_launch", "runs.services.run_cancel"):
        monkeypatch.setattr(f"dashboard.{view}", away)
    asked = browser.get("/runs/?q=%22")
    launched = browser.post("/launch/", {"assistant_id": "chat", "input": '{"a": "<b>"}', "thread": "new"})
    cancelled = browser.post(f"/runs/{run.pk}/cancel/")

    pages = [answer.content.decode() for answer in (asked, launched, cancelled)]
    for answer, page in zip((asked, launched, cancelled), pages, strict=True):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert '<a class="wordmark" href="/runs/">' in page
    assert '<meta http-equiv="refresh" content="5">' in pages[0]
    assert '<a class="button" href="/runs/?q=%22">Try again</a>' in pages[0]
    assert '<input type="hidden" name="input" value="{&quot;a&quot;: &quot;&lt;b&gt;&quot;}">' in pages[1]
    assert not any(word in page for page in pages[1:] for word in ('http-equiv="refresh"', "Try again", "Nothing is"))
    assert "check before you send it again" in pages[2]
