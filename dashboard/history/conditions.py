"""Filters as SQL over `runs_run`. Each is written twice where two indexes answer it differently fast."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from dashboard.history.filters import STATUS_GROUPS, RunFilters
from dashboard.history.words import id_begin, search_query
from dashboard.runs.models import WaitState
from dashboard.runs.statuses import RunStatus
from dashboard.runs.values import value_key
from dashboard.servers.models import Assistant, Server
from dashboard.servers.selectors import assistant_ids
from dashboard.teams.models import User

DURATION: Final = "(runs_run.finished_at - runs_run.started_at)"
DURATION_CLASS: Final = f"floor(4 * ln(least(greatest(extract(epoch FROM {DURATION})::float8, 0.01), 1e7)))::int"
"""Durations that differ by at most a quarter or so, as a number: the longer, the higher."""
FACETS: Final = f"""(ARRAY[
    't' || runs_run.team_id::text, 's' || runs_run.status, 'a' || runs_run.assistant_id, 'g' || runs_run.graph_id,
    'v' || runs_run.server_id::text, 'p' || runs_run.launched_by_id::text, 'e' || runs_run.error_type,
    'd' || {DURATION_CLASS}::text
]::text[])"""
"""The expression of the index `run_facets`; migration 0069 of `runs` has the same one."""


@dataclass(frozen=True)
class Condition:
    """`sql` over runs_run with its parameters. `facets`: the same as words of which FACETS has one."""

    sql: str
    params: tuple[Any, ...] = ()
    facets: tuple[str, ...] = ()
    walk: int | None = None
    """When an index has the condition's runs in the order of their launch: how selective it usually is, 0 the most."""
    is_rare: bool = False
    """Few runs, found by an index of their own."""
    is_period: bool = False
    is_duration: bool = False
    is_text: bool = False
    has_durations: bool = False
    """When an index has the condition's runs in the order of how long they took."""


NOTHING = Condition("false")


def conditions(team_id: UUID, filters: RunFilters) -> list[Condition]:
    """The conditions of the filters, besides the team."""
    return [*_columns(team_id, filters), *_labels(filters), *_times(filters), *_text(filters)]


def _columns(team_id: UUID, filters: RunFilters) -> Iterator[Condition]:
    if filters.statuses:
        wanted: set[str] = set()
        for word in filters.statuses:
            wanted |= {str(status) for status in STATUS_GROUPS.get(word, {word})}
        yield _one_of("status", "s", sorted(wanted), walk=4)
    if filters.assistant:
        ids = _assistant_ids(team_id, filters.assistant)
        yield replace(_one_of("assistant_id", "a", sorted(ids), walk=3), has_durations=len(ids) == 1)
    if filters.graph:
        yield _one_of("graph_id", "g", [filters.graph])
    if filters.server:
        yield _of_server(team_id, filters.server)
    if filters.person:
        # As a value and not a join: for a person without runs a join walks the whole history.
        person = User.objects.filter(username=filters.person).values_list("pk", flat=True).first()
        yield _one_of("launched_by_id", "p", [person], walk=2) if person is not None else NOTHING
    if filters.error:
        found = _one_of("error_type", "e", [filters.error], walk=1)
        # The index is only over runs with an error, which Postgres must be able to see.
        yield Condition(f"{found.sql} AND runs_run.error_type <> ''", found.params, found.facets, walk=1)
    if filters.waiting:
        waits = _one_of("status", "s", [RunStatus.NEEDS_INPUT.value], walk=4)
        sql = f"{waits.sql} AND runs_run.wait_state = %s"
        yield Condition(sql, (*waits.params, filters.waiting), is_rare=filters.waiting == WaitState.OPEN)


def _assistant_ids(team_id: UUID, text: str) -> set[str]:
    """The `assistant_id`s of an assistant's runs: its id, and its graph if that means it. `text` may be its name."""
    ids = {text}
    for assistant in Assistant.objects.filter(server__team=team_id).only("assistant_id", "graph_id", "name"):
        if text == assistant.name or text in assistant_ids(assistant):
            ids |= assistant_ids(assistant)
    return ids


def _of_server(team_id: UUID, text: str) -> Condition:
    try:
        return _one_of("server_id", "v", [UUID(text)])
    except ValueError:
        pk = Server.objects.filter(team=team_id, name=text).values_list("pk", flat=True).first()
        return _one_of("server_id", "v", [pk]) if pk else NOTHING


def _labels(filters: RunFilters) -> Iterator[Condition]:
    if filters.tags:
        yield Condition("runs_run.tags @> %s::varchar[]", (list(filters.tags),))
    if filters.starred:
        yield Condition("runs_run.is_starred", walk=0)
    if filters.thread:
        yield Condition("runs_run.remote_thread_id = %s", (filters.thread,), is_rare=True)
    if filters.batch:
        try:
            yield Condition("runs_run.batch_id = %s", (UUID(filters.batch),), is_rare=True)
        except ValueError:
            yield NOTHING
    if filters.values:
        keys = [value_key(path, text) for path, text in filters.values]
        yield Condition("runs_run.value_keys @> %s::bigint[]", (keys,))


def _times(filters: RunFilters) -> Iterator[Condition]:
    if since := filters.moment("since"):
        yield Condition("runs_run.created_at >= %s", (since,), is_period=True)
    if until := filters.moment("until"):
        yield Condition("runs_run.created_at < %s", (until,), is_period=True)
    if filters.min_s is not None:
        yield Condition(f"{DURATION} >= %s", (timedelta(seconds=filters.min_s),), is_duration=True)
    if filters.max_s is not None:
        yield Condition(f"{DURATION} <= %s", (timedelta(seconds=filters.max_s),), is_duration=True)


def _text(filters: RunFilters) -> Iterator[Condition]:
    if not filters.text:
        return
    query = search_query(filters.text)
    found = Condition(_asked(query), (query,), is_text=True) if query else NOTHING
    begin = id_begin(filters.text)
    if begin is None:
        yield found
        return
    low, high = (UUID(begin.replace("-", "").ljust(32, digit)) for digit in "0f")
    ids = "runs_run.id BETWEEN %s AND %s OR runs_run.remote_run_id LIKE %s OR runs_run.remote_thread_id LIKE %s"
    yield Condition(f"({ids} OR {found.sql})", (low, high, f"{begin}%", f"{begin}%", *found.params), is_rare=True)


def wanted_words(found: Condition) -> list[Condition]:
    """A condition on a text as one for each word or phrase of it that is wanted."""
    terms = found.params[0].split(" & ") if found.is_text else []
    return [Condition(_MATCHES, (term,)) for term in terms if not term.startswith("!")]


_MATCHES: Final = "runs_run.search @@ to_tsquery('simple', %s)"


def _asked(query: str) -> str:
    """The words as a condition. Without any that is wanted, no index is asked: it would go through all of itself."""
    return _MATCHES if any(not term.startswith("!") for term in query.split(" & ")) else f"({_MATCHES}) IS TRUE"


def _one_of(column: str, letter: str, values: list[Any], *, walk: int | None = None) -> Condition:
    facets = tuple(f"{letter}{value}" for value in values)
    if len(values) == 1:
        return Condition(f"runs_run.{column} = %s", (values[0],), facets, walk)
    return Condition(f"runs_run.{column} = ANY(%s)", (values,), facets)
