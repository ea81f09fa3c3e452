"""The status table, in Python and in the database, over the whole square of statuses."""

from __future__ import annotations

import itertools

import pytest
from django.db import IntegrityError, connection, transaction

from dashboard.runs.models import Run
from dashboard.runs.statuses import ACTIVE, ENDS, LOOKS, TRANSITIONS, IllegalTransition, RunStatus, check_transition
from dashboard.runs.transitions import run_move
from tests.factories import make_run

PAIRS = list(itertools.product(RunStatus, RunStatus))


@pytest.mark.parametrize(("was", "to"), PAIRS)
def test_every_pair_moves_or_raises(was: RunStatus, to: RunStatus) -> None:
    if to in TRANSITIONS[was]:
        check_transition(was, to)
    else:
        with pytest.raises(IllegalTransition, match=f"{was.value} cannot become {to.value}"):
            check_transition(was, to)


def test_every_status_is_an_end_or_active_and_has_a_look() -> None:
    assert set(RunStatus) == ACTIVE | ENDS == set(LOOKS) == set(TRANSITIONS)
    assert not ACTIVE & ENDS
    assert all(not TRANSITIONS[end] for end in ENDS)
    assert all(look.meaning.endswith(".") and look.tone and look.icon for look in LOOKS.values())


@pytest.mark.django_db
def test_the_database_agrees_with_the_table_over_the_whole_square() -> None:
    runs = {status: make_run(status=status) for status in RunStatus}
    disagreements = []

    for was, to in PAIRS:
        if was == to:
            continue
        allowed = True
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                # Only the guard is asked here; the check constraints about other columns have tests of their own.
                cursor.execute("UPDATE runs_run SET status = %s WHERE id = %s", [to, runs[was].pk])
                transaction.set_rollback(True)
        except IntegrityError as error:
            allowed = "cannot become" not in str(error)
        if allowed != (to in TRANSITIONS[was]):
            disagreements.append((was, to, allowed))

    assert disagreements == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "changes", "constraint"),
    [
        (RunStatus.RUNNING, {"remote_run_id": None}, "run_created_has_ids"),
        (RunStatus.RUNNING, {"finished_at": "2026-01-01T00:00:00Z"}, "run_finished_at_agrees"),
        (RunStatus.SUCCEEDED, {"finished_at": None}, "run_finished_at_agrees"),
        (RunStatus.SUCCEEDED, {"lease_owner": "00000000-0000-0000-0000-000000000001"}, "run_lease_only_while_held"),
        (RunStatus.QUEUED, {"lease_expires_at": "2026-01-01T00:00:00Z"}, "run_lease_only_while_held"),
        (RunStatus.CANCELLING, {"cancel_requested_at": None}, "run_cancelling_was_asked"),
        (RunStatus.QUEUED, {"thread_choice": "elsewhere"}, "run_thread_choice_known"),
        (RunStatus.QUEUED, {"cancel_action": "maybe"}, "run_cancel_action_known"),
    ],
)
def test_the_database_refuses_rows_that_contradict_their_status(
    status: RunStatus, changes: dict[str, object], constraint: str
) -> None:
    run = make_run(status=status)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(**changes)


@pytest.mark.django_db
def test_second_mover_loses() -> None:
    run = make_run()
    stale = Run.objects.get(pk=run.pk)
    assert run_move(run, RunStatus.CANCELLED)

    moved = run_move(stale, RunStatus.STARTING)

    assert not moved
    assert Run.objects.get(pk=run.pk).status == RunStatus.CANCELLED


@pytest.mark.django_db
def test_a_move_that_the_table_forbids_is_an_error_and_writes_nothing() -> None:
    run = make_run(status=RunStatus.SUCCEEDED)

    with pytest.raises(IllegalTransition):
        run_move(run, RunStatus.RUNNING)

    assert Run.objects.get(pk=run.pk).version == run.version
