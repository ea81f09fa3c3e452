"""Statistics of a period: how many runs, how they ended, how long they took. Exact for few runs, else from a
sample that is spread evenly over all of them: ids are random, so those below a limit are one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from dashboard.costs.pricing import Cost
from dashboard.costs.selectors import tokens_cost
from dashboard.history.conditions import DURATION, Condition, conditions
from dashboard.history.counts import Count, run_count
from dashboard.history.filters import RunFilters
from dashboard.history.selectors import joined, matching
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team, User

SAMPLE: Final = 5_000
SHOWN: Final = 8
MODELS: Final = 50
TOKENS: Final = ("input", "output", "cached", "answers")
FEWEST: Final = 3
"""The fewest runs for a percentile."""
RANGES: Final = {
    "24h": ("24 hours", timedelta(hours=24), timedelta(hours=1)),
    "7d": ("7 days", timedelta(days=7), timedelta(hours=6)),
    "30d": ("30 days", timedelta(days=30), timedelta(days=1)),
    "90d": ("90 days", timedelta(days=90), timedelta(days=3)),
    "12mo": ("12 months", timedelta(days=364), timedelta(days=14)),
}
CHOSEN: Final = "chosen"
"""Replaces a key of RANGES: from the filters' `since` to their `until`, or to now."""
STRETCHES: Final = 24
SHORTEST: Final = timedelta(minutes=1)
GROUPS: Final = {
    "succeeded": ("Succeeded", "success", (RunStatus.SUCCEEDED,)),
    "failed": ("Failed, timed out or lost", "danger", (RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.LOST)),
    "waiting": ("Waited for a person", "attention", (RunStatus.NEEDS_INPUT, RunStatus.PAUSED)),
    "other": ("Cancelled or going on", "neutral", ()),
}
_GROUP_OF: Final[dict[str, str]] = {status: name for name, (_, _, statuses) in GROUPS.items() for status in statuses}


@dataclass
class Bucket:
    """A part of the period: from `start` to before `end`."""

    start: datetime
    end: datetime
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GROUPS, 0))
    p50_s: float | None = None
    p95_s: float | None = None

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Line:
    """A line of a table: a name, its filter, how many runs, and how long they took."""

    name: str
    query: str
    runs: int
    p50_s: float | None = None
    p95_s: float | None = None


@dataclass(frozen=True)
class Insights:
    """All of the page. `sampled`: the size of the sample, if there is one."""

    count: Count
    sampled: int | None
    success_percent: float | None
    waiting: int
    p50_s: float | None
    p95_s: float | None
    buckets: list[Bucket]
    assistants: list[Line]
    errors: list[Line]
    people: list[Line]
    cost: Cost


ASSISTANT: Final = "CASE WHEN graph_id <> '' AND assistant_name = graph_id THEN graph_id ELSE assistant_id END"
"""As `Run.assistant_key`."""


class _Row(NamedTuple):
    """What is read of each run: small, because there are ten thousand."""

    created_at: datetime
    status: str
    assistant_id: str
    assistant: str
    person_id: int | None
    error_type: str
    took_s: float | None


def insights(team: Team, filters: RunFilters, span: str) -> Insights:
    """Statistics of the matching runs launched in the last `span`: a key of RANGES, or CHOSEN."""
    if span == CHOSEN:
        edges, until = _edges_between(*time_chosen(filters)), filters.until
    else:
        _, length, step = RANGES[span]
        edges, until = _edges(timezone.now(), length, step, ZoneInfo(filters.zone)), ""
    filters = replace(filters, since=edges[0].isoformat(), until=until, sort="-started")
    count = run_count(team.pk, filters)
    rows = _rows(team.pk, filters, count)
    scale = count.number / len(rows) if count.is_estimate and rows else 1.0
    took = [row.took_s for row in rows if row.took_s is not None and row.status == RunStatus.SUCCEEDED]
    ended = [row for row in rows if _GROUP_OF.get(row.status) in ("succeeded", "failed")]
    good = sum(row.status == RunStatus.SUCCEEDED for row in ended)
    return Insights(
        count=count,
        sampled=len(rows) if count.is_estimate else None,
        success_percent=100 * good / len(ended) if ended else None,
        waiting=run_count(team.pk, replace(filters, waiting="open")).number,
        p50_s=percentile(took, 50),
        p95_s=percentile(took, 95),
        buckets=_buckets(rows, edges, scale),
        assistants=_assistants(rows, scale),
        errors=_ranked(rows, scale, lambda row: row.error_type, "error"),
        people=_people(rows, scale),
        cost=_cost(team.pk, filters, count, scale),
    )


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The value that `percent` of the values do not exceed; None of too few."""
    if len(values) < FEWEST:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _edges(now: datetime, length: timedelta, step: timedelta, zone: ZoneInfo) -> list[datetime]:
    """Where the parts begin, by the reader's clock, and finally where the newest one ends."""
    local = now.astimezone(zone)
    if step < timedelta(days=1):
        hours = step // timedelta(hours=1)
        last = local.replace(minute=0, second=0, microsecond=0, hour=local.hour - local.hour % hours)
    else:
        last = datetime.combine(local.date(), time.min, zone)
        last -= (step - timedelta(days=1)) if step > timedelta(days=1) else timedelta()
    count = length // step
    return [last - step * back for back in range(count - 1, -1, -1)] + [last + step]


