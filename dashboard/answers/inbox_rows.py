"""The rows of the inbox's list, read without models: to build those of fifty runs would take half a page's time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from dashboard.answers.selectors import INBOX_ROWS, InboxFilters, inbox_after, inbox_from, waiting
from dashboard.answers.shapes import shape_for
from dashboard.answers.showing import TOO_LARGE, shown_value
from dashboard.runs.selectors import PERSON, TITLE
from dashboard.runs.titles import label_of, title_of
from dashboard.teams.models import Team, name_of

_PEOPLE = tuple(f"{who}__{name}" for who in ("launched_by", "assigned_to") for name in PERSON)
_READ = ("finished_at", "pk", "server_id", "snoozed_until", "wait_checked_at", "wait_check_asked_at", *TITLE, *_PEOPLE)


@dataclass(frozen=True)
class InboxRow:
    """One run that waits.

    Attributes:
        line: What it asks, in a line.
        launched_by, assigned_to: What these people are called; "" for nobody.
    """

    pk: UUID
    server_id: UUID
    assistant_id: str
    title: str
    assistant: str
    line: str
    asked_at: datetime
    launched_by: str
    assigned_to: str
    snoozed_until: datetime | None
    wait_checked_at: datetime | None
    wait_check_asked_at: datetime | None


def inbox_rows(team: Team | UUID, filters: InboxFilters, *, rows: int = INBOX_ROWS) -> tuple[list[InboxRow], str]:
    """One page of the list, and where the newer questions begin ("" when there are none)."""
    runs = inbox_from(waiting(team, filters), filters.after)
    found = list(runs.values_list(*_READ)[: rows + 1])
    after = inbox_after([(row[0], row[1]) for row in found], rows)
    del found[rows:]
    lines = _lines([row[1] for row in found])
    return [_row(row, lines.get(row[1], "A question")) for row in found], after


def _row(read: Sequence[Any], line: str) -> InboxRow:
    asked_at, pk, server_id, snoozed_until, checked_at, check_asked_at, name, summary, *named = read
    of_assistant, launched_by, assigned_to = named[:3], named[3:6], named[6:]
    assistant = label_of(*of_assistant)
    return InboxRow(
        pk=pk,
        server_id=server_id,
        assistant_id=of_assistant[-1],
        title=title_of(name, summary, assistant),
        assistant=assistant,
        line=line,
        asked_at=asked_at,
        launched_by=_person(launched_by),
        assigned_to=_person(assigned_to),
        snoozed_until=snoozed_until,
        wait_checked_at=checked_at,
        wait_check_asked_at=check_asked_at,
    )


def _person(names: Sequence[Any]) -> str:
    return name_of(*names) if names[0] is not None else ""


def _lines(runs: Sequence[UUID]) -> dict[UUID, str]:
    """What each of these runs asks, in a line: its first question, and how many more there are."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_QUESTIONS, [list(runs)])
        found = cursor.fetchall()
    lines = {}
    for run, value_json, schema_json, count in found:
        line = _line(value_json, schema_json)
        lines[run] = f"{line} (and {count - 1} more)" if count > 1 else line
    return lines


def _line(value_json: str, schema_json: str) -> str:
    if not value_json:
        return TOO_LARGE.line
    value = json.loads(value_json)
    return shown_value(value, shape_for(value, json.loads(schema_json) if schema_json else None)).line


_FIRST_QUESTIONS = """
SELECT DISTINCT ON (run_id) run_id, value_json, response_schema_json, count(*) OVER (PARTITION BY run_id)
FROM runs_question WHERE run_id = ANY(%s) ORDER BY run_id, position
"""
