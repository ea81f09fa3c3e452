"""Every read about people and teams."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.db.models import Case, Exists, F, QuerySet, When
from django.db.models.functions import Now

from dashboard.teams.models import ApiToken, AuditEntry, Invitation, Membership, Role, Scope, Team, User
from dashboard.teams.tokens import token_hash

TEAMS_IN_MENU = 10
"""A person in more teams than these switches on the page *Teams*."""


def membership_of(user: User | AnonymousUser) -> Membership | None:
    """The membership a person works in: in the team they switched to, else their first. None for strangers."""
    return next(iter(memberships_of(user)), None)


def memberships_of(user: User | AnonymousUser) -> list[Membership]:
    """The same, and then those in other teams; at most TEAMS_IN_MENU of these."""
    if not user.is_authenticated:
        return []
    return list(_current_first(Membership.objects.filter(user_id=user.pk))[: 1 + TEAMS_IN_MENU])


def _current_first(memberships: QuerySet[Membership]) -> QuerySet[Membership]:
    is_current = Case(When(team_id=F("user__current_team_id"), then=0), default=1)
    return memberships.filter(is_active=True).select_related("team").order_by(is_current, "created_at", "pk")


def membership_with_token(token: ApiToken) -> Membership | None:
    """The membership of a token's owner in the token's team; None when it has ended."""
    found = Membership.objects.select_related("team").filter(team_id=token.team_id, user_id=token.user_id)
    membership = found.filter(is_active=True).first()
    if membership is not None and token.user.is_service:
        membership.role = _role_of_service(token.scopes)
    return membership


def _role_of_service(scopes: Collection[str]) -> Role:
    """A service has no role besides the scopes of its token."""
    if Scope.ADMIN in scopes:
        return Role.ADMIN
    return Role.VIEWER if set(scopes) <= {Scope.READ} else Role.MEMBER


def membership_still_of(user: User, session_key: str | None, team_id: UUID) -> Membership | None:
    """The membership behind an open page; None when it ended, or the account was closed or signed out."""
    session = Session.objects.filter(pk=session_key, expire_date__gt=Now())
    mine = Membership.objects.filter(Exists(session), user_id=user.pk, user__is_active=True, team_id=team_id)
    return _current_first(mine).first()


def is_still_signed_in(user: User, session_key: str | None) -> bool:
    """Whether the account is open and the session has not ended."""
    session = Session.objects.filter(pk=session_key, expire_date__gt=Now())
    return User.objects.filter(Exists(session), pk=user.pk, is_active=True).exists()


def team_people(team: Team) -> list[User]:
    """The members of a team, by name."""
    return list(team.members.only("username", "first_name", "last_name").order_by("username"))


def person_memberships(user: User) -> QuerySet[Membership]:
    """The teams a person may work in, by name."""
    return Membership.objects.filter(user=user, is_active=True).select_related("team").order_by("team__name", "pk")


def team_memberships(team: Team) -> QuerySet[Membership]:
    """Everybody in a team, active people first, then by name. Without services."""
    people = team.memberships.filter(user__is_service=False)
    return people.select_related("user").order_by("-is_active", "user__username")


def invitation_list(team: Team) -> QuerySet[Invitation]:
    """The team's invitations that still wait, the newest first."""
    return (
        team.invitations.filter(used_at=None, revoked_at=None, expires_at__gt=Now())
        .select_related("created_by")
        .order_by("-created_at")
    )


def invitation_open(token: str) -> Invitation | None:
    """The invitation of this token, while it works; else None, whatever the reason."""
    found = Invitation.objects.select_related("team", "created_by").filter(token_hash=token_hash(token))
    return found.filter(used_at=None, revoked_at=None, expires_at__gt=Now()).first()


def token_list(team: Team, user: User, *, everybodys: bool) -> QuerySet[ApiToken]:
    """A person's tokens in a team; `everybodys` for its admins."""
    tokens = ApiToken.objects.filter(team=team).select_related("user", "created_by")
    return tokens if everybodys else tokens.filter(user=user)


def audit_page(team: Team, filters: Mapping[str, str], *, before: int | None, rows: int = 50) -> list[AuditEntry]:
    """The newest entries of a team, one more than `rows` when there are more."""
    entries = AuditEntry.objects.filter(team_id=team.pk)
    for field in ("by", "action"):
        if value := filters.get(field):
            entries = entries.filter(**{field: value})
    if value := filters.get("object"):
        entries = entries.filter(object__icontains=value)
    if before is not None:
        entries = entries.filter(pk__lt=before)
    return list(entries.order_by("-pk")[: rows + 1])


def audit_words(team: Team, field: str) -> list[str]:
    """The people and tokens in a team's log, for its filters."""
    recent = AuditEntry.objects.filter(team_id=team.pk).order_by("-pk").values_list(field, flat=True)[:1000]
    return sorted({*recent} - {""})
