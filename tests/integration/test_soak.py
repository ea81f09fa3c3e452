"""A minute of the soak: see `tests/soak`. `make soak` plays ten. And that its judge reads what the database holds.

What the judge makes of that is in `tests/unit/soak`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboard.runs.models import Run, RunEvent, RunResult
from dashboard.runs.statuses import RunStatus
from tests.factories import make_run
from tests.soak.scenarios import KINDS
from tests.soak.users import Launched
from tests.soak.verdict import judge_runs, kept_runs

ROOT = Path(__file__).resolve().parents[2]
AT_MOST_S = 400
"""A minute, its beginning, and the time the last runs may take: three minutes, see `ENDED_WITHIN_S`."""


@pytest.mark.slow
def test_a_minute_of_every_fault_leaves_nothing_wrong() -> None:
    """In a process of its own, with a database of its own: it takes that away while it runs."""
    seed = os.environ.get("SOAK_SEED", "")
    soak = subprocess.run(
        [sys.executable, "-m", "tests.soak"],
        cwd=ROOT,
        env={**os.environ, "SOAK_MINUTES": "1", "SOAK_SEED": seed},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=AT_MOST_S,
        check=False,
    )

    assert soak.returncode == 0, soak.stdout


BODY = b'{ "half":0.50}'


def judged(run: Run) -> list[str]:
    """What the judge finds wrong with a plain run of whose server it knows that it succeeded with `BODY`."""
    record: dict[str, Any] = {
        "ours": str(run.pk),
        "run_id": run.remote_run_id,
        "thread_id": run.remote_thread_id,
        "resume": None,
        "has_input": True,
        "status": "success",
        "asks": False,
        "waits": False,
        "is_forgotten": False,
        "has_thread": True,
        "documents": [hashlib.sha256(BODY).hexdigest()],
        "values": "",
        "written_again": [],
    }
    findings = judge_runs(kept_runs(), [Launched(str(run.pk), KINDS["plain"])], [record], [])
    return [what for what, sentences in findings.wrong.items() if sentences]


def lose_event(run: Run) -> None:
    RunEvent.objects.filter(run=run, seq=2).delete()


def change_body(run: Run) -> None:
    other = make_run(team=run.team, status=RunStatus.SUCCEEDED, body=b'{"half":0.5}').result
    RunResult.objects.filter(run=run).update(
        compressed=other.compressed, size_bytes=other.size_bytes, sha256=other.sha256
    )
    other.run.delete()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("lie", "found"),
    [
        (lambda run: None, []),
        (lambda run: run.delete(), ["runs nobody launched, or that are not there"]),
        (lose_event, ["holes in events"]),
        (change_body, ["runs with a wrong final state"]),
        (lambda run: RunResult.objects.filter(run=run).delete(), ["runs with a wrong final state"]),
        (
            lambda run: Run.objects.filter(pk=run.pk).update(executions=2),
            ["runs executed again, and not said so, or the other way round"],
        ),
    ],
    ids=["nothing", "the run", "an event", "other bytes", "no bytes", "executions"],
)
def test_what_is_wrong_in_the_database_is_found(lie: Callable[[Run], Any], found: list[str]) -> None:
    run = make_run(status=RunStatus.SUCCEEDED, body=BODY)
    before = Run.objects.get(pk=run.pk)

    lie(run)

    assert judged(before) == found
