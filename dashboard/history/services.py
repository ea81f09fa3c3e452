"""Writes about saved views."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from dashboard.history.filters import RunFilters
from dashboard.history.models import SavedView, Scope
from dashboard.teams.models import Membership, Role, Team, User

NAME_CHARS = 60
QUERY_CHARS = 2_000


class BadView(ValueError):
    """It cannot be saved: `field` is wrong, and the message says why."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def view_save(*, team: Team, by: User, name: str, scope: str, query: str) -> SavedView:
    """Save filters under a name. Of `query`, only what the runs page understands is saved.

    Raises:
        BadView: there is no name, it is too long or taken, or the filters are too many.
    """
    name = " ".join(name.replace("\x00", "").split())
    if not name or len(name) > NAME_CHARS:
        raise BadView("name", f"Give the view a name of at most {NAME_CHARS} characters.")
    if scope not in Scope.values:
        raise BadView("scope", "Choose mine or team.")
    kept = RunFilters.from_text(query.lstrip("?")).to_query()
    if len(kept) > QUERY_CHARS:
        raise BadView("query", "These are too many filters to save.")
    try:
        with transaction.atomic():
            return SavedView.objects.create(team=team, owner=by, scope=scope, name=name, query=kept)
    except IntegrityError:
        raise BadView("name", "A view of this name exists already.") from None


def view_delete(*, view: SavedView, membership: Membership) -> bool:
    """Remove a view: one's own, or as an admin the team's. Returns whether that was allowed."""
    if view.owner_id != membership.user_id and membership.role != Role.ADMIN:
        return False
    view.delete()
    return True
