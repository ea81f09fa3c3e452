"""Finds or makes the account of somebody from the provider, and applies their groups."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from uuid import UUID

from django.db import IntegrityError, transaction

from dashboard.teams import people
from dashboard.teams.models import Identity, Membership, Role, Team, User
from dashboard.teams.openid.claims import Claims

logger = logging.getLogger("dashboard.sign_in")


class AccountClosed(Exception):
    """An admin has deactivated this person."""


def person_find(claims: Claims) -> User | None:
    """The person with these claims: known from before, else by a verified e-mail address.

    Raises:
        AccountClosed: they may not come in.
    """
    known = Identity.objects.filter(issuer=claims.issuer, subject=claims.subject).select_related("user").first()
    if known is not None:
        return _open(known.user)
    alike = list(User.objects.filter(email__iexact=claims.email)[:2]) if claims.email else []
    if len(alike) != 1:  # two people with one address: it is ambiguous
        return None
    user = _open(alike[0])
    try:
        with transaction.atomic():
            Identity.objects.create(user=user, issuer=claims.issuer, subject=claims.subject)
    except IntegrityError:  # the same sign-in, twice at once
        return person_find(claims)
    return user


def person_make(claims: Claims) -> User:
    """A new account without a password."""
    for number in range(1, 100):
        user = User(username=_username(claims, number), email=claims.email, first_name=claims.full_name)
        user.set_unusable_password()
        try:
            with transaction.atomic():
                user.save()
                Identity.objects.create(user=user, issuer=claims.issuer, subject=claims.subject)
        except IntegrityError:
            if known := person_find(claims):
                return known
            continue
        return user
    raise RuntimeError("a hundred people have this user name")


def person_connect(user: User, claims: Claims) -> bool:
    """Let somebody sign in with the provider from now on. False when that identity has another account."""
    with transaction.atomic():
        identity, _ = Identity.objects.get_or_create(
            issuer=claims.issuer, subject=claims.subject, defaults={"user": user}
        )
    return identity.user_id == user.pk


def groups_apply(user: User, roles: Mapping[str, Role]) -> list[tuple[Team, str]]:
    """Add and remove memberships by groups; what people have given or removed by hand stays.

    Returns the teams in which something changed, with a description.
    """
    changed: list[tuple[Team, str]] = []
    given = Team.objects.filter(slug__in=roles) | Team.objects.filter(
        memberships__user=user, memberships__by_groups=True
    )
    for team in given.distinct().order_by("pk"):
        try:
            if said := _apply(user, team.pk, roles.get(team.slug)):
                changed.append((team, said))
        except people.LastAdmin:
            logger.warning("groups would take the last admin of team %s away: %s stays", team.slug, user.username)
    if missing := set(roles) - {team.slug for team in Team.objects.filter(slug__in=roles)}:
        logger.warning("OIDC_GROUPS names teams that do not exist: %s", ", ".join(sorted(missing)))
    return changed


@transaction.atomic
def _apply(user: User, team_id: UUID, role: Role | None) -> str:
    team = people.team_locked(team_id)
    membership = Membership.objects.filter(team=team, user=user).first()
    if membership is None:
        if role is None:
            return ""
        Membership.objects.create(team=team, user=user, role=role, by_groups=True)
        return f"{user.username}, now {role.label.lower()}, by groups"
    if not membership.by_groups or not membership.is_active or membership.role == role:
        return ""
    if role is None:
        membership.delete()
    else:
        membership.role = role
        membership.save(update_fields=["role"])
    people.keep_an_admin(team)
    return f"{user.username}, now {role.label.lower() if role else 'no member'}, by groups"


def _open(user: User) -> User:
    if not user.is_active:
        raise AccountClosed
    return user


def _username(claims: Claims, number: int) -> str:
    """A user name like the provider's, with a number when it is taken."""
    name = re.sub(r"[^\w.@+-]", "-", claims.username)[:140].strip("-") or "person"
    return name if number == 1 else f"{name}-{number}"
