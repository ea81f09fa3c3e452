"""`prune_runs` and `seed_runs`."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from dashboard.runs.models import Run, RunEvent, RunResult
from dashboard.runs.statuses import RunStatus
from tests.factories import make_run, make_server, make_team, make_user

pytestmark = pytest.mark.django_db


def command(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_prune_removes_only_what_ended_long_ago() -> None:
    old = make_run(status=RunStatus.SUCCEEDED, body=b"{}")
    Run.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=91))
    recent = make_run(status=RunStatus.FAILED)
    going_on = make_run(status=RunStatus.RUNNING)
    Run.objects.filter(pk=going_on.pk).update(created_at=timezone.now() - timedelta(days=400))

    said_dry = command("prune_runs", "--days", "90", "--dry-run")
    assert Run.objects.count() == 3
    said = command("prune_runs", "--days", "90")

    assert (said_dry, said) == ("1 runs would be removed.\n", "1 runs removed.\n")
    assert set(Run.objects.values_list("pk", flat=True)) == {recent.pk, going_on.pk}
    assert not RunResult.objects.exists()
    assert not RunEvent.objects.filter(run_id=old.pk).exists()


def test_prune_refuses_nonsense() -> None:
    with pytest.raises(CommandError, match="0 or more"):
        command("prune_runs", "--days", "-1")


def test_seed_fills_the_first_teams_history_with_runs_that_could_be() -> None:
    server = make_server(make_team())
    make_user(server.team)

    said = command("seed_runs", "300")

    assert said == "300 runs made.\n"
    assert Run.objects.filter(team=server.team, tags__contains=["seeded"]).count() == 300
    assert len(set(Run.objects.values_list("status", flat=True))) >= 4


def test_seed_without_a_team_says_what_to_do() -> None:
    with pytest.raises(CommandError, match="make run"):
        command("seed_runs", "1")
