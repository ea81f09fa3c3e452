"""Made-up history, written in bulk: a hundred thousand runs in about a minute."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from dashboard.runs.events import EventKind
from dashboard.runs.models import Run, RunEvent, RunRequest, RunResult, ThreadChoice
from dashboard.runs.statuses import RunStatus
from dashboard.servers.models import Server
from dashboard.teams.models import User
from dashboard.teams.selectors import team_people

BATCH = 1_000
ENDS = {
    RunStatus.SUCCEEDED: 80,
    RunStatus.FAILED: 9,
    RunStatus.CANCELLED: 5,
    RunStatus.NEEDS_INPUT: 4,
    RunStatus.TIMED_OUT: 2,
}
TOPICS = "tides lighthouses harbours currents charts anchors gales buoys knots moorings".split()


def runs_seed(*, server: Server, count: int, days: float) -> int:
    """Make `count` ended runs spread over the last `days` days; the same ones, but for ids and times, each time."""
    dice = random.Random(count)  # noqa: S311 - made-up history, no secret
    people = team_people(server.team)
    now = timezone.now()
    for start in range(0, count, BATCH):
        moments = [now - timedelta(days=dice.random() * days) for _ in range(min(BATCH, count - start))]
        with transaction.atomic():
            _write([_run(server, people, moment, dice) for moment in moments])
    return count


def _run(server: Server, people: list[User], created_at: datetime, dice: random.Random) -> Run:
    topic = dice.choice(TOPICS)
    status = dice.choices(list(ENDS), weights=list(ENDS.values()))[0]
    started_at = created_at + timedelta(milliseconds=dice.randint(5, 900))
    run = Run(
        id=uuid.uuid4(),
        team=server.team,
        server=server,
        launched_by=dice.choice(people) if people else None,
        name=f"Report on {topic}" if dice.random() < 0.5 else "",
        tags=["seeded", topic],
        assistant_id=dice.choice(["report", "chat", "approval"]),
        thread_choice=ThreadChoice.NEW,
        status=status,
        created_at=created_at,
        started_at=started_at,
        finished_at=started_at + timedelta(seconds=dice.expovariate(1 / 40)),
        remote_thread_id=str(uuid.uuid4()),
        remote_run_id=str(uuid.uuid4()),
        last_event_seq=2,
        version=2,
    )
    run.graph_id = run.assistant_id
    run.search_text = f"{run.name} seeded {topic} {run.assistant_id}"
    if status == RunStatus.FAILED:
        run.error_type, run.error_message, run.error_node = "ValueError", f"no {topic} today", "write"
    return run


def _write(runs: list[Run]) -> None:
    Run.objects.bulk_create(runs)
    RunRequest.objects.bulk_create(
        RunRequest(run=run, params_json=json.dumps({"input": {"topic": run.tags[1]}})) for run in runs
    )
    RunEvent.objects.bulk_create(event for run in runs for event in _events(run))
    RunResult.objects.bulk_create(_result(run) for run in runs if run.status != RunStatus.FAILED)


def _events(run: Run) -> Iterator[RunEvent]:
    yield RunEvent(run=run, seq=1, at=run.created_at, kind=EventKind.LAUNCHED, by=run.launched_by)
    data = {"from": RunStatus.RUNNING.value, "to": str(run.status)}
    yield RunEvent(run=run, seq=2, at=run.finished_at or run.created_at, kind=EventKind.STATUS, data=data)


def _result(run: Run) -> RunResult:
    body = json.dumps({"report": f"A few words on {run.tags[1]}."}).encode()
    return RunResult(
        run=run, compressed=zlib.compress(body, 1), size_bytes=len(body), sha256=hashlib.sha256(body).digest()
    )
