"""Steps in Postgres and on pages: what workers store, what pages and programs get, and who gets nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.runs.models import Run
from dashboard.runs.related import runs_related
from dashboard.runs.statuses import RunStatus
from dashboard.steps import services
from dashboard.steps.models import LiveText, Step, StepLog
from dashboard.steps.timeline import StepFound
from dashboard.teams.models import Team, User
from tests.factories import make_run, make_server, make_team, make_user
from tests.integration.recording import record
from tests.words import flat

pytestmark = pytest.mark.django_db

BEGAN = datetime(2026, 11, 26, 15, 0, tzinfo=UTC)


def found(node: str, first_s: float, last_s: float | None, **fields: Any) -> StepFound:
    ends = BEGAN + timedelta(seconds=last_s) if last_s is not None else None
    return StepFound(node, started_at=BEGAN + timedelta(seconds=first_s), finished_at=ends, **fields)


STEPS = [
    found("plan", 0, 1, writes=b'{"route": ["a"]}', writes_bytes=16),
    found("measure", 1, 3),
    found("sample", 1, 2, path=("measure",)),
    found("judge", 3, 4, status="failed", error="ValueError('<b>no</b>')"),
]


def test_programs_get_every_step(browser: Client, team: Team, person: User) -> None:
    run = make_run(team=team, by=person, status=RunStatus.FAILED)
    record(run, STEPS)

    document = browser.get(f"/runs/{run.pk}/steps.json").json()

    assert (document["complete"], document["why"]) == (True, None)
    assert document["steps"][0] == {
        "index": 0,
        "node": "plan",
        "path": [],
        "started_at": "2026-11-26T15:00:00+00:00",
        "finished_at": "2026-11-26T15:00:01+00:00",
        "duration_ms": 1000,
        "status": "done",
        "error": None,
        "attempt": 1,
        "writes": {"route": ["a"]},
    }
    assert [step["path"] for step in document["steps"]] == [[], [], ["measure"], []]


def test_the_page_has_a_row_for_each_step_and_opens_one(browser: Client, team: Team, person: User) -> None:
    run = make_run(team=team, by=person, status=RunStatus.FAILED)
    record(run, STEPS)

    page = flat(browser.get(f"/runs/{run.pk}/"))
    opened = flat(browser.get(f"/runs/{run.pk}/steps/3/", headers={"HX-Request": "true"}))

    assert 'data-step-index="3" data-step-node="judge" data-step-status="failed"' in page
    assert "&lt;b&gt;no&lt;/b&gt;" in opened
    assert "<b>no" not in opened
    assert "route" in flat(browser.get(f"/runs/{run.pk}/steps/0/"))
    assert browser.get(f"/runs/{run.pk}/steps/9/").status_code == 404


@pytest.mark.parametrize("path", ["steps.json", "steps/", "steps/0/"])
def test_strangers_learn_nothing(client: Client, team: Team, person: User, path: str) -> None:
    run = make_run(team=team, by=person, status=RunStatus.FAILED)
    record(run, STEPS)
    client.force_login(make_user(make_team()))

    assert client.get(f"/runs/{run.pk}/{path}").status_code == 404
    assert client.post(f"/runs/{run.pk}/{path}").status_code in (404, 405)


def test_a_run_is_read_by_one_worker_and_only_once(team: Team, person: User) -> None:
    run = make_run(team=team, by=person, status=RunStatus.SUCCEEDED, body=b"{}")
    make_run(team=team, by=person, status=RunStatus.RUNNING)

    assert [taken.pk for taken in services.recordings_claim(limit=5)] == [run.pk]
    assert services.recordings_claim(limit=5) == []
    StepLog.objects.update(claimed_at=timezone.now() - services.CLAIM_LASTS * 2)
    record(run, STEPS)

    assert services.recordings_claim(limit=5) == []


def test_a_run_that_nobody_can_read_is_given_up(team: Team, person: User) -> None:
    run = make_run(team=team, by=person, status=RunStatus.SUCCEEDED, body=b"{}")
    for _ in range(services.TRIES):
        assert services.recordings_claim(limit=5)
        StepLog.objects.update(claimed_at=timezone.now() - services.CLAIM_LASTS * 2)

    assert services.recordings_claim(limit=5) == []
    assert "could not be read" in StepLog.objects.get(run=run).why


def test_what_was_seen_live_gives_way_to_the_history(team: Team, person: User) -> None:
    run = make_run(team=team, by=person, status=RunStatus.RUNNING)
    assert services.steps_observe(run_id=run.pk, first=0, steps=[found("plan", 0, None, status="running")])
    assert services.steps_observe(run_id=run.pk, first=0, steps=[STEPS[0], found("x", 1, None, status="running")])
    services.words_observe(run_id=run.pk, entries=[{"id": "m", "node": "plan", "text": "a\x00b", "cut": 0}])
    assert LiveText.objects.get(run=run).entries[0]["text"] == "a\ufffdb"
    Run.objects.filter(pk=run.pk).update(
        status="succeeded", finished_at=timezone.now(), lease_owner=None, lease_expires_at=None
    )
    record(run, STEPS)

    assert list(Step.objects.filter(run=run).values_list("node", flat=True)) == ["plan", "measure", "sample", "judge"]
    assert not LiveText.objects.filter(run=run).exists()
    assert not services.steps_observe(run_id=run.pk, first=0, steps=[])
    services.words_observe(run_id=run.pk, entries=[{"id": "m", "node": "plan", "text": "late", "cut": 0}])
    assert not LiveText.objects.filter(run=run).exists()


def test_a_reading_that_brought_nothing_leaves_what_was_seen(browser: Client, team: Team, person: User) -> None:
    run = make_run(team=team, by=person, status=RunStatus.RUNNING)
    services.steps_observe(run_id=run.pk, first=0, steps=[STEPS[0], found("x", 1, None, status="running")])
    Run.objects.filter(pk=run.pk).update(
        status="succeeded", finished_at=timezone.now(), lease_owner=None, lease_expires_at=None
    )
    record(run, [], why="The server could not be asked.")

    document = browser.get(f"/runs/{run.pk}/steps.json").json()

    assert [step["node"] for step in document["steps"]] == ["plan"]
    assert (document["complete"], document["why"]) == (False, "The server could not be asked.")


def test_two_thousand_steps_make_a_small_page(browser: Client, team: Team, person: User) -> None:
    run = make_run(team=team, by=person, status=RunStatus.SUCCEEDED, body=b"{}")
    record(run, [found(f"node{number}", number, number + 1) for number in range(2000)])

    page = browser.get(f"/runs/{run.pk}/steps/").content
    later = flat(browser.get(f"/runs/{run.pk}/steps/?from=1800"))

    assert page.count(b"data-step-index") == 200
    assert len(page) < 250_000
    assert 'data-step-index="1999"' in later
    assert browser.get(f"/runs/{run.pk}/steps/?from=99999999").status_code == 200


def test_how_long_such_runs_usually_take(browser: Client, team: Team, person: User) -> None:
    server = make_server(team)
    now = timezone.now()
    for took_s in (10, 20, 30, 40):
        ended = make_run(team=team, by=person, server=server, status=RunStatus.SUCCEEDED, body=b"{}")
        Run.objects.filter(pk=ended.pk).update(started_at=now - timedelta(seconds=took_s), finished_at=now)
    run = make_run(team=team, by=person, server=server, status=RunStatus.RUNNING)

    document = json.loads(browser.get(f"/runs/{run.pk}.json").content)
    page = flat(browser.get(f"/runs/{run.pk}/"))

    assert document["usual_s"] == 25.0
    assert "usually 18\u201332 s" in page or "usually 17\u201332 s" in page
    assert "usually done" in page


def test_related_runs_are_named_once_each_with_what_they_are(browser: Client, team: Team, person: User) -> None:
    server = make_server(team)
    first = make_run(team=team, by=person, server=server, name="the first", status=RunStatus.SUCCEEDED, body=b"{}")
    run = make_run(team=team, by=person, server=server, name="this", parent=first, parent_kind="again")
    make_run(team=team, by=person, server=server, name="a fork", parent=run, parent_kind="fork", params={"input": 1})
    make_run(team=team, by=person, server=server, name="alike")
    make_run(team=team, by=person, server=server, name="another input", params={"input": {"topic": "gales"}})
    make_run(name="another team's")

    found = [(one.label, one.run.title) for one in runs_related(Run.objects.get(pk=run.pk))]

    assert found == [
        ("Launched again from", "the first"),
        ("Forked as", "a fork"),
        ("With the same input", "alike"),
    ]
    # The page fetches them when they are looked at, and leads there without a script.
    assert f'href="/runs/{run.pk}/related/"' in flat(browser.get(f"/runs/{run.pk}/"))
    for headers in ({}, {"HX-Request": "true"}):
        assert "a fork" in flat(browser.get(f"/runs/{run.pk}/related/", headers=headers))
