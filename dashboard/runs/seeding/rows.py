"""Made-up runs as rows, by COPY: a thousand in a second, a million in minutes. None was ever on a server."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final
from typing import cast as cast_to

from django.db import connection, transaction
from django.utils import timezone

from dashboard.runs.events import EventKind
from dashboard.runs.models import Run, ThreadChoice, WaitState
from dashboard.runs.notifications import ANY_VERSION, RUN_CHANNEL, RunChange, notify
from dashboard.runs.search_words import end_words, launch_words
from dashboard.runs.seeding.stories import Story, story
from dashboard.runs.statuses import RunStatus
from dashboard.runs.summary import input_summary, outcome_text
from dashboard.runs.values import value_keys
from dashboard.servers.models import Server
from dashboard.teams.models import User
from dashboard.teams.selectors import team_people

DEFAULTS: Final = {
    "parent_kind": "",
    "note": "",
    "is_starred": False,
    "remote_thread_kept": True,
    "fence": 0,
    "attempts": 0,
    "executions": 1,
    "cancel_action": "",
}
AT_ONCE = 2_000
TAG = "seeded"
NIGHT, DAY = 0.15, 0.9
"""Which share of a day's runs has been launched at 8 and at 18 o'clock."""

COLUMNS: Final = (
    "id team_id server_id launched_by_id parent_kind name tags summary outcome_text note is_starred assistant_id "
    "assistant_name graph_id thread_choice status wait_state version last_event_seq created_at started_at finished_at "
    "status_at remote_thread_id remote_run_id remote_thread_kept fence attempts executions cancel_action error_type "
    "error_message error_node ending_json search_text value_keys"
).split()
TABLES: Final = {
    "runs_run": COLUMNS,
    "runs_runrequest": ["run_id", "params_json", "secret_headers"],
    "runs_runresult": ["run_id", "compressed", "size_bytes", "sha256"],
    "runs_runevent": ["run_id", "seq", "at", "kind", "data", "by_id"],
}


@dataclass
class Cast:
    """Who and what the made-up runs belong to."""

    server: Server
    people: list[User]
    dice: random.Random
    assistants: dict[str, tuple[str, str]]
    threads: deque[str] = field(default_factory=lambda: deque(maxlen=300))


def runs_seed(*, server: Server, count: int, days: float) -> int:
    """Make `count` ended runs spread over the last `days` days; the same ones, but for ids and times, each time."""
    known = {found.graph_id: (str(found.assistant_id), found.name) for found in server.assistants.all()}
    cast = Cast(server, team_people(server.team), random.Random(count), known)  # noqa: S311 - no secret
    moments = _moments(count, timezone.now(), days, cast.dice)
    while rows := [_rows(cast, moment) for _, moment in zip(range(AT_ONCE), moments, strict=False)]:
        with transaction.atomic():
            for table, columns in TABLES.items():
                _copy(table, columns, [row for run in rows for row in run[table]])
        if len(rows) < AT_ONCE:
            break
    # COPY announces nothing: make open pages look again, and drop what was rendered before.
    notify(RUN_CHANNEL, RunChange(uuid.uuid4(), server.team_id, ANY_VERSION).to_payload())
    return count


def _moments(count: int, now: datetime, days: float, dice: random.Random) -> Iterator[datetime]:
    """When they were launched, the oldest first, most of them by day."""
    for number in range(count):
        ago = days * (count - number - dice.random()) / count
        moment = now - timedelta(days=ago)
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        share = (moment - midnight) / timedelta(days=1)
        hours = _hours(share)
        yield min(midnight + timedelta(hours=hours), now - timedelta(seconds=dice.random() * 60))


def _hours(share: float) -> float:
    """The hour at which `share` of a day's runs has been launched."""
    if share < NIGHT:
        return 8 * share / NIGHT
    if share < DAY:
        return 8 + 10 * (share - NIGHT) / (DAY - NIGHT)
    return 18 + 6 * (share - DAY) / (1 - DAY)


def _rows(cast: Cast, created_at: datetime) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of one run by table."""
    dice, sample = cast.dice, story(cast.dice)
    run = _run(cast, sample, created_at)
    params = {"input": sample.input, "if_not_exists": "create"}
    run.search_text = (
        f"{launch_words(cast_to(Run, run), params)} {end_words(sample.error or (run.outcome_text,), sample.state)}"
    )
    run.value_keys = value_keys("input", sample.input)
    results = []
    if sample.state is not None:
        run.value_keys += value_keys("result", sample.state)
        body = json.dumps(sample.state, ensure_ascii=False).encode()
        results.append((run.id, zlib.compress(body, 1), len(body), hashlib.sha256(body).digest()))
    by = run.launched_by_id
    end = {"from": RunStatus.RUNNING.value, "to": str(run.status)}
    events = [
        (run.id, 1, run.created_at, EventKind.LAUNCHED.value, "{}", by),
        (run.id, 2, run.finished_at, EventKind.STATUS.value, json.dumps(end), None),
    ]
    run.is_starred = dice.random() < 0.004
    return {
        "runs_run": [tuple(getattr(run, column) for column in COLUMNS)],
        "runs_runrequest": [(run.id, json.dumps(params, ensure_ascii=False), b"")],
        "runs_runresult": results,
        "runs_runevent": events,
    }


def _run(cast: Cast, sample: Story, created_at: datetime) -> SimpleNamespace:
    """The columns of one run."""
    dice = cast.dice
    started_at = created_at + timedelta(milliseconds=dice.randint(5, 900))
    finished_at = min(started_at + timedelta(seconds=sample.seconds), timezone.now())
    goes_on = sample.is_conversation and bool(cast.threads) and dice.random() < 0.5
    thread = dice.choice(cast.threads) if goes_on else str(uuid.UUID(int=dice.getrandbits(128), version=4))
    if sample.is_conversation and not goes_on:
        cast.threads.append(thread)
    assistant_id, name = cast.assistants.get(sample.graph_id, (sample.graph_id, sample.assistant))
    kind, message, node = sample.error or ("", "", "")
    # No Run: to make one takes as long as everything else here together.
    return SimpleNamespace(
        **DEFAULTS,
        id=uuid.uuid4(),
        team_id=cast.server.team_id,
        server_id=cast.server.pk,
        launched_by_id=dice.choice(cast.people).pk if cast.people else None,
        name=sample.name,
        tags=[*sample.tags, TAG],
        summary=input_summary(sample.input),
        outcome_text=outcome_text(error=sample.error, ending=sample.ending, state=sample.state),
        assistant_id=assistant_id,
        assistant_name=name,
        graph_id=sample.graph_id,
        thread_choice=ThreadChoice.EXISTING if goes_on else ThreadChoice.NEW,
        status=sample.status,
        # Nobody can answer what no server waits for.
        wait_state=WaitState.GONE if sample.status in (RunStatus.NEEDS_INPUT, RunStatus.PAUSED) else "",
        created_at=created_at,
        started_at=started_at,
        finished_at=max(finished_at, started_at),
        status_at=max(finished_at, started_at),
        remote_thread_id=thread,
        remote_run_id=str(uuid.uuid4()),
        last_event_seq=2,
        version=2,
        error_type=kind,
        error_message=message,
        error_node=node,
        ending_json=json.dumps(sample.ending) if sample.ending else "",
    )


def _copy(table: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
