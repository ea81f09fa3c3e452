"""Storing large states leaves the rest of the worker its turn."""

from __future__ import annotations

import asyncio
import threading
import uuid
from pathlib import Path

import pytest

from dashboard.runs import holding
from dashboard.runs.holding import Hold, Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.worker.database import Database
from dashboard.worker.spool import Spool
from dashboard.worker.storing import LARGE_BYTES, OutcomeStore


@pytest.mark.django_db(transaction=True)
async def test_large_states_leave_the_database_threads_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_stored, began = threading.Event(), []

    def finish(hold: Hold, outcome: Outcome) -> None:
        began.append(hold)
        is_stored.wait(30)

    monkeypatch.setattr(holding, "run_finish", finish)
    database = Database()
    store = OutcomeStore(database, Spool(tmp_path))
    large = Outcome(RunStatus.SUCCEEDED, body=b"1" * (LARGE_BYTES + 1))
    storing = [
        asyncio.create_task(store.store(Hold(uuid.uuid4(), uuid.uuid4(), number), "r", large)) for number in range(8)
    ]
    try:
        async with asyncio.timeout(10):
            assert await database.call(lambda: "renewed") == "renewed"
        assert len(began) <= 1
    finally:
        is_stored.set()
        await asyncio.gather(*storing)
        database.close()

    assert len(began) == 8
