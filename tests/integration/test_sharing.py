"""Share links: who may make them, what they show, and when they stop."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.runs.models import Run
from dashboard.runs.outcomes import RunError
from dashboard.runs.statuses import RunStatus
from dashboard.sharing.models import ShareLink
from dashboard.sharing.services import share_create
from dashboard.teams.models import User
from tests.factories import make_run, make_team, make_user

pytestmark = pytest.mark.django_db

BODY = b'{"answer": "forty-two"}'


@pytest.fixture
def run() -> Run:
    return make_run(
        status=RunStatus.SUCCEEDED,
        body=BODY,
        headers={"X-Key": "s3cret"},
        params={"input": {"q": "inner question"}, "metadata": {"ticket": "OPS-12"}},
    )


@pytest.fixture
def person(run: Run) -> User:
    return make_user(run.team)


@pytest.fixture
def browser(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def share(browser: Client, run: Run, expires: str = "1d") -> str:
    """Make a link; returns its path."""
    response = browser.post(f"/runs/{run.pk}/share/", {"expires": expires}, headers={"Accept": "application/json"})
    assert response.status_code == 201
    found = re.search(r"/s/[^/]+/", response.json()["url"])
    assert found
    return found.group()


def test_a_link_shows_status_and_result_to_anybody_and_nothing_else(browser: Client, run: Run) -> None:
    path = share(browser, run)

    response = Client().get(path)

    html, live = response.content.decode(), Client().get(path + "live/").content.decode()
    assert response.status_code == 200
    assert 'data-run-status="succeeded"' in html
    assert "forty-two" in html
    assert "noindex" in html
    assert "noindex" in response.headers["X-Robots-Tag"]
    assert response.headers["Referrer-Policy"] == "no-referrer"
    for hidden in ("s3cret", "X-Key", "OPS-12", "inner question", str(run.remote_run_id), run.server.url):
        assert hidden not in html
        assert hidden not in live
    assert Client().get(path + "result.json").content == BODY
    assert 'data-run-status="succeeded"' in live


def test_the_token_is_long_and_stored_only_as_its_hash(browser: Client, run: Run) -> None:
    token = share(browser, run).split("/")[2]

    link = ShareLink.objects.get()

    assert len(token) * 6 >= 128
    assert len(bytes(link.token_hash)) == 32
    assert token.encode() not in bytes(link.token_hash)


@pytest.mark.parametrize(
    ("choice", "lifetime"), [("1h", timedelta(hours=1)), ("30d", timedelta(days=30)), ("never", None)]
)
def test_the_sharer_chooses_how_long(browser: Client, run: Run, choice: str, lifetime: timedelta | None) -> None:
    share(browser, run, choice)

    link = ShareLink.objects.get()

    if lifetime is None:
        assert link.expires_at is None
    else:
        assert link.expires_at is not None
        assert abs(link.expires_at - timezone.now() - lifetime) < timedelta(minutes=1)


def test_an_expired_link_is_gone(browser: Client, run: Run) -> None:
    path = share(browser, run)
    ShareLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert [Client().get(path + end).status_code for end in ("", "live/", "result.json")] == [404, 404, 404]


def test_revoking_ends_it_and_twice_is_harmless(browser: Client, run: Run) -> None:
    path = share(browser, run)
    revoke = f"/runs/{run.pk}/share/{ShareLink.objects.get().pk}/revoke/"

    first, second = browser.post(revoke), browser.post(revoke)

    assert (first.status_code, second.status_code) == (303, 303)
    assert Client().get(path).status_code == 404


def test_unknown_tokens_are_not_found(run: Run) -> None:
    assert Client().get("/s/guess/").status_code == 404
    assert Client().get("/s/" + "x" * 5000 + "/").status_code == 404


def test_making_and_revoking_reject_get_and_strangers(browser: Client, run: Run) -> None:
    share(browser, run)
    link = ShareLink.objects.get()
    stranger = Client()
    stranger.force_login(make_user(make_team()))
    make, revoke = f"/runs/{run.pk}/share/", f"/runs/{run.pk}/share/{link.pk}/revoke/"

    assert browser.get(make).status_code == browser.get(revoke).status_code == 405
    assert stranger.post(make, {"expires": "1d"}).status_code == 404
    assert stranger.post(revoke).status_code == 404
    link.refresh_from_db()
    assert link.revoked_at is None


def test_a_bad_expiry_is_refused_with_a_sentence(browser: Client, run: Run) -> None:
    response = browser.post(f"/runs/{run.pk}/share/", {"expires": "soon"}, headers={"Accept": "application/json"})

    assert response.status_code == 422
    assert response.json()["errors"]["expires"] == ["Choose one of the offered times."]


def test_without_javascript_the_new_link_is_shown_on_a_page(browser: Client, run: Run) -> None:
    response = browser.post(f"/runs/{run.pk}/share/", {"expires": "7d"})

    assert response.status_code == 200
    assert re.search(r"http://testserver/s/[\w-]{20,}/", response.content.decode())


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (RunStatus.FAILED, RunError("Server unreachable", "http://10.1.2.3:2024 could not be reached: refused.")),
        (RunStatus.LOST, RunError("Runboard error", "ConnectError('http://10.1.2.3:2024')")),
    ],
)
def test_what_went_wrong_between_us_and_the_server_is_not_shown_to_strangers(
    status: RunStatus, error: RunError
) -> None:
    run = make_run(status=status, error=error)
    Run.objects.filter(pk=run.pk).update(remote_run_id=None)
    _, token = share_create(run=run, by=make_user(run.team), lifetime=None)

    for end in ("", "live/"):
        html = Client().get(f"/s/{token}/{end}").content.decode()
        assert f'data-run-status="{status}"' in html
        assert "10.1.2.3" not in html


def test_what_the_graph_raised_is_reported(run: Run) -> None:
    failed = make_run(status=RunStatus.FAILED, error=RunError("ValueError", "no tides today", "write"))
    _, token = share_create(run=failed, by=make_user(failed.team), lifetime=None)

    assert "no tides today" in Client().get(f"/s/{token}/").content.decode()
