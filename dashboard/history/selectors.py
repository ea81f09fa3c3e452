"""Reads the history: pages of runs by keyset, as fast with a million runs as with a thousand."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import BooleanField, F, QuerySet
from django.db.models.expressions import RawSQL

from dashboard.history.conditions import DURATION, DURATION_CLASS, FACETS, Condition, conditions, wanted_words
from dashboard.history.durations import duration_windows
from dashboard.history.filters import RunFilters
from dashboard.runs.models import Run
from dashboard.runs.rows import ListedRun, RunRow, run_rows
from dashboard.runs.selectors import NOT_IN_ROWS
from dashboard.teams.models import Team, name_of

CREATED: Final = "runs_run.created_at"
PAGE_ROWS = 50
RECENT = 500
"""How many recent runs provide the tags, errors and assistants of filters."""
WALK_ROWS = {CREATED: 2_000, DURATION: 1_000}
"""How many runs to read one by one before asking the index over everything. That reads what matches anywhere,
which is fast when that is little; and when it is much, the first page was among those already. Runs of about the same
duration are on as many pages of the table."""
WALK_MOST: Final = 40_000
WORTH_GOING_ON: Final = {CREATED: 0.0025, DURATION: 0.008}
"""When at least this share of the runs matched, the rest of a page is near, and the index over everything would bring
thousands: the walk goes on to twice where it is expected."""
GATHER_MEMORY: Final = "64MB"
"""For bitmaps of a long history: in Postgres' usual 4 MB they keep pages, not rows, and all their rows are read."""
LOOKED_AT: Final = 20_000
"""Up to this many runs are read one by one, before asking the index over everything for something common."""
SEARCHED: Final = 2_000
"""The same for their words: the index reads every run that has one of them."""
CHECKED: Final = 5_000
"""Up to this many runs with the rarest of the words are read one by one for the others."""
SORTED: Final = 6_000
"""Up to this many matches are sorted by how long they took. Of more the longest or shortest are sought."""


@dataclass(frozen=True)
class RunPage:
    """Some runs in the requested order, and where the next ones begin ("" when there are none)."""

    runs: list[RunRow] = field(default_factory=list)
    older: str = ""


@dataclass(frozen=True)
class Order:
    """How runs are sorted: by an expression, then by id, both in one direction, as an index has them."""

    by: str
    descending: bool

    @property
    def way(self) -> str:
        return "DESC" if self.descending else "ASC"

    @property
    def sql(self) -> str:
        return f"{self.by} {self.way}, runs_run.id {self.way}"

    def after(self, key: tuple[Any, UUID]) -> Condition:
        return Condition(f"({self.by}, runs_run.id) {'<' if self.descending else '>'} (%s, %s)", key)


ORDERS: Final = {
    "-started": Order(CREATED, descending=True),
    "started": Order(CREATED, descending=False),
    "-duration": Order(DURATION, descending=True),
    "duration": Order(DURATION, descending=False),
}


def run_list(team: Team | UUID, filters: RunFilters) -> QuerySet[Run]:
    """The team's runs that match the filters, in order. For pages use `run_page`, which is faster."""
    team_id = team.pk if isinstance(team, Team) else team
    runs = Run.objects.select_related("launched_by", "server", "answer__launched_by").filter(team=team_id)
    runs = runs.defer(*NOT_IN_ROWS, *(f"answer__{name}" for name in NOT_IN_ROWS))
    for condition in conditions(team_id, filters):
        runs = runs.filter(RawSQL(condition.sql, condition.params, output_field=BooleanField()))
    if filters.sort.endswith("duration"):
        took = F("finished_at") - F("started_at")
        runs = runs.filter(finished_at__isnull=False, started_at__isnull=False)
        return runs.order_by(*((took.desc(), "-id") if filters.sort[0] == "-" else (took.asc(), "id")))
    return runs.order_by(*(("-created_at", "-id") if filters.sort == "-started" else ("created_at", "id")))


