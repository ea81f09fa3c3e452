"""Links by which a person sets a new password without the old one, once."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.teams import people, services
from dashboard.teams.models import Membership, PasswordLink, SignInLink, Team, User
from dashboard.teams.throttle import throttle_succeeded
from dashboard.teams.tokens import token_create, token_hash

LIFETIME = timedelta(hours=24)
BETWEEN_MAILS = timedelta(minutes=5)


class InSeveralTeams(Exception):
    """An admin of one team must not get into another team through somebody's account."""

    def __init__(self) -> None:
        super().__init__(
            "This person also belongs to another team, so no single team may set their password. "
            "Your administrator can: manage.py changepassword."
        )


def password_link_make(*, user: User, team: Team, by: User) -> str:
    """Make a link for a person of a team, and return its token. Earlier ones stop working.

    Raises:
        InSeveralTeams: the person is in another team too, or was.
    """
    token, hashed = token_create()
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if Membership.objects.filter(user=user).exclude(team=team).exists():
            raise InSeveralTeams
        PasswordLink.objects.filter(user=user, used_at=None).delete()
        PasswordLink.objects.create(
            user=user, team=team, created_by=by, token_hash=hashed, expires_at=timezone.now() + LIFETIME
        )
    return token


def password_link_by_name(name: str) -> tuple[User, str] | None:
    """The person with this user name or e-mail address, and the token of a link to send there.

    None for nobody or several people, without an address or a password, or when a link was sent a moment ago.
    """
    people = User.objects.filter(is_active=True, is_service=False, memberships__is_active=True).exclude(email="")
    alike = people.filter(Q(username=name) | Q(email__iexact=name)).distinct()[:2]
    if len(alike) != 1 or not alike[0].has_usable_password():
        return None
    user, (token, hashed) = alike[0], token_create()
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        mailed = PasswordLink.objects.filter(user=user, team=None)
        if mailed.filter(created_at__gt=Now() - BETWEEN_MAILS).exists():
            return None
        mailed.filter(used_at=None).delete()
        PasswordLink.objects.create(user=user, token_hash=hashed, expires_at=timezone.now() + LIFETIME)
    return user, token


def password_link_open(token: str) -> PasswordLink | None:
    """The link of this token, while it works; else None, whatever the reason."""
    return _open_ones().filter(token_hash=token_hash(token)).select_related("user", "team").first()


def password_link_use(*, link: PasswordLink, password: str) -> bool:
    """Set a password that has been validated, and end all sessions. The second of two at once gets False."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=link.user_id)
        if not _open_ones().filter(pk=link.pk).exists():
            return False
        PasswordLink.objects.filter(pk=link.pk).update(used_at=Now())
        SignInLink.objects.filter(user_id=link.user_id, used_at=None).delete()
        services.password_set(user=link.user, password=password)
        people.sessions_end(user=link.user)
    throttle_succeeded(link.user.username)
    return True


def _open_ones() -> QuerySet[PasswordLink]:
    """False for a person who joined another team or was deactivated since an admin made the link."""
    mine = Membership.objects.filter(user_id=OuterRef("user_id"))
    there = Exists(mine.filter(team_id=OuterRef("team_id"), is_active=True))
    elsewhere = Exists(mine.exclude(team_id=OuterRef("team_id")))
    by_mail = Q(team=None) & Exists(mine.filter(is_active=True))
    return PasswordLink.objects.filter(
        by_mail | (Q(there) & ~Q(elsewhere)), used_at=None, expires_at__gt=Now(), user__is_active=True
    )
