"""Runs are kept as long as their team says: results go first, then runs; what is starred or waits is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client

from dashboard.retention.models import RetentionRule
from dashboard.retention.services import AT_ONCE, retention_work
from dashboard.runs.models import Run, RunResult, WaitState
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Role, Team
from tests.factories import make_run, make_server, make_team, make_user

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}
BODY = b'{"answer": "neap tides"}'


@pytest.fixture
def team() -> Team:
    team = make_team()
    make_server(team)
    return team


@pytest.fixture
def admin(client: Client, team: Team) -> Client:
    client.force_login(make_user(team, role=Role.ADMIN))
    return client


def ended(team: Team, days: int, status: RunStatus = RunStatus.SUCCEEDED, **fields: object) -> Run:
    run = make_run(team=team, status=status, body=BODY, params={"input": {"topic": "tides"}})
    fields = {"finished_at": Now() - timedelta(days=days, hours=1), **fields}
    Run.objects.filter(pk=run.pk).update(**fields)
    return run


def kept(team: Team) -> dict[Run, bool]:
    """The runs that are left, and whether they have a result."""
    return {run: RunResult.objects.filter(run=run).exists() for run in Run.objects.filter(team=team)}


def test_results_go_before_runs_and_others_stay(team: Team) -> None:
    young, middle, old = (ended(team, days) for days in (1, 10, 40))
    failed = ended(team, 40, RunStatus.FAILED)
    other = ended(make_other(), 40)
    RetentionRule.objects.create(team=team, status="succeeded", results_days=7, runs_days=30)

    assert not retention_work()

    assert kept(team) == {young: True, middle: False, failed: True}
    assert kept(other.team) == {other: True}
    assert not Run.objects.filter(pk=old.pk).exists()


def make_other() -> Team:
    other = make_team()
    make_server(other)
    return other


def test_what_is_starred_or_waits_or_goes_on_is_kept(team: Team) -> None:
    starred = ended(team, 40, is_starred=True)
    waits = ended(team, 40, RunStatus.NEEDS_INPUT, wait_state=WaitState.OPEN)
    running = make_run(team=team, status=RunStatus.RUNNING)
    for status in (RunStatus.SUCCEEDED, RunStatus.NEEDS_INPUT):
        RetentionRule.objects.create(team=team, status=status, results_days=1, runs_days=1)

    retention_work()

    assert kept(team) == {starred: True, waits: True, running: False}


def test_an_emptied_run_says_so_and_its_result_is_not_found_any_more(admin: Client, team: Team) -> None:
    run = ended(team, 10, outcome_text="neap tides", search_text="tides neap")
    RetentionRule.objects.create(team=team, status="succeeded", results_days=7)

    retention_work()

    page = admin.get(f"/runs/{run.pk}/").content.decode()
    assert "It was removed: your team keeps such results only for a while." in page
    assert "neap" not in page
    assert admin.get(f"/runs/{run.pk}/result.json").status_code == 404
    found = {text: str(run.pk) in admin.get(f"/runs/?q={text}").content.decode() for text in ("neap", "tides")}
    assert found == {"neap": False, "tides": True}
    assert [event.kind for event in run.events.all()][-1] == "result_removed"
    assert not retention_work(), "nothing is removed twice"
    assert run.events.filter(kind="result_removed").count() == 1


def test_many_go_a_few_at_a_time(team: Team) -> None:
    for _ in range(AT_ONCE + 1):
        ended(team, 10)
    RetentionRule.objects.create(team=team, status="succeeded", runs_days=7)

    assert retention_work()
    assert Run.objects.count() == 1
    assert not retention_work()
    assert not Run.objects.exists()


def test_a_preview_counts_and_removes_and_saves_nothing(admin: Client, team: Team) -> None:
    for days in (1, 10, 40):
        ended(team, days)
    fields = {"results_succeeded": "7", "runs_succeeded": "30"}

    preview = admin.post("/retention/", {**fields, "preview": "1"}, headers=JSON).json()
    page = admin.post("/retention/", {**fields, "preview": "1"}).content.decode()

    assert preview["succeeded"] == {"results": 1, "runs": 1}
    assert "1 result<br>1 run" in "".join(page.split("\n")).replace("  ", "")
    assert 'value="30"' in page
    assert not RetentionRule.objects.exists()
    assert Run.objects.count() == 3


def test_rules_are_saved_and_bad_numbers_are_shown_next_to_their_field(admin: Client) -> None:
    refused = admin.post("/retention/", {"results_succeeded": "0", "runs_failed": "soon"})
    errors = admin.post("/retention/", {"results_succeeded": "0", "runs_failed": "soon"}, headers=JSON)

    assert refused.status_code == errors.status_code == 422
    assert 'value="soon"' in refused.content.decode()
    assert set(errors.json()["errors"]) == {"results_succeeded", "runs_failed"}

    admin.post("/retention/", {"results_succeeded": "7", "runs_failed": "90"})
    rules = {rule["status"]: rule for rule in admin.get("/retention/", headers=JSON).json()["rules"]}
    assert rules["succeeded"] == {"status": "succeeded", "results_days": 7, "runs_days": None}
    assert rules["failed"]["runs_days"] == 90

    admin.post("/retention/", {"results_succeeded": "", "runs_failed": "90"})
    assert RetentionRule.objects.get(status="succeeded").results_days is None
