"""Every read about people and teams."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.db.models import Exists
from django.db.models.functions import Now

from dashboard.teams.models import Membership, Team, User


def membership_of(user: User | AnonymousUser) -> Membership | None:
    """The membership a person works in: their first, until teams can be switched. None for strangers."""
    if not user.is_authenticated:
        return None
    return Membership.objects.select_related("team").filter(user_id=user.pk).order_by("created_at", "pk").first()


def membership_still_of(user: User, session_key: str | None) -> Membership | None:
    """The same for a page that has long been open: None also when the account was closed or the person signed out."""
    session = Session.objects.filter(pk=session_key, expire_date__gt=Now())
    mine = Membership.objects.select_related("team").filter(Exists(session), user_id=user.pk, user__is_active=True)
    return mine.order_by("created_at", "pk").first()


def is_still_signed_in(user: User, session_key: str | None) -> bool:
    """Whether the account is open and the session has not ended."""
    session = Session.objects.filter(pk=session_key, expire_date__gt=Now())
    return User.objects.filter(Exists(session), pk=user.pk, is_active=True).exists()


def team_people(team: Team) -> list[User]:
    """The members of a team, by name."""
    return list(team.members.order_by("username"))
