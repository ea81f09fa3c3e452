"""The tabs above the list: views that everybody has, and saved ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from dashboard.history.counts import Count, run_count
from dashboard.history.filters import RunFilters
from dashboard.history.models import SavedView, Scope
from dashboard.teams.models import Team, User


@dataclass(frozen=True)
class Tab:
    """A tab. `is_teams`: a saved view of the whole team."""

    name: str
    query: str
    is_current: bool
    is_teams: bool = False
    count: Count | None = None


def views_of(team: Team, user: User) -> list[SavedView]:
    """The saved views a person has: their own and the team's."""
    return list(SavedView.objects.raw(_VIEWS, {"team": team.pk, "user": user.pk}))


_VIEWS = """
SELECT * FROM history_savedview WHERE team_id = %(team)s AND (scope = 'team' OR owner_id = %(user)s)
ORDER BY created_at, id
"""
"""One's own views of the scope `mine`, and everybody's of the scope `team`."""


def tabs(team: Team, user: User, current: str, *, zone: str = "", with_counts: bool = False) -> list[Tab]:
    """The tabs; `current` is the query of the page. Counts take a while when there are many views."""
    everybody = [
        ("All", ""),
        ("Mine", urlencode({"person": user.username})),
        ("Waiting", "waiting=open"),
        ("Failed today", "status=failed&status=timed_out&status=lost&since=today"),
    ]
    saved = [(view.name, view.query, view.scope == Scope.TEAM) for view in views_of(team, user)]
    found = []
    for name, query, is_teams in [*((name, query, False) for name, query in everybody), *saved]:
        filters, canonical = _filters(f"{query}&tz={zone}") if zone else _read(query)
        count = run_count(team.pk, filters) if with_counts else None
        found.append(Tab(name, query, canonical == current, is_teams, count))
    return found


@lru_cache(maxsize=500)
def _filters(query: str) -> tuple[RunFilters, str]:
    """A view's filters, and their query as `RunFilters` writes it; read once for each time zone."""
    return _read(query)


def _read(query: str) -> tuple[RunFilters, str]:
    filters = RunFilters.from_text(query)
    return filters, filters.to_query()
