"""Every read about people and teams."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from dashboard.teams.models import Membership, Team, User


def membership_of(user: User | AnonymousUser) -> Membership | None:
    """The membership a person works in: their first, until teams can be switched. None for strangers."""
    if not user.is_authenticated:
        return None
    return Membership.objects.select_related("team").filter(user_id=user.pk).order_by("created_at", "pk").first()


def team_people(team: Team) -> list[User]:
    """The members of a team, by name."""
    return list(team.members.order_by("username"))
