"""How many runs match, without counting a million: exact for few, the planner's estimate for many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import OperationalError, connection, transaction

from dashboard.history.conditions import Condition, conditions
from dashboard.history.filters import RunFilters
from dashboard.history.selectors import GATHER_MEMORY, joined, matching, rows_estimate

COUNTED_MAX: Final = 10_000
PATIENCE_MS: Final = 150
SURE_TIMES: Final = 5
"""Nothing is counted when the planner expects this many times COUNTED_MAX."""
_QUERY_CANCELLED = "57014"


@dataclass(frozen=True)
class Count:
    """A number of runs, perhaps an estimate."""

    number: int
    is_estimate: bool = False

    def __str__(self) -> str:
        if not self.is_estimate:
            return f"{self.number:,}"
        for unit, size in (("M", 1_000_000), ("k", 1_000)):
            if self.number >= size:
                return f"~{self.number / size:.3g} {unit}"
        return f"~{self.number}"


def run_count(team_id: UUID, filters: RunFilters) -> Count:
    """How many of the team's runs match the filters; an estimate beyond COUNTED_MAX, or when counting is slow."""
    asked = conditions(team_id, filters)
    alone = [condition for condition in asked if not condition.is_period]
    where, params = joined(_counted_by(team_id, asked, alone))
    # The planner knows well how many runs one thing is true of, and guesses about several together.
    if len(alone) == 1 and (expected := rows_estimate(where, params)) >= SURE_TIMES * COUNTED_MAX:
        return Count(expected, is_estimate=True)
    some = f"SELECT 1 FROM runs_run WHERE {where} LIMIT {COUNTED_MAX + 1}"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}; SET LOCAL work_mem = '{GATHER_MEMORY}'")
            cursor.execute(f"SELECT count(*) FROM ({some}) found", params)
            number = int(cursor.fetchone()[0])
            cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL work_mem TO DEFAULT")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != _QUERY_CANCELLED:
            raise
        number = COUNTED_MAX + 1
    if number <= COUNTED_MAX:
        return Count(number)
    return Count(max(COUNTED_MAX, rows_estimate(where, params)), is_estimate=True)


def run_count_exact(team_id: UUID, filters: RunFilters) -> int:
    """The exact number, for a person to confirm before an action on all of them. May take a while."""
    where, params = joined(matching(team_id, conditions(team_id, filters)))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM runs_run WHERE {where}", params)
        return int(cursor.fetchone()[0])


def _counted_by(team_id: UUID, asked: list[Condition], alone: list[Condition]) -> list[Condition]:
    """What is counted. A single filter that has an index of its own is counted in that alone, without any row."""
    if len(alone) <= 1 and all(condition.walk is not None for condition in alone):
        return [Condition("runs_run.team_id = %s", (team_id,)), *asked]
    return matching(team_id, asked)
