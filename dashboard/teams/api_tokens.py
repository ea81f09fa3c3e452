"""Tokens with which programs sign in, their scopes, and their rate limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from dashboard.teams.models import ApiToken, Membership, Role, Scope, Team, User
from dashboard.teams.people import team_locked
from dashboard.teams.tokens import token_create, token_hash

PREFIX = "rb_"
SERVICE = "service: "
"""Prefix of the names of services."""
A_MINUTE = 600
"""The most requests with one token in a minute."""

USED_SQL = """
    UPDATE teams_apitoken SET
        last_used_at = clock_timestamp(),
        window_count = CASE WHEN window_at > clock_timestamp() - interval '1 minute' THEN window_count + 1 ELSE 1 END,
        window_at = CASE WHEN window_at > clock_timestamp() - interval '1 minute' THEN window_at
                         ELSE clock_timestamp() END
    WHERE id = %s
    RETURNING window_count, extract(epoch FROM window_at + interval '1 minute' - clock_timestamp())
"""

SCOPES = {
    "launch": Scope.LAUNCH,
    "preset": Scope.LAUNCH,
    "assistant": Scope.LAUNCH,
    "view": Scope.LAUNCH,
    "bulk": Scope.LAUNCH,
    "run": Scope.LAUNCH,
    "run-answer": Scope.ANSWER,
    "run-continue": Scope.ANSWER,
    "answer": Scope.ANSWER,
    "share": Scope.SHARE,
    "form-link": Scope.SHARE,
    "preset-form-link": Scope.SHARE,
}
"""The scope of a write, by the name of its address; everything else needs `admin`."""


@dataclass(frozen=True)
class TokenUse:
    """The uses of a token in this minute."""

    count: int
    resets_in_s: int

    @property
    def left(self) -> int:
        return max(0, A_MINUTE - self.count)

    @property
    def is_too_often(self) -> bool:
        return self.count > A_MINUTE


def token_make(
    *, team: Team, user: User, name: str, scopes: Sequence[str], lifetime: timedelta | None, by: User | None = None
) -> tuple[ApiToken, str]:
    """Make a token. Returns it with its text, which is not stored and cannot be shown again.

    Args:
        user: the person it acts as.
        by: its maker, if somebody else.
    """
    random, _ = token_create()
    text = PREFIX + random
    made = ApiToken.objects.create(
        team=team,
        user=user,
        created_by=by or user,
        name=name,
        token_hash=token_hash(text),
        hint=text[:7],
        scopes=sorted(set(scopes)),
        expires_at=timezone.now() + lifetime if lifetime else None,
    )
    return made, text


def service_token_make(
    *, team: Team, by: User, name: str, scopes: Sequence[str], lifetime: timedelta | None
) -> tuple[ApiToken, str]:
    """Make a token that belongs to the team. Tokens of one name act as one service, so that they can be replaced."""
    with transaction.atomic():
        service = _service(team_locked(team.pk), name)
        return token_make(team=team, user=service, name=name, scopes=scopes, lifetime=lifetime, by=by)


def _service(team: Team, name: str) -> User:
    """The user as which the team's service tokens of this name act.

    It is a user, because runs and links are by users, and a member, but counts as nobody where people are meant. No
    person can have such a user name. What it may do beyond a member comes from the scopes of the token.
    """
    shown = f"{SERVICE}{name}"
    known = User.objects.filter(is_service=True, memberships__team=team, first_name=shown).first()
    if known is not None:
        return known
    taken = User.objects.filter(username=shown).exists()
    service = User(username=f"{shown} ({team.slug})" if taken else shown, first_name=shown, is_service=True)
    service.set_unusable_password()
    service.save()
    Membership.objects.create(team=team, user=service, role=Role.MEMBER)
    return service


def token_revoke(*, team: Team, token_id: UUID, by: Membership) -> ApiToken | None:
    """Make a token stop working; None when it is not this person's, or for admins not this team's."""
    found = ApiToken.objects.filter(team=team, pk=token_id)
    if not by.is_admin:
        found = found.filter(user_id=by.user_id)
    found.filter(revoked_at=None).update(revoked_at=timezone.now())
    return found.select_related("user").first()


def token_open(text: str) -> ApiToken | None:
    """The token, while it works and its owner is in its team; else None, whatever the reason."""
    found = ApiToken.objects.select_related("user", "team").filter(
        token_hash=token_hash(text), revoked_at=None, user__is_active=True
    )
    token = found.first()
    if token is None or not token.is_open:
        return None
    return token


def token_used(token: ApiToken) -> TokenUse:
    """Count a request."""
    with connection.cursor() as cursor:
        cursor.execute(USED_SQL, [token.pk])
        count, seconds = cursor.fetchone()
    return TokenUse(int(count), max(1, round(seconds)))


def scopes_for(role: Role) -> list[Scope]:
    """The scopes with which a token of such a person does anything."""
    if role == Role.ADMIN:
        return list(Scope)
    return [Scope.READ] if role == Role.VIEWER else [scope for scope in Scope if scope != Scope.ADMIN]


def scope_needed(method: str | None, url_name: str) -> Scope:
    """The scope a request needs."""
    if method in ("GET", "HEAD", "OPTIONS"):
        return Scope.READ
    parts = url_name.split("-")
    for length in range(len(parts), 0, -1):
        if scope := SCOPES.get("-".join(parts[:length])):
            return scope
    return Scope.ADMIN
