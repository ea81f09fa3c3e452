"""People, teams and what a person may do in a team."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.auth.password_validation import validate_password
from django.db import models
from django.db.models.functions import Now


class People(UserManager["User"]):
    """Makes users, none of them with a password that the validators refuse, whichever command or view asks."""

    def _create_user(self, username: str, email: str | None, password: str | None, **fields: Any) -> User:
        if password is not None:
            validate_password(password, self.model(username=username, email=email or ""))
        user: User = super()._create_user(username, email, password, **fields)  # type: ignore[misc]
        return user


class User(AbstractUser):
    """A person who signs in. What they may do stands in their memberships, not here."""

    objects: ClassVar[People] = People()

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Team(models.Model):
    """Whose runs, servers and links these are. Every row that people see belongs to a team."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60, unique=True)
    created_at = models.DateTimeField(db_default=Now())

    members: models.ManyToManyField[User, Membership] = models.ManyToManyField(
        User, through="Membership", related_name="teams"
    )

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do. Each role may do what the ones below it may."""

    ADMIN = "admin", "Admin"
    MEMBER = "member", "Member"
    VIEWER = "viewer", "Viewer"


class Membership(models.Model):
    """One person in one team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    @property
    def is_admin(self) -> bool:
        """Whether this person may change what belongs to the whole team: its servers and its people."""
        return self.role == Role.ADMIN

    @property
    def may_launch(self) -> bool:
        """Whether this person may launch, cancel and share; viewers may only look."""
        return self.role in {Role.ADMIN, Role.MEMBER}


class SignInLink(models.Model):
    """A link that signs one person in, once. Only the token's SHA-256 is stored."""

    token_hash = models.BinaryField(max_length=32, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class SignInFailures(models.Model):
    """How often signing in failed lately, with one name or from one address. See `throttle.py`."""

    key = models.CharField(primary_key=True, max_length=80)
    count = models.PositiveIntegerField()
    last_at = models.DateTimeField(db_index=True)