def run_page(
    team: Team | UUID, filters: RunFilters, *, before: str = "", rows: int = PAGE_ROWS, ids: Sequence[UUID] = ()
) -> RunPage:
    """One page by keyset: `before` is the `older` of the page above. One that makes no sense is the first page.

    With `ids`, of these runs alone.
    """
    team_id = team.pk if isinstance(team, Team) else team
    order = ORDERS[filters.sort]
    asked = conditions(team_id, filters)
    if ids:
        asked.append(Condition("runs_run.id = ANY(%s)", (list(ids),), is_rare=True))
    found = _page_ids(team_id, asked, order, parse_cursor(before, order), rows + 1)
    runs = run_rows(found[:rows])
    return RunPage(runs, cursor_of(runs[-1], order) if len(found) > rows and runs else "")


def cursor_of(run: ListedRun, order: Order = ORDERS["-started"]) -> str:
    """Where the runs after this one begin."""
    if order.by == CREATED:
        return f"{run.created_at.isoformat()}~{run.pk}"
    assert run.finished_at is not None
    assert run.started_at is not None
    return f"{(run.finished_at - run.started_at) // timedelta(microseconds=1)}~{run.pk}"


def parse_cursor(text: str, order: Order) -> tuple[Any, UUID] | None:
    """A cursor as the values it stands for; None when it makes no sense in this order."""
    place, _, identity = text.partition("~")
    try:
        pk = UUID(identity)
        if order.by != CREATED:
            return timedelta(microseconds=int(place)), pk
        moment = datetime.fromisoformat(place)
        # Postgres knows no zone further off than 15:59, so it is given none.
        return (moment.astimezone(UTC), pk) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _page_ids(
    team_id: UUID, asked: list[Condition], order: Order, key: tuple[Any, UUID] | None, limit: int
) -> list[UUID]:
    """The ids of a page. First a walk along the order, then, if that found too few, the index over everything."""
    place = [order.after(key)] if key else []
    if order.by == DURATION:
        place.append(Condition(f"{DURATION} IS NOT NULL"))
    if not any(condition.is_rare for condition in asked):
        along = _along(asked, order)
        rest = [condition for condition in asked if condition not in along]
        rows = WALK_ROWS[order.by]
        while True:
            found = _walk(team_id, [*along, *place], rest, order, limit, rows)
            if not rest or len(found) == limit or _is_all_walked(team_id, [*along, *place], order, rows):
                return found
            if len(found) < WORTH_GOING_ON[order.by] * rows or rows == WALK_MOST:
                break
            rows = min(WALK_MOST, rows * 2 * limit // len(found))
    by = _one_by_one(team_id, asked) or _by_rarest_word(team_id, asked)
    if not by and order.by == DURATION and rows_estimate(*joined(matching(team_id, asked))) > SORTED:
        return _gather_by_duration(team_id, asked, place, order, limit)
    return _gather([*(by or matching(team_id, asked)), *place], order, limit)


def _along(asked: list[Condition], order: Order) -> list[Condition]:
    """The conditions whose runs an index has in this order: a period, and the most selective of the others."""
    if order.by != CREATED:
        return [condition for condition in asked if condition.has_durations]
    walks = sorted((c for c in asked if c.walk is not None), key=lambda c: c.walk or 0)
    return [*walks[:1], *(c for c in asked if c.is_period)]


def _is_all_walked(team_id: UUID, along: list[Condition], order: Order, rows: int) -> bool:
    """Whether a walk has reached the end: then it found everything."""
    inner, params = joined([Condition("runs_run.team_id = %s", (team_id,)), *along])
    sql = f"SELECT id FROM runs_run WHERE {inner} ORDER BY {order.sql} OFFSET {rows - 1} LIMIT 1"
    return not _column(sql, params)


def _walk(
    team_id: UUID, along: list[Condition], rest: list[Condition], order: Order, limit: int, rows: int
) -> list[UUID]:
    """What the first `rows` runs along the order hold of the rest, up to `limit`; all runs where there is no rest."""
    sql, params = _walked(team_id, along, rest, order, rows if rest else limit)
    return _column(f"SELECT id {sql} ORDER BY {order.sql} LIMIT {limit}", params)


def _walked(
    team_id: UUID, along: list[Condition], rest: list[Condition], order: Order, rows: int
) -> tuple[str, list[Any]]:
    """FROM and WHERE of the first `rows` runs along the order, of which the rest is true."""
    inner, params = joined([Condition("runs_run.team_id = %s", (team_id,)), *along])
    outer, more = joined(rest or [Condition("true")])
    walked = f"SELECT * FROM runs_run WHERE {inner} ORDER BY {order.sql} LIMIT {rows}"
    return f"FROM ({walked}) runs_run WHERE {outer}", [*params, *more]


def _gather(where: list[Condition], order: Order, limit: int) -> list[UUID]:
    """Everything that matches, by the index over everything, then sorted. Only for what is rare."""
    sql, params = joined(where)
    found = f"WITH runs_run AS MATERIALIZED (SELECT id, created_at, started_at, finished_at FROM runs_run WHERE {sql})"
    with transaction.atomic(), connection.cursor() as cursor:
        # Only bitmaps can ask several indexes together; the planner takes a walk for cheaper when it guesses badly.
        cursor.execute(_BITMAPS_ONLY)
        cursor.execute(f"{found} SELECT id FROM runs_run ORDER BY {order.sql} LIMIT {limit}", params)
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(_AS_BEFORE)
    return ids


_BITMAPS_ONLY: Final = (
    f"SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL work_mem = '{GATHER_MEMORY}'"
)
_AS_BEFORE: Final = (
    "SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL enable_indexscan TO DEFAULT; SET LOCAL work_mem TO DEFAULT"
)


def _gather_by_duration(
    team_id: UUID, asked: list[Condition], place: list[Condition], order: Order, limit: int
) -> list[UUID]:
    """The same of so many matches that only those that took the longest, or shortest, are gathered."""
    newest = ORDERS["-started"]
    along = _along(asked, newest)
    rest = [*(condition for condition in asked if condition not in along), *place]
    sql, params = _walked(team_id, along, rest, newest, WALK_ROWS[CREATED])
    sample: list[int] = _column(f"SELECT {DURATION_CLASS} {sql} ORDER BY 1 {order.way}", params)
    if not sample:
        return _gather([*matching(team_id, asked), *place], order, limit)
    found: list[UUID] = []
    for window in duration_windows(sample, longest_first=order.way == "DESC"):
        found += _gather([*matching(team_id, [*asked, window]), *place], order, limit - len(found))
        if len(found) >= limit:
            break
    return found


def _one_by_one(team_id: UUID, asked: list[Condition]) -> list[Condition]:
    """The conditions in words of columns, when so few runs are left to look at that this is faster than the index over
    everything: that would go through half the history for a common status, and through each run with a common word.
    Else nothing.
    """
    columns = [condition for condition in asked if not condition.is_text]
    most = LOOKED_AT if any(condition.is_duration for condition in asked) else SEARCHED
    if not columns or (len(columns) == len(asked) and most == SEARCHED):
        return []
    team = Condition("runs_run.team_id = %s", (team_id,))
    if rows_estimate(*joined([team, *columns])) > most:
        return []
    # IS TRUE keeps the planner from asking the index for a common word, which is most of what is to be saved here.
    return [team, *(replace(one, sql=f"({one.sql}) IS TRUE") if one.is_text else one for one in asked)]


def _by_rarest_word(team_id: UUID, asked: list[Condition]) -> list[Condition]:
    """The conditions with the rarest of several words for the index, when it and the other filters leave few runs to be
    looked at: the index reads every run that has a word. Else nothing.
    """
    others = [condition for condition in asked if not condition.is_text]
    words = [word for condition in asked for word in wanted_words(condition)]
    if not others or len(words) < 2:
        return []
    rarest = min(words, key=lambda word: rows_estimate(*joined([word])))
    found = [*matching(team_id, others), rarest]
    if rows_estimate(*joined(found)) > CHECKED:
        return []
    return [*found, *(replace(one, sql=f"({one.sql}) IS TRUE") for one in asked if one.is_text)]


def rows_estimate(where: str, params: list[Any]) -> int:
    """How many runs the planner expects."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) SELECT 1 FROM runs_run WHERE {where}", params)
        plan = cursor.fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return int(plan[0]["Plan"]["Plan Rows"])


def matching(team_id: UUID, asked: list[Condition]) -> list[Condition]:
    """The conditions in the words of the index over everything, the team included."""
    always = [condition.facets[0] for condition in asked if len(condition.facets) == 1]
    some = [condition for condition in asked if len(condition.facets) > 1]
    others = [condition for condition in asked if not condition.facets]
    found = [Condition("runs_run.team_id = %s", (team_id,))]
    if always or some:
        found.append(Condition(f"{FACETS} @> %s::text[]", ([f"t{team_id}", *always],)))
    found += [Condition(f"{FACETS} && %s::text[]", (list(condition.facets),)) for condition in some]
    return [*found, *others]


def joined(where: list[Condition]) -> tuple[str, list[Any]]:
    """The conditions as one, with their parameters."""
    return " AND ".join(condition.sql for condition in where), [param for c in where for param in c.params]


def _column(sql: str, params: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [row[0] for row in cursor.fetchall()]


@dataclass(frozen=True)
class Choices:
    """The choices of filters, from the team's recent runs: ids with their names. People: the whole team."""

    people: list[tuple[str, str]]
    assistants: list[tuple[str, str]]
    servers: list[tuple[str, str]]
    tags: list[str]
    errors: list[str]

    @property
    def names(self) -> dict[str, str]:
        return dict([*self.assistants, *self.servers])


def filter_choices(team: Team) -> Choices:
    """What the runs page offers to filter by."""
    with connection.cursor() as cursor:
        cursor.execute(_CHOICES, {"team": team.pk})
        rows = cursor.fetchall()
    found: dict[str, list[tuple[str, ...]]] = {kind: [] for kind in ("person", "assistant", "server", "tag", "error")}
    for kind, *words in rows:
        found[kind].append(tuple(words))
    return Choices(
        people=[(names[0], name_of(*names)) for names in found["person"]],
        assistants=_assistant_choices(found["assistant"]),
        servers=sorted(((id_, name) for id_, name, _ in found["server"]), key=lambda pair: pair[1].lower()),
        tags=sorted(tag for tag, *_ in found["tag"])[:200],
        errors=sorted(error for error, *_ in found["error"])[:200],
    )


_CHOICES = f"""
WITH recent AS (
  SELECT assistant_id, assistant_name, graph_id, tags, error_type, server_id, created_at
  FROM runs_run WHERE team_id = %(team)s ORDER BY created_at DESC, id DESC LIMIT {RECENT}
)
SELECT kind, one, two, three FROM (
  SELECT 'assistant' kind, assistant_id one, assistant_name two, graph_id three, max(created_at) at
    FROM recent GROUP BY 2, 3, 4
  UNION ALL SELECT 'server', server.id::text, server.name, '', NULL
    FROM (SELECT DISTINCT server_id FROM recent) used JOIN servers_server server ON server.id = used.server_id
  UNION ALL SELECT DISTINCT 'tag', unnest(tags), '', '', NULL::timestamptz FROM recent
  UNION ALL SELECT DISTINCT 'error', error_type, '', '', NULL::timestamptz FROM recent WHERE error_type <> ''
  UNION ALL SELECT 'person', person.username, person.first_name, person.last_name, NULL
    FROM teams_membership member JOIN teams_user person ON person.id = member.user_id WHERE member.team_id = %(team)s
) found ORDER BY at DESC NULLS LAST, one
"""
"""What the last runs used, each once, the latest assistants first; and the team's people by name.

In Postgres, so that no page reads 500 rows."""


def _assistant_choices(recent: list[tuple[str, ...]]) -> list[tuple[str, str]]:
    """What recent runs used: a value and a distinct title.

    An assistant that its server made for a graph is the same whether it was launched by its id or by the graph's name.
    """
    found: dict[str, tuple[str, str]] = {}
    for assistant_id, name, graph_id in recent:
        value = graph_id if graph_id and name == graph_id else assistant_id
        found.setdefault(value, (name or graph_id or assistant_id, graph_id))
    names = Counter(name for name, _ in found.values())
    titles = {
        value: f"{name} · {graph_id}" if names[name] > 1 and graph_id not in ("", name) else name
        for value, (name, graph_id) in found.items()
    }
    seen = Counter(titles.values())
    apart = [(value, f"{title} · {value[:8]}" if seen[title] > 1 else title) for value, title in titles.items()]
    return sorted(apart, key=lambda pair: pair[1].lower())