def time_chosen(filters: RunFilters) -> tuple[datetime, datetime]:
    """The period of the filters; at least a minute."""
    until = filters.moment("until") or timezone.now()
    since = min(filters.moment("since") or until, until - SHORTEST)
    zone = ZoneInfo(filters.zone)
    return since.astimezone(zone), until.astimezone(zone)


def _edges_between(since: datetime, until: datetime) -> list[datetime]:
    count = max(1, min(STRETCHES, (until - since) // SHORTEST))
    return [since + (until - since) / count * number for number in range(count + 1)]


def _cost(team_id: UUID, filters: RunFilters, count: Count, scale: float) -> Cost:
    """The tokens of models in these runs, the most used first; numbers of a sample are scaled up."""
    where, params = joined(_asked(team_id, filters, count))
    summed = ", ".join(f"sum(coalesce((used.value->>'{name}')::bigint, 0))" for name in TOKENS)
    with connection.cursor() as cursor:
        cursor.execute(
            # The runs first, then the log of each by its key (which LIMIT enforces), so that never all logs are read.
            f"WITH chosen AS MATERIALIZED (SELECT id FROM runs_run WHERE {where} LIMIT {3 * SAMPLE}) "
            f"SELECT used.key, bool_or(log.tokens_are_partial), {summed} "
            "FROM chosen, LATERAL (SELECT * FROM steps_steplog WHERE run_id = chosen.id LIMIT 1) log, "
            f"jsonb_each(log.tokens) used GROUP BY used.key ORDER BY 3 DESC LIMIT {MODELS}",
            params,
        )
        rows = cursor.fetchall()
    tokens = {
        model: {name: round(int(number) * scale) for name, number in zip(TOKENS, numbers, strict=True)}
        for model, _, *numbers in rows
    }
    return tokens_cost(team_id, tokens, is_partial=any(is_partial for _, is_partial, *_ in rows))


def _asked(team_id: UUID, filters: RunFilters, count: Count) -> list[Condition]:
    """All matching runs, or a sample of them."""
    asked = matching(team_id, conditions(team_id, filters))
    if count.is_estimate:
        limit = UUID(int=min(2**128 - 1, int(2**128 * SAMPLE / count.number)))
        asked.append(Condition("runs_run.id < %s", (limit,)))
    return asked


def _rows(team_id: UUID, filters: RunFilters, count: Count) -> list[_Row]:
    where, params = joined(_asked(team_id, filters, count))
    columns = (
        f"created_at, status, {ASSISTANT}, coalesce(nullif(assistant_name, ''), nullif(graph_id, ''), assistant_id), "
        f"launched_by_id, error_type, extract(epoch FROM {DURATION})::float"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM runs_run WHERE {where} LIMIT {3 * SAMPLE}", params)
        return [_Row(*row) for row in cursor.fetchall()]


def _buckets(rows: list[_Row], edges: list[datetime], scale: float) -> list[Bucket]:
    found = [Bucket(start, end) for start, end in pairwise(edges)]
    first, step = edges[0], edges[1] - edges[0]
    took: dict[int, list[float]] = defaultdict(list)
    counted: Counter[tuple[int, str]] = Counter()
    for row in rows:
        place = int((row.created_at - first) / step)
        if 0 <= place < len(found):
            counted[place, _GROUP_OF.get(row.status, "other")] += 1
            if row.took_s is not None and row.status == RunStatus.SUCCEEDED:
                took[place].append(row.took_s)
    for (place, group), number in counted.items():
        found[place].counts[group] = round(number * scale)
    for place, values in took.items():
        found[place].p50_s, found[place].p95_s = percentile(values, 50), percentile(values, 95)
    return found


def _assistants(rows: list[_Row], scale: float) -> list[Line]:
    """The slowest first."""
    took: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        if row.took_s is not None and row.status == RunStatus.SUCCEEDED:
            took[row.assistant, row.assistant_id].append(row.took_s)
    lines = [
        Line(name, RunFilters(assistant=pk).to_query(), round(len(v) * scale), percentile(v, 50), percentile(v, 95))
        for (name, pk), v in took.items()
    ]
    return sorted(lines, key=lambda line: -(line.p95_s or 0))[:SHOWN]


def _ranked(rows: list[_Row], scale: float, key: Callable[[_Row], Any], name: str) -> list[Line]:
    counted = Counter(value for row in rows if (value := key(row)))
    return [
        Line(value, RunFilters(**{name: value}).to_query(), round(number * scale))
        for value, number in counted.most_common(SHOWN)
    ]


def _people(rows: list[_Row], scale: float) -> list[Line]:
    counted = Counter(row.person_id for row in rows if row.person_id is not None).most_common(SHOWN)
    people = User.objects.in_bulk([pk for pk, _ in counted])
    return [
        Line(str(people[pk]), RunFilters(person=people[pk].username).to_query(), round(number * scale))
        for pk, number in counted
        if pk in people
    ]
