"""The only way a run changes: a guarded UPDATE, its numbered events, and the NOTIFY to open pages, in one statement.

One statement, because a worker that takes in hundreds of results a second pays for every round trip; and because there
is then no moment at which a run has changed without its event.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast
from uuid import UUID

from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.db.models.sql import UpdateQuery

from dashboard.runs.events import EventKind
from dashboard.runs.models import Run
from dashboard.runs.notifications import RUN_CHANNEL
from dashboard.runs.statuses import ENDS, RunStatus, check_transition
from dashboard.runs.text import storable
from dashboard.teams.models import User

Statement = tuple[str, Sequence[Any]]
"""SQL and its parameters."""


@dataclass(frozen=True)
class Event:
    """An event to record with a change."""

    kind: EventKind
    data: Mapping[str, Any] = field(default_factory=dict)
    by: User | None = None

    def row(self) -> dict[str, Any]:
        """As a parameter of the statement."""
        data = {key: storable(value) if isinstance(value, str) else value for key, value in self.data.items()}
        return {"kind": self.kind.value, "data": data, "by": self.by.pk if self.by else None}


@dataclass(frozen=True)
class Changed:
    """A run after a change."""

    run_id: UUID
    version: int
    fence: int


# The row's lock, held until commit, is what keeps sequence numbers without holes or doubles.
_STATEMENT: Final = """
WITH changed AS (
    {update} RETURNING id, team_id, last_event_seq, version, fence
), event AS (
    INSERT INTO runs_runevent (run_id, seq, kind, data, by_id)
    SELECT changed.id, last_event_seq - %s + place, entry->>'kind', entry->'data', (entry->>'by')::bigint
    FROM changed, jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS events(entry, place)
){also}
SELECT id, version, fence, pg_notify(%s, json_build_array(id, team_id, version)::text) FROM changed
"""


def runs_change(
    runs: QuerySet[Run], events: Sequence[Event], also: Statement | None = None, **fields: Any
) -> list[Changed]:
    """Write `fields` and `events` to each run that `runs` still selects, and notify open pages on commit.

    `also` is written with it: a statement and its parameters, in which `changed` is a table of the changed runs.
    A run that `runs` no longer selects, because another process changed it, stays as it is and is not returned.
    """
    query = cast(UpdateQuery, runs.order_by().query.chain(UpdateQuery))  # as QuerySet.update does
    query.add_update_values(
        {**fields, "last_event_seq": F("last_event_seq") + len(events), "version": F("version") + 1}
    )
    update, parameters = query.get_compiler(connection=connection).as_sql()
    events_json = json.dumps([event.row() for event in events])
    with_it, its_parameters = also or ("", ())
    statement = _STATEMENT.format(update=update, also=f", also AS ({with_it})" if with_it else "")
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, len(events), events_json, *its_parameters, RUN_CHANNEL])
        return [Changed(*row[:3]) for row in cursor.fetchall()]


def moved(was: str, to: RunStatus, data: Mapping[str, Any] | None = None, *, by: User | None = None) -> Event:
    """The event of a change of status.

    Raises:
        IllegalTransition: `to` does not follow `was` in TRANSITIONS.
    """
    check_transition(was, to)
    return Event(EventKind.STATUS, {"from": was, "to": to, **(data or {})}, by)


def fields_of_move(to: RunStatus, **fields: Any) -> dict[str, Any]:
    """What a change of status writes: `fields`, and what follows from the status itself."""
    if to in ENDS:
        fields.setdefault("finished_at", Now())
        fields |= {"not_before": None, "reconnecting_since": None}
    if to in ENDS or to == RunStatus.QUEUED:
        fields |= {"lease_owner": None, "lease_expires_at": None}
    return {"status": to, "status_at": Now(), **fields}


def run_move(
    run: Run,
    to: RunStatus,
    *,
    by: User | None = None,
    data: Mapping[str, Any] | None = None,
    before: Sequence[Event] = (),
    also: Statement | None = None,
    **fields: Any,
) -> bool:
    """Move `run` to `to`, record the event (after those in `before`), and notify open pages on commit.

    `fields` are further columns to write with it, and `also` is as in `runs_change`. Returns False when another
    process moved it first: then the caller's copy is stale, and nothing was written.

    Raises:
        IllegalTransition: `to` does not follow the run's status in TRANSITIONS; nothing was written.
    """
    events = [*before, moved(run.status, to, data, by=by)]
    unchanged = Run.objects.filter(pk=run.pk, status=run.status)
    if not runs_change(unchanged, events, also, **fields_of_move(to, **fields)):
        return False
    run.status = to
    return True


def event_append(
    run: Run, kind: EventKind, data: Mapping[str, Any] | None = None, *, by: User | None = None, **fields: Any
) -> None:
    """Record an event under the next sequence number, with `fields`, and notify open pages on commit."""
    runs_change(Run.objects.filter(pk=run.pk), [Event(kind, data or {}, by)], **fields)
