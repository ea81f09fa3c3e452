"""How many runs match, without counting a million: exact while they are few, by the planner's estimate beyond."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import OperationalError, connection, transaction

from dashboard.history.conditions import conditions
from dashboard.history.filters import RunFilters
from dashboard.history.selectors import joined, matching

COUNTED_MAX: Final = 10_000
PATIENCE_MS: Final = 150
_QUERY_CANCELLED = "57014"


@dataclass(frozen=True)
class Count:
    """A number of runs. `is_estimate`: about so many."""

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
    """How many of the team's runs the filters let through; an estimate beyond COUNTED_MAX, or when counting is slow."""
    where, params = joined(matching(team_id, conditions(team_id, filters)))
    some = f"SELECT 1 FROM runs_run WHERE {where} LIMIT {COUNTED_MAX + 1}"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
            cursor.execute(f"SELECT count(*) FROM ({some}) found", params)
            number = int(cursor.fetchone()[0])
            cursor.execute("SET LOCAL statement_timeout = 0")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != _QUERY_CANCELLED:
            raise
        number = COUNTED_MAX + 1
    if number <= COUNTED_MAX:
        return Count(number)
    return Count(max(COUNTED_MAX, _estimate(where, params)), is_estimate=True)


def run_count_exact(team_id: UUID, filters: RunFilters) -> int:
    """How many there are, to be confirmed before something is done with all of them. May take a while."""
    where, params = joined(matching(team_id, conditions(team_id, filters)))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM runs_run WHERE {where}", params)
        return int(cursor.fetchone()[0])


def _estimate(where: str, params: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) SELECT 1 FROM runs_run WHERE {where}", params)
        plan = cursor.fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return int(plan[0]["Plan"]["Plan Rows"])
