"""What people store about the history: saved views, bulk actions, and choices for their runs page."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from dashboard.teams.models import Team, User


class Scope(models.TextChoices):
    """Who has a saved view."""

    MINE = "mine", "Only mine"
    TEAM = "team", "The team's"


class SavedView(models.Model):
    """Filters under a name. `query` is an address's query string."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    scope = models.CharField(max_length=4, choices=Scope.choices, default=Scope.MINE)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2_000)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["team", "owner", "name"], condition=Q(scope="mine"), name="view_name_mine"),
            models.UniqueConstraint(fields=["team", "name"], condition=Q(scope="team"), name="view_name_team"),
        ]

    def __str__(self) -> str:
        return self.name


class BulkKind(models.TextChoices):
    """What a bulk action does."""

    CANCEL = "cancel", "Cancel"
    TAG = "tag", "Tag"
    LAUNCH = "launch", "Launch again"
    DELETE = "delete", "Delete"


class BulkAction(models.Model):
    """An action that workers apply to many runs, to each exactly once, until it is finished or somebody stops it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=10, choices=BulkKind.choices)
    add = ArrayField(models.CharField(max_length=60), default=list)
    remove = ArrayField(models.CharField(max_length=60), default=list)
    total = models.IntegerField()
    done = models.IntegerField(default=0)
    skipped = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    # Why one of them failed, for people.
    problem = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at", "pk"]
        indexes = [models.Index(fields=["created_at"], condition=Q(finished_at__isnull=True), name="bulk_unfinished")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.total} runs"

    @property
    def handled(self) -> int:
        """How many runs are done."""
        return self.done + self.skipped + self.failed


class BulkItem(models.Model):
    """A run still to be done by a bulk action. The transaction that does it removes the row."""

    bulk = models.ForeignKey(BulkAction, on_delete=models.CASCADE, related_name="items")
    # No foreign key: the run may be removed before its turn.
    run_id = models.UUIDField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bulk", "run_id"], name="bulk_item_once")]

    def __str__(self) -> str:
        return str(self.run_id)


class ListChoice(models.Model):
    """A person's choices for their runs page; without a person, the team's default."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    # Keys of `columns.py`; empty for the usual ones.
    columns = ArrayField(models.CharField(max_length=220), default=list)
    view = models.ForeignKey(SavedView, on_delete=models.SET_NULL, null=True, related_name="+")
    # All runs, whatever the team's default is.
    begins_with_all = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="list_choice_of_person"),
            models.UniqueConstraint(fields=["team"], condition=Q(user__isnull=True), name="list_choice_of_team"),
        ]

    def __str__(self) -> str:
        return f"choice {self.pk}"
