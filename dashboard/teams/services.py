"""Every write about people and teams."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from dashboard.teams.models import Membership, Role, SignInLink, Team, User
from dashboard.teams.tokens import token_create, token_hash

SIGN_IN_LINK_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True)
class Bootstrap:
    """The result of a first start. `password` is set only if it was made now."""

    team: Team
    user: User
    password: str | None


@transaction.atomic
def team_bootstrap(*, admin_password: str | None) -> Bootstrap:
    """Make the first team and its user `admin` unless they exist.

    Args:
        admin_password: the password a new `admin` gets; None makes a random one. An existing user keeps theirs.

    Raises:
        ValidationError: the password is refused, also when it is no longer needed.
    """
    if admin_password is not None:
        validate_password(admin_password, User(username="admin"))
    team, _ = Team.objects.get_or_create(slug="team", defaults={"name": "My team"})
    user = User.objects.filter(username="admin").first()
    password = None
    if user is None:
        password = None if admin_password else secrets.token_urlsafe(12)
        user = User.objects.create_superuser("admin", password=admin_password or password)
    Membership.objects.get_or_create(team=team, user=user, defaults={"role": Role.ADMIN})
    return Bootstrap(team=team, user=user, password=password)


def sign_in_link_create(*, user: User) -> str:
    """The path of a link that signs `user` in once, within SIGN_IN_LINK_LIFETIME. Earlier unused links stop working."""
    token, hashed = token_create()
    with transaction.atomic():
        SignInLink.objects.filter(user=user, used_at=None).delete()
        SignInLink.objects.create(user=user, token_hash=hashed, expires_at=timezone.now() + SIGN_IN_LINK_LIFETIME)
    return reverse("sign-in", args=[token])


def sign_in_link_use(*, token: str) -> User | None:
    """The person a link signs in, or None when it is unknown, used or expired. The second of two callers gets None."""
    now = timezone.now()
    link = SignInLink.objects.filter(
        token_hash=token_hash(token), used_at=None, expires_at__gt=now, user__is_active=True
    ).select_related("user")
    found = link.first()
    if found is None or not link.filter(pk=found.pk).update(used_at=now):
        return None
    return found.user


SESSION_ABOUT = "about"
"""The key under which a session keeps where it began."""


def profile_change(*, user: User, full_name: str, time_zone: str, theme: str) -> None:
    """Store a person's name, time zone and theme."""
    user.first_name, user.last_name, user.time_zone, user.theme = full_name, "", time_zone, theme
    user.save(update_fields=["first_name", "last_name", "time_zone", "theme"])


def password_set(*, user: User, password: str) -> None:
    """Set a password that has been validated. Every session of the person ends, by Django's own check."""
    user.set_password(password)
    user.save(update_fields=["password"])


def session_end(*, key: str) -> None:
    """End a session."""
    Session.objects.filter(pk=key).delete()
