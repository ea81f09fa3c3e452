"""Storing how a run ended: the usual end in one statement, every other with a look at the row, both the same."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from dashboard.runs.events import EventKind
from dashboard.runs.leases import Lease, LeaseLost, event_append_fenced, run_created_on_server, run_sending
from dashboard.runs.models import Run, RunResult
from dashboard.runs.outcomes import Outcome, RunError, run_finish
from dashboard.runs.services import run_cancel
from dashboard.runs.statuses import ENDS, RunStatus
from tests.factories import claim, make_run
from tests.meanwhile import Meanwhile

pytestmark = pytest.mark.django_db

BODY = b'{"kept": "byte for  byte"}'
SUCCEEDED = Outcome(RunStatus.SUCCEEDED, body=BODY)


def locked_run(*, starts_later: bool = False) -> tuple[Run, Lease]:
    run = make_run()
    lease = claim(run)
    run_sending(lease)
    ids = {"remote_run_id": str(uuid.uuid4()), "remote_thread_id": str(uuid.uuid4())}
    run_created_on_server(lease, **ids, starts_later=starts_later)
    run.refresh_from_db()
    return run, lease


def test_the_usual_end_is_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    run, lease = locked_run()

    with django_assert_num_queries(1):
        run_finish(lease, SUCCEEDED)

    run = Run.objects.get(pk=run.pk)
    assert (run.status, run.result.body, run.error_type) == ("succeeded", BODY, "")


@pytest.mark.parametrize("error", [None, RunError("ValueError", "No topic.", "ask")], ids=["", "with an error"])
@pytest.mark.parametrize("body", [None, b"", BODY], ids=["no state", "an empty one", "a state"])
@pytest.mark.parametrize("status", sorted(ENDS))
def test_every_end_is_written_whole(status: RunStatus, body: bytes | None, error: RunError | None) -> None:
    run, lease = locked_run()
    version, seq = run.version, run.last_event_seq

    run_finish(lease, Outcome(status, error=error, body=body, ending={"next": ["ask"]}))

    run = Run.objects.get(pk=run.pk)
    assert (run.status, run.ending) == (status, {"next": ["ask"]})
    assert (run.lease_owner, run.lease_expires_at, run.version) == (None, None, version + 1)
    last_event = run.events.order_by("seq").values_list("seq", "kind", "data__from", "data__to").last()
    assert last_event == (seq + 1, "status", "running", status)
    assert [result.body for result in RunResult.objects.filter(run=run)] == ([] if body is None else [body])
    assert (run.error_type, run.error_node) == (("ValueError", "ask") if error else ("", ""))
    assert ("no topic" in run.search_text) == bool(error)


def test_a_run_that_someone_wants_to_cancel_ends_from_there() -> None:
    run, lease = locked_run()
    run_cancel(run=run, by=run.launched_by)

    run_finish(lease, SUCCEEDED)

    last = run.events.order_by("seq").last()
    assert last is not None
    assert (last.data["from"], last.data["to"]) == ("cancelling", "succeeded")


def test_a_run_that_nobody_saw_begin_ends_from_there() -> None:
    run, lease = locked_run(starts_later=True)

    run_finish(lease, SUCCEEDED)

    last = run.events.order_by("seq").last()
    assert last is not None
    assert (last.data["from"], last.data["to"]) == ("scheduled", "succeeded")


def test_a_second_execution_is_noted_before_the_end() -> None:
    run, lease = locked_run()

    run_finish(lease, replace(SUCCEEDED, executions=2))

    kinds = list(run.events.order_by("-seq").values_list("kind", flat=True)[:2])
    run = Run.objects.get(pk=run.pk)
    assert (run.status, run.executions, kinds) == ("succeeded", 2, ["status", "executed_again"])


@pytest.mark.parametrize("body", [BODY, None])
def test_a_worker_that_lost_its_lease_writes_nothing(body: bytes | None) -> None:
    run, lease = locked_run()

    with pytest.raises(LeaseLost):
        run_finish(replace(lease, fence=lease.fence - 1), replace(SUCCEEDED, body=body))

    run = Run.objects.get(pk=run.pk)
    assert run.status == "running"
    assert not RunResult.objects.filter(run=run).exists()


@pytest.mark.django_db(transaction=True)
def test_an_end_is_stored_with_its_final_state_or_not_at_all() -> None:
    run, lease = locked_run()
    RunResult.objects.create(run=run, compressed=b"", size_bytes=0, sha256=b"")

    with pytest.raises(IntegrityError):
        run_finish(lease, SUCCEEDED)

    assert Run.objects.get(pk=run.pk).status == "running"
    assert run.last_event_seq == run.events.count()


@pytest.mark.parametrize("executions", [1, 2], ids=["at once", "after a look"])
def test_an_end_noticed_late_is_dated_by_how_long_it_took_and_never_before_its_start(executions: int) -> None:
    run, lease = locked_run()
    an_hour_ago = timezone.now() - timedelta(hours=1)
    Run.objects.filter(pk=run.pk).update(started_at=an_hour_ago)

    run_finish(lease, replace(SUCCEEDED, took_s=60.0, executions=executions))

    assert Run.objects.get(pk=run.pk).finished_at == an_hour_ago + timedelta(minutes=1)


def test_an_end_of_a_run_that_is_not_known_to_have_started_is_dated_now() -> None:
    run = make_run()
    lease = claim(run)

    run_finish(lease, Outcome(RunStatus.LOST, took_s=60.0))

    finished_at = Run.objects.get(pk=run.pk).finished_at
    assert finished_at is not None
    assert abs(finished_at - timezone.now()) < timedelta(seconds=30)


class Ending(Meanwhile):
    """Ends a run while its row is still locked by the test."""

    def __init__(self, lease: Lease) -> None:
        self.refused: LeaseLost | None = None
        super().__init__(partial(self._finish, lease))

    def _finish(self, lease: Lease) -> None:
        try:
            run_finish(lease, SUCCEEDED)
        except LeaseLost as error:
            self.refused = error


@pytest.mark.django_db(transaction=True)
def test_an_end_that_meets_a_cancel_comes_after_it() -> None:
    run, lease = locked_run()
    with transaction.atomic():
        run_cancel(run=run, by=run.launched_by)
        end = Ending(lease)
    end.join()

    events = list(run.events.order_by("seq").values_list("seq", "data__from", "data__to"))[-2:]
    assert [each[1:] for each in events] == [("running", "cancelling"), ("cancelling", "succeeded")]
    assert [seq for seq, *_ in events] == [run.events.count() - 1, run.events.count()]
    assert Run.objects.get(pk=run.pk).result.body == BODY


@pytest.mark.django_db(transaction=True)
def test_an_end_that_meets_a_remark_comes_after_it() -> None:
    run, lease = locked_run()
    with transaction.atomic():
        event_append_fenced(lease, kind=EventKind.WARNING, data={"message": "Slow."})
        end = Ending(lease)
    end.join()

    events = list(run.events.order_by("seq").values_list("seq", "kind"))
    assert [kind for _, kind in events[-2:]] == ["warning", "status"]
    assert [seq for seq, _ in events] == list(range(1, len(events) + 1))
    assert Run.objects.get(pk=run.pk).status == "succeeded"


@pytest.mark.django_db(transaction=True)
def test_an_end_that_meets_a_change_of_hands_is_refused() -> None:
    run, lease = locked_run()
    with transaction.atomic():
        Run.objects.filter(pk=run.pk).update(lease_owner=uuid.uuid4(), fence=lease.fence + 1)
        end = Ending(lease)
    end.join()

    assert end.refused is not None
    assert Run.objects.get(pk=run.pk).status == "running"
    assert not RunResult.objects.filter(run=run).exists()
