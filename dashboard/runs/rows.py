"""Runs as rows of a list, read without the model: to build those of fifty runs would take a third of a page's time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from django.db import connection

from dashboard.runs.models import Run, RunTraits
from dashboard.teams.models import name_of


class PersonNamed(NamedTuple):
    """Somebody's name."""

    username: str
    first_name: str
    last_name: str

    def __str__(self) -> str:
        return name_of(*self)


class ServerNamed(NamedTuple):
    """A server's name."""

    name: str


@dataclass(slots=True, eq=False)
class AnswerRow(RunTraits):
    """What a row shows of the run that answered another one."""

    pk: UUID
    status: str
    created_at: datetime
    parent_kind: str
    link_for: str
    launched_by: PersonNamed | None


@dataclass(slots=True, eq=False)
class RunRow(RunTraits):
    """What lists show of a run, in HTML and as JSON."""

    pk: UUID
    server_id: UUID
    parent_id: UUID | None
    parent_kind: str
    link_for: str
    batch_id: UUID | None
    version: int
    name: str
    summary: str
    assistant_name: str
    graph_id: str
    assistant_id: str
    outcome_text: str
    tags: list[str]
    is_starred: bool
    status: str
    wait_state: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    remote_thread_id: str | None
    remote_run_id: str | None
    remote_thread_kept: bool
    unreachable_since: datetime | None
    error_type: str
    error_node: str
    server: ServerNamed
    launched_by: PersonNamed | None
    answer: AnswerRow | None
    own_cells: Sequence[Any] = ()


ListedRun: TypeAlias = Run | RunRow


def run_rows(run_ids: Sequence[UUID]) -> list[RunRow]:
    """These runs in their order, without those that are gone."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [list(run_ids)])
        found = {row[0]: _row(row) for row in cursor.fetchall()}
    return [found[run_id] for run_id in run_ids if run_id in found]


def _row(read: Sequence[Any]) -> RunRow:
    person, server, answer = read[_OWN : _OWN + 3], read[_OWN + 3], read[_OWN + 4 :]
    own = [*read[:_OWN], ServerNamed(server), _person(person)]
    for place in _TIMES:
        own[place] = _moment(own[place])
    return RunRow(*[*own, _answer(answer) if answer[0] else None])


def _answer(read: Sequence[Any]) -> AnswerRow:
    pk, status, created_at, *others = read
    return AnswerRow(pk, status, datetime.fromisoformat(created_at), *[*others[:2], _person(others[2:])])


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _person(names: Sequence[Any]) -> PersonNamed | None:
    return PersonNamed(*names) if names[0] is not None else None


_OWN: Final = 26
"""So many columns of the run itself."""
_TIMES: Final = (17, 18, 19, 23)
"""Those with times. They come as text: the driver takes half of the statement's time to read them, this a hundredth."""
_ROWS: Final = """
SELECT run.id, run.server_id, run.parent_id, run.parent_kind, run.link_for, run.batch_id, run.version, run.name,
  run.summary, run.assistant_name, run.graph_id, run.assistant_id, run.outcome_text, run.tags, run.is_starred,
  run.status, run.wait_state, run.created_at::text, run.started_at::text, run.finished_at::text,
  run.remote_thread_id, run.remote_run_id, run.remote_thread_kept, run.unreachable_since::text,
  run.error_type, run.error_node,
  person.username, person.first_name, person.last_name, server.name,
  answer.id, answer.status, answer.created_at::text, answer.parent_kind, answer.link_for,
  answering.username, answering.first_name, answering.last_name
FROM runs_run run JOIN servers_server server ON server.id = run.server_id
LEFT JOIN teams_user person ON person.id = run.launched_by_id
LEFT JOIN runs_run answer ON answer.answers_id = run.id
LEFT JOIN teams_user answering ON answering.id = answer.launched_by_id
WHERE run.id = ANY(%s)
"""
"""The columns of the run in the order of `RunRow`, then what belongs to it."""
