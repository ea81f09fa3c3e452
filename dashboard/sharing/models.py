"""Links that show a run, or several, to anybody who has them, and what each of them shows."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.launch.models import Preset
from dashboard.runs.models import Run
from dashboard.servers.models import Server
from dashboard.sharing.redaction.rules import Rules
from dashboard.teams.models import Team, User


class Audience(models.TextChoices):
    """Who may open a link."""

    ANYONE = "anyone", "Anyone with the link"
    SIGNED_IN = "signed_in", "Anyone who is signed in here"
    TEAM = "team", "My team"


def shown_before() -> list[str]:
    """What links showed before one could choose."""
    return ["result", "messages"]


def short_texts() -> ArrayField[list[str], list[str]]:
    """A column for a few texts."""
    return ArrayField(models.CharField(max_length=500), default=list, blank=True)


class WhatIsShown(models.Model):
    """What a link shows and hides. Never changes after the link was made.

    `show` names parts of `parts.py`; `keys` and `redact` are JSON Pointers into the final state.
    """

    show = ArrayField(models.CharField(max_length=20), default=shown_before, blank=True)
    keys = short_texts()
    redact = short_texts()
    redact_kinds = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    redact_patterns = short_texts()

    class Meta:
        abstract = True

    @property
    def rules(self) -> Rules:
        return Rules(tuple(self.keys), tuple(self.redact), tuple(self.redact_kinds), tuple(self.redact_patterns))

    @property
    def is_whole(self) -> bool:
        """Whether the whole final state is shown, byte for byte."""
        return {"result", "messages"} <= set(self.show) and not self.keys and self.rules.hides_nothing


class FormLink(WhatIsShown):
    """A preset shared as a form: anybody with the link fills in what the preset leaves open, and launches a run.

    Its rules are for the runs that it launches: each gets a share link with the same ones.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    preset = models.ForeignKey(Preset, on_delete=models.CASCADE, related_name="form_links")
    token_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    # The heading of the form.
    name = models.CharField(max_length=60)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="form_links")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    max_launches = models.PositiveIntegerField(null=True)
    max_per_hour = models.PositiveIntegerField(null=True)
    launches = models.PositiveIntegerField(default=0)
    last_launched_at = models.DateTimeField(null=True)
    password = models.CharField(max_length=200, default="", blank=True)
    note = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        ordering = ["-created_at"]

    @property
    def is_used_up(self) -> bool:
        return self.max_launches is not None and self.launches >= self.max_launches

    @property
    def is_open(self) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    @property
    def works(self) -> bool:
        """Whether somebody can launch with it now."""
        return self.is_open and not self.is_used_up


class ShareLink(WhatIsShown):
    """A read-only link to a run, or to several: then `run` is None and `run_set` says which.

    The token is 192 random bits; only its SHA-256 is stored, so it can be shown once.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, null=True, related_name="share_links")
    # The token by which it was opened; it is not stored.
    token = ""
    # The form that launched the run, and made this link for its sender.
    form_link = models.ForeignKey(FormLink, on_delete=models.SET_NULL, null=True, related_name="share_links")
    # The runs before the shown one, oldest first, when it answers what the sender's run asked; not stored.
    earlier: tuple[Run, ...] = ()
    token_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    max_views = models.PositiveIntegerField(null=True)
    views = models.PositiveIntegerField(default=0, db_default=0)
    last_viewed_at = models.DateTimeField(null=True)
    # As Django hashes passwords; "" for none.
    password = models.CharField(max_length=200, default="", blank=True)
    audience = models.CharField(max_length=9, choices=Audience.choices, default=Audience.ANYONE)
    # Whether chat programs may show the run's title and status with the link.
    unfurl = models.BooleanField(default=False)
    note = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(audience__in=Audience.values), name="share_audience_known"),
        ]

    @property
    def several(self) -> RunSet | None:
        """The runs of a link to several; None for a link to one."""
        return None if self.run_id is not None else getattr(self, "run_set", None)

    @property
    def title(self) -> str:
        """Its target, for the team."""
        return self.run.title if self.run is not None else str(self.several or "")

    @property
    def is_used_up(self) -> bool:
        """Whether it can no longer be opened; open pages go on."""
        return self.max_views is not None and self.views >= self.max_views

    @property
    def is_open(self) -> bool:
        """Whether open pages of the link still show the run."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    @property
    def works(self) -> bool:
        """Whether somebody can open it now."""
        return self.is_open and not self.is_used_up


class SetKind(models.TextChoices):
    """How the runs of one link belong together."""

    COMPARISON = "comparison", "Comparison"
    THREAD = "thread", "Thread"
    VIEW = "view", "List of runs"


class RunSet(models.Model):
    """The runs that one link shows: chosen ones, those of a thread, or those that match filters."""

    link = models.OneToOneField(ShareLink, on_delete=models.CASCADE, primary_key=True, related_name="run_set")
    kind = models.CharField(max_length=10, choices=SetKind.choices)
    # The heading of its page.
    name = models.CharField(max_length=100)
    # Of a comparison, and of a view as it was: in their order.
    run_ids = ArrayField(models.UUIDField(), default=list)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, null=True, related_name="+")
    thread_id = models.CharField(max_length=200, default="", blank=True)
    # Of a view: filters as in an address, with the time zone of the link's maker.
    query = models.CharField(max_length=2_100, default="", blank=True)
    # Of a view as it was: its rows by the runs' ids, with nothing hidden in them. "" for a live one.
    rows_json = models.TextField(default="", blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(kind__in=SetKind.values), name="run_set_kind_known")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_frozen(self) -> bool:
        """Whether it shows a view as it was."""
        return bool(self.rows_json)
