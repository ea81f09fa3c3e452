"""The first view and the columns of the runs page: chosen by a person, or by an admin for the team."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from dashboard.history.columns import Column, columns_of
from dashboard.history.models import ListChoice, SavedView, Scope
from dashboard.teams.models import Team, User


@dataclass(frozen=True)
class Chosen:
    """The choices for somebody's runs page.

    Attributes:
        columns: Besides status and name; empty for the usual ones.
        view_id: The view that the page begins with; None for all runs.
        query: The view's query.
        is_mine: Whether the person chose the first view, and not the team.
    """

    columns: tuple[Column, ...] = ()
    view_id: int | None = None
    query: str = ""
    is_mine: bool = False


def chosen_for(team: Team, user: User) -> Chosen:
    """The choices for somebody's runs page. One small query, since every page view makes it."""
    with connection.cursor() as cursor:
        cursor.execute(_CHOSEN, {"team": team.pk, "user": user.pk})
        rows: dict[int | None, tuple[list[str], bool, int | None, str | None]] = {
            row[0]: row[1:] for row in cursor.fetchall()
        }
    own_columns, has_all, own_id, own_query = rows.get(user.pk, ([], False, None, ""))
    columns = columns_of(own_columns)
    if has_all or own_id is not None:
        return Chosen(columns, own_id, own_query or "", is_mine=True)
    _, _, team_id, team_query = rows.get(None, ([], False, None, ""))
    return Chosen(columns, team_id, team_query or "")


_CHOSEN = """
SELECT choice.user_id, choice.columns, choice.begins_with_all, choice.view_id, view.query
FROM history_listchoice choice LEFT JOIN history_savedview view ON view.id = choice.view_id
WHERE choice.team_id = %(team)s AND (choice.user_id = %(user)s OR choice.user_id IS NULL)
"""
"""The person's choice and the team's."""


def begin_of_team(team: Team) -> SavedView | None:
    """The team's first view, for people who have none of their own; None: all runs."""
    found = ListChoice.objects.filter(team=team, user=None).select_related("view").first()
    return found.view if found is not None else None


def columns_choose(*, team: Team, user: User, keys: list[str]) -> None:
    """Set the columns of a person's runs page; none: the usual ones."""
    columns = [column.key for column in columns_of(keys)]
    ListChoice.objects.update_or_create(team=team, user=user, defaults={"columns": columns})


def begin_choose(*, team: Team, user: User | None, view: SavedView | None, all_runs: bool = False) -> bool:
    """Set the first view of a runs page: a view, all runs or, for a person, the team's choice.

    Args:
        user: the person; None for everybody in the team who has not chosen.
        view: None for none. A team's page cannot begin with a view that not everybody has.

    Returns:
        Whether it can.
    """
    if user is None and view is not None and view.scope != Scope.TEAM:
        return False
    with transaction.atomic():
        choice = {"view": view, "begins_with_all": all_runs and view is None}
        ListChoice.objects.update_or_create(team=team, user=user, defaults=choice)
    return True
