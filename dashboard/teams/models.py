"""People, teams and what a person may do in a team."""

from __future__ import annotations

import re
import uuid
from typing import Any, ClassVar, Final

from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.auth.password_validation import validate_password
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.teams.audit_words import action_words


class People(UserManager["User"]):
    """Makes users, and refuses passwords that the validators refuse, whichever command or view calls it."""

    def _create_user(self, username: str, email: str | None, password: str | None, **fields: Any) -> User:
        if password is not None:
            validate_password(password, self.model(username=username, email=email or ""))
        user: User = super()._create_user(username, email, password, **fields)  # type: ignore[misc]
        return user


class User(AbstractUser):
    """A person who signs in. Their memberships say what they may do."""

    THEMES = [("", "As the device"), ("light", "Light"), ("dark", "Dark")]

    # Which of their teams they work in now; None is the first.
    current_team = models.ForeignKey("Team", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    time_zone = models.CharField(max_length=60, default="", blank=True)
    theme = models.CharField(max_length=10, choices=THEMES, default="", blank=True)
    # Not a person: a team's service tokens act as it. It has no password and no session.
    is_service = models.BooleanField(default=False, db_default=False)

    objects: ClassVar[People] = People()

    def __str__(self) -> str:
        return name_of(self.username, self.first_name, self.last_name)


def name_of(username: str, first_name: str, last_name: str) -> str:
    """A person's name, also for rows that are read without the model."""
    return f"{first_name} {last_name}".strip() or username


class Team(models.Model):
    """A team of people. Every run, server and link belongs to one."""

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
    # A deactivated person's name stays on what they did; they see nothing of the team.
    is_active = models.BooleanField(default=True, db_default=True)
    # Given by groups of the OpenID Connect provider, which set or remove it at each sign-in.
    by_groups = models.BooleanField(default=False, db_default=False)
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

    def may_cancel(self, launched_by_id: int | None) -> bool:
        """Whether this person may cancel a run that somebody launched: members their own, admins everybody's."""
        return self.is_admin or (self.may_launch and launched_by_id == self.user_id)

    @property
    def may_launch(self) -> bool:
        """Whether this person may launch, cancel and share; viewers may only read."""
        return self.role in {Role.ADMIN, Role.MEMBER}


class Identity(models.Model):
    """A person's identity at an OpenID Connect provider."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="identity_once")]


class SignInLink(models.Model):
    """A link that signs one person in, once. Only the token's SHA-256 is stored."""

    token_hash = models.BinaryField(max_length=32, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class PasswordLink(models.Model):
    """A link by which a person sets a new password, once.

    Made by an admin of the only team they are in, or sent to their own address: then it has no team.
    """

    token_hash = models.BinaryField(max_length=32, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, related_name="+")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class SignInFailures(models.Model):
    """How often sign-in failed lately with one name or from one address. See `throttle.py`."""

    key = models.CharField(primary_key=True, max_length=80)
    count = models.PositiveIntegerField()
    last_at = models.DateTimeField(db_index=True)


class Invitation(models.Model):
    """A link by which one person joins a team, once. Only the token's SHA-256 is stored."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    token_hash = models.BinaryField(max_length=32, unique=True)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    note = models.CharField(max_length=200, default="", blank=True)
    # The address it was sent to, shown to nobody else: a new account made with it gets this address.
    email = models.EmailField(default="", db_default="", blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    used_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)


class Scope(models.TextChoices):
    """What a token may be used for. Its owner's role limits it too."""

    READ = "read", "Read runs, results and servers"
    LAUNCH = "launch", "Launch and cancel runs, keep presets and views"
    ANSWER = "answer", "Answer and continue runs"
    SHARE = "share", "Make and revoke links"
    ADMIN = "admin", "Change servers and people"


class ApiToken(models.Model):
    """A token with which a program signs in. Only its SHA-256 is stored; `hint` is its beginning.

    Its user is the person it acts as; for a service token the team's service of its name.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="tokens")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=100)
    token_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    hint = models.CharField(max_length=12)
    scopes = ArrayField(models.CharField(max_length=10))
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    # Requests in the minute that began at `window_at`.
    window_at = models.DateTimeField(null=True)
    window_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-created_at"]

    @property
    def is_open(self) -> bool:
        """Whether it still signs in."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())


OWN_PATH: Final = re.compile(r"/[a-z]")
"""Never begins with two slashes, which would name another host."""
UUID_TEXT: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
RUN_ID: Final = re.compile(UUID_TEXT)
NAMED: Final = re.compile(rf"\b(run|preset|action) ({UUID_TEXT})")
ADDRESS: Final = re.compile(rf"/(run|preset|server)s/({UUID_TEXT})/")
PAGES: Final = {"run": "/runs/%s/", "preset": "/presets/%s/", "action": "/runs/bulk/%s/"}
"""The pages of what an entry names, as "run 0d9e..."."""


class AuditEntry(models.Model):
    """Who did what to what, from where. Written once: a trigger refuses changes, so nothing here is a foreign key."""

    id = models.BigAutoField(primary_key=True)
    team_id = models.UUIDField()
    at = models.DateTimeField(db_default=Now())
    by_id = models.BigIntegerField(null=True)
    by = models.CharField(max_length=200)
    action = models.CharField(max_length=100)
    object = models.CharField(max_length=500)
    address = models.CharField(max_length=60)
    # The name of the token that was used; "" for a person on a page.
    token = models.CharField(max_length=100, default="", blank=True)

    class Meta:
        indexes = [models.Index(fields=["team_id", "-id"], name="audit_by_team")]

    @property
    def path(self) -> str:
        """The address of the object; "" when the entry has none."""
        if OWN_PATH.match(self.object):
            return self.object
        if named := NAMED.search(self.object):
            return PAGES[named[1]] % named[2]
        return f"/runs/{self.object}/" if self.action.startswith("run-") and RUN_ID.fullmatch(self.object) else ""

    @property
    def sentence(self) -> str:
        """What was done, for people."""
        return action_words(self.action)

    @property
    def about(self) -> str:
        """The object for people: ids are cut to what lists show of them, and addresses are named."""
        named = ADDRESS.sub(r"\1 \2", self.object) if ADDRESS.fullmatch(self.object) else self.object
        return RUN_ID.sub(lambda found: found[0][:8], named)
