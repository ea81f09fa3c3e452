"""Final states go into the database and come out of it byte for byte, in pieces."""

from __future__ import annotations

import hashlib
import random
import tracemalloc

import pytest
from django.db import DataError, transaction

from dashboard.runs.leases import lease_of
from dashboard.runs.models import RunResult
from dashboard.runs.outcomes import Outcome, run_finish
from dashboard.runs.state import storage
from dashboard.runs.state.storage import pack, packed_copy
from dashboard.runs.statuses import RunStatus
from tests.factories import make_run

pytestmark = pytest.mark.django_db


def incompressible(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("body", [b"", b"{}", b"0" * 5_000_000, incompressible(999_999), incompressible(5_000_001)])
def test_what_is_stored_comes_back(body: bytes) -> None:
    run = make_run(status=RunStatus.SUCCEEDED, body=body)

    result = RunResult.objects.get(run=run)
    assert result.body == body
    assert (result.size_bytes, bytes(result.sha256)) == (len(body), hashlib.sha256(body).digest())
    assert abs((result.received_at - run.created_at).total_seconds()) < 60


def test_packing_and_storing_need_little_more_memory_than_what_is_stored() -> None:
    lease = lease_of(make_run(status=RunStatus.RUNNING))
    body = incompressible(20_000_000)
    tracemalloc.start()
    try:
        run_finish(lease, Outcome(RunStatus.SUCCEEDED, body=body))
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert used < 1.3 * len(body)


def test_a_second_result_is_refused_like_any_other_row() -> None:
    run = make_run()
    packed_copy(run.pk, pack(incompressible(2_000_000)))

    with pytest.raises(Exception, match="duplicate key") as refused, transaction.atomic():
        packed_copy(run.pk, pack(incompressible(2_000_000)))

    assert type(refused.value).__module__ == "django.db.utils"


def test_what_postgres_cannot_keep_is_a_data_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "FIELD_MAX_BYTES", 1_500_000)

    with pytest.raises(DataError, match="more than Postgres can keep"):
        packed_copy(make_run().pk, pack(incompressible(2_000_000)))
