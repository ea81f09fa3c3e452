"""Every write about who is in a team: invitations, roles, leaving, switching."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from dashboard.teams.models import Invitation, Membership, Role, Team, User
from dashboard.teams.tokens import token_create

INVITATION_LIFETIME = timedelta(days=7)


class LastAdmin(Exception):
    """A team must keep an active admin."""

    def __init__(self) -> None:
        super().__init__("A team needs an admin: make somebody else one first.")


class InvitationUsed(Exception):
    """Somebody else was quicker, or it was revoked meanwhile."""


class AlreadyMember(Exception):
    """The person is already in the team."""


def team_create(*, name: str, by: User) -> Team:
    """Make a team with `by` as its admin, and switch to it."""
    with transaction.atomic():
        slug = slugify(name)[:45] or "team"
        if Team.objects.filter(slug=slug).exists():
            slug = f"{slug}-{uuid4().hex[:8]}"
        team = Team.objects.create(name=name, slug=slug)
        Membership.objects.create(team=team, user=by, role=Role.ADMIN)
        team_switch(user=by, team=team)
    return team


def team_switch(*, user: User, team: Team) -> bool:
    """Switch to another team. False when the person is not in it."""
    if not Membership.objects.filter(user=user, team=team, is_active=True).exists():
        return False
    User.objects.filter(pk=user.pk).update(current_team=team)
    return True


def invitation_create(*, team: Team, by: User, role: Role, note: str = "", email: str = "") -> tuple[Invitation, str]:
    """Make a link by which one person joins. Returns it with its token, which cannot be shown again."""
    token, hashed = token_create()
    expires_at = timezone.now() + INVITATION_LIFETIME
    made = Invitation.objects.create(
        team=team, created_by=by, role=role, note=note, email=email, token_hash=hashed, expires_at=expires_at
    )
    return made, token


def invitation_revoke(*, team: Team, invitation_id: int) -> bool:
    """Make an invitation stop working; False when it is not this team's."""
    found = Invitation.objects.filter(team=team, pk=invitation_id)
    return bool(found.filter(used_at=None, revoked_at=None).update(revoked_at=timezone.now())) or found.exists()


def invitation_accept(*, invitation: Invitation, user: User) -> Membership:
    """Join the team with the invitation's role, and switch to it. Of two at once, the second is refused.

    Args:
        user: new and not saved yet, or somebody who has an account.

    Raises:
        InvitationUsed: it no longer works.
        AlreadyMember: nothing to join.
        IntegrityError: the user name is taken.
    """
    now = timezone.now()
    with transaction.atomic():
        waiting = Invitation.objects.filter(pk=invitation.pk, used_at=None, revoked_at=None, expires_at__gt=now)
        if not waiting.update(used_at=now):
            raise InvitationUsed
        if user.pk is None:
            user.email = invitation.email
            user.save()
        if Membership.objects.filter(team=invitation.team, user=user, is_active=True).exists():
            raise AlreadyMember
        Invitation.objects.filter(pk=invitation.pk).update(used_by=user)
        membership, _ = Membership.objects.update_or_create(
            team=invitation.team, user=user, defaults={"role": invitation.role, "is_active": True}
        )
        team_switch(user=user, team=invitation.team)
    return membership


def member_change(*, team: Team, user_id: int, role: Role | None, active: bool | None) -> Membership | None:
    """Give a person another role, or let them in or out. None when they are not in the team.

    Somebody who is no longer in any team cannot sign in, and is signed out.

    Raises:
        LastAdmin: the team would have no admin.
    """
    with transaction.atomic():
        team_locked(team.pk)
        membership = (
            Membership.objects.select_related("user").filter(team=team, user_id=user_id, user__is_service=False).first()
        )
        if membership is None:
            return None
        if role is not None:
            membership.role = role
        if active is not None:
            membership.is_active = active
        membership.save(update_fields=["role", "is_active"])
        keep_an_admin(team)
        _open_or_close_account(membership.user)
    return membership


def team_leave(*, team: Team, user: User) -> bool:
    """Leave a team. False when the person was not in it.

    Raises:
        LastAdmin: nobody else could admit people.
    """
    with transaction.atomic():
        team_locked(team.pk)
        gone, _ = Membership.objects.filter(team=team, user=user, is_active=True).delete()
        keep_an_admin(team)
        User.objects.filter(pk=user.pk, current_team=team).update(current_team=None)
    return bool(gone)


def sessions_end(*, user: User, except_key: str | None = None) -> int:
    """End the person's sessions, except the one named; returns how many."""
    mine = [key for key, _ in sessions_of(user) if key != except_key]
    ended, _ = Session.objects.filter(pk__in=mine).delete()
    return ended


def sessions_tidy() -> None:
    """Remove sessions that ended long ago: Django leaves that to others."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()


def sessions_of(user: User) -> list[tuple[str, Session]]:
    """The open sessions of a person, the one that lasts longest first."""
    open_ones = Session.objects.filter(expire_date__gt=timezone.now()).order_by("-expire_date")
    return [(found.pk, found) for found in open_ones if found.get_decoded().get("_auth_user_id") == str(user.pk)]


def team_locked(team_id: UUID) -> Team:
    """Two admins who remove each other at once must not both succeed."""
    return Team.objects.select_for_update().get(pk=team_id)


def keep_an_admin(team: Team) -> None:
    """Raise LastAdmin when the team no longer has an admin."""
    if not Membership.objects.filter(team=team, role=Role.ADMIN, is_active=True, user__is_active=True).exists():
        raise LastAdmin


def _open_or_close_account(user: User) -> None:
    may_come_in = Membership.objects.filter(user=user, is_active=True).exists()
    if User.objects.filter(pk=user.pk).exclude(is_active=may_come_in).update(is_active=may_come_in) and not may_come_in:
        sessions_end(user=user)
