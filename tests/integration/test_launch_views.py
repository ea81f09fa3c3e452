"""Launching in the browser: what a POST does, and what it does the second time."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from dashboard.runs.models import Run
from dashboard.teams.models import Team, User
from tests.factories import make_run

pytestmark = pytest.mark.django_db

JSON = {"headers": {"Accept": "application/json"}}


def test_launch_saves_a_queued_run_and_leads_to_it(browser: Client, team: Team, person: User) -> None:
    response = browser.post("/launch/", {"assistant_id": "chat", "input": '{"x": 1}', "name": "First", "tags": "a, b"})

    run = Run.objects.get()
    assert (response.status_code, response.headers["Location"]) == (303, f"/runs/{run.pk}/")
    assert (run.status, run.name, run.tags, run.launched_by, run.team) == ("queued", "First", ["a", "b"], person, team)
    assert run.request.params == {"input": {"x": 1}, "if_not_exists": "create"}


def test_launch_answers_programs_with_json(browser: Client) -> None:
    good = browser.post("/launch/", {"assistant_id": "chat"}, **JSON)
    bad = browser.post("/launch/", {"input": "{"}, **JSON)

    run = Run.objects.get()
    assert (good.status_code, good.json()) == (201, {"id": str(run.pk), "url": f"/runs/{run.pk}/"})
    assert bad.status_code == 422
    assert set(bad.json()["errors"]) == {"assistant_id", "input"}


def test_a_bad_launch_keeps_everything_typed_and_says_why_next_to_the_field(browser: Client) -> None:
    typed = {
        "assistant_id": "chät",
        "input": '{"a": 1,,}',
        "name": "Keep <me>",
        "interrupt_before": "x\ny",
        "webhook": "nope",
    }

    response = browser.post("/launch/", typed)

    html = response.content.decode()
    assert response.status_code == 422
    assert Run.objects.count() == 0
    for kept in ("chät", "{&quot;a&quot;: 1,,}", "Keep &lt;me&gt;", "x\ny", "nope"):
        assert kept in html
    assert "expected a key in double quotes" in html
    assert 'aria-invalid="true"' in html


def test_the_same_form_sent_twice_launches_once(browser: Client) -> None:
    form = {"assistant_id": "chat", "launch_key": str(uuid.uuid4())}

    first = browser.post("/launch/", form)
    second = browser.post("/launch/", form)

    assert first.headers["Location"] == second.headers["Location"]
    assert Run.objects.count() == 1


def test_get_prefills_and_never_launches(browser: Client) -> None:
    response = browser.get(
        "/launch/",
        {"assistant_id": "report", "input": '{"topic": "x"}', "headers": '{"X": "s3cret"}', "durability": "sync"},
    )

    html = response.content.decode()
    assert "{&quot;topic&quot;: &quot;x&quot;}" in html
    assert "s3cret" not in html
    assert Run.objects.count() == 0


def test_launch_again_carries_everything_but_shows_no_secret(browser: Client, team: Team, person: User) -> None:
    run = make_run(
        team=team,
        by=person,
        params={"input": {"x": 0}, "raise_error": False, "interrupt_after": ["a", "b"], "after_seconds": 0},
        headers={"X-Key": "s3cret"},
        name="Night run",
    )

    html = browser.get(f"/launch/?from={run.pk}").content.decode()

    assert "Night run" in html
    assert "s3cret" not in html
    assert "X-Key" in html
    form = browser.get(f"/launch/?from={run.pk}").context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() not in (None, "")}
    response = browser.post("/launch/", sent)
    assert response.status_code == 303, response.context["form"].errors
    again = Run.objects.get(parent=run)
    assert again.request.params == run.request.params
    assert bytes(again.request.secret_headers) != b""
    assert again.parent_kind == "again"
