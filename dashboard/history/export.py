"""The history as CSV or JSON Lines, a page at a time: a web process holds one page, however long the history is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from dashboard.exports import csv_line, csv_text
from dashboard.history.documents import run_item
from dashboard.history.filters import RunFilters
from dashboard.history.selectors import run_page
from dashboard.runs.rows import RunRow
from dashboard.teams.models import Team

PAGE_ROWS = 500
COLUMNS = (
    "id name summary outcome_text status assistant_id assistant_name graph_id server thread_id run_id error created_at "
    "started_at finished_at duration_s launched_by parent batch tags starred"
).split()


def csv_pieces(team: Team, filters: RunFilters, ids: list[UUID]) -> Iterator[str]:
    """The runs as CSV with a line of headings."""
    yield csv_line(COLUMNS)
    for runs in _pages(team, filters, ids):
        yield "".join(csv_line([_cell(column, item[column]) for column in COLUMNS]) for item in map(run_item, runs))


def jsonl_pieces(team: Team, filters: RunFilters, ids: list[UUID]) -> Iterator[str]:
    """The runs as JSON documents, one a line."""
    for runs in _pages(team, filters, ids):
        yield "".join(json.dumps(run_item(run)) + "\n" for run in runs)


def _pages(team: Team, filters: RunFilters, ids: list[UUID]) -> Iterator[list[RunRow]]:
    before = ""
    while True:
        page = run_page(team, filters, before=before, rows=PAGE_ROWS, ids=ids)
        if page.runs:
            yield page.runs
        before = page.older
        if not before:
            return


def _cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if column == "server":
        value = value["name"]
    elif column == "error":
        value = value["type"]
    elif column == "tags":
        value = ", ".join(value)
    elif isinstance(value, bool):
        value = "true" if value else "false"
    return csv_text(value)
