"""A run read by our own statement is the same as one that the ORM reads."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.runs.models import Run
from dashboard.runs.outcomes import RunError
from dashboard.runs.selectors import NOT_ON_PAGE, ON_PAGE, run_for_page, run_get
from dashboard.runs.statuses import RunStatus
from dashboard.steps.models import StepLog
from dashboard.teams.models import Team
from tests.factories import make_run, make_team

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.SUCCEEDED, RunStatus.FAILED])
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_page_reads_the_same_run_as_the_orm(team: Team, status: RunStatus, is_whole: bool) -> None:
    body = b'{"report": "tides"}' if status == RunStatus.SUCCEEDED else None
    pk = make_run(team=team, status=status, body=body, error=RunError("E", "long", "node")).pk
    if is_whole:
        StepLog.objects.create(run_id=pk, tokens={"m": {"input": 3}}, server_wait_s=0.5)
    else:
        Run.objects.filter(pk=pk).update(launched_by=None)

    run = run_get(team, pk)

    assert run is not None
    theirs = Run.objects.select_related(*ON_PAGE).defer(*NOT_ON_PAGE).get(pk=pk)
    assert state(run) == state(theirs)
    with CaptureQueriesContext(connection) as asked:
        for name in ON_PAGE:
            ours, other = getattr(run, name, None), getattr(theirs, name, None)
            assert (ours is None) == (other is None), name
            if ours is not None:
                assert state(ours) == state(other), name
                assert getattr(ours, "run", run) is run
    assert len(asked) == 0


def state(read: Any) -> dict[str, Any]:
    """Everything that was read of an object."""
    return {name: value for name, value in vars(read).items() if name != "_state"}


def test_a_run_of_another_team_is_not_found(team: Team) -> None:
    pk = make_run(team=team).pk

    assert run_get(make_team(), pk) is None
    assert run_get(team, uuid.uuid4()) is None
    assert run_for_page(uuid.uuid4()) is None
    assert run_for_page(pk) == run_get(team, pk) == Run.objects.get(pk=pk)
