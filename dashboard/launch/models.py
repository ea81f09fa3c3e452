"""Presets: launches to use again."""

from __future__ import annotations

import json
import uuid
from functools import cached_property
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from dashboard.servers.models import Server
from dashboard.teams.models import Team, User


class PresetScope(models.TextChoices):
    """Who sees a preset."""

    MINE = "mine", "Only me"
    TEAM = "team", "My team"


class Preset(models.Model):
    """Values of a launch under a name. It holds no secrets: header values are left out.

    Nobody who launches with it can change `locked` fields; `hidden` ones are not shown either. Both are names of
    the launch form: a parameter, or a document and a JSON Pointer.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="presets")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="presets")
    scope = models.CharField(max_length=4, choices=PresetScope.choices, default=PresetScope.MINE)
    name = models.CharField(max_length=100)
    description = models.TextField(default="", blank=True)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="presets")
    assistant_id = models.CharField(max_length=200)
    # {"params": by their names in `wait`, "thread", "thread_id", "tags"}: JSON text, because jsonb reorders keys.
    values_text = models.TextField()
    locked = ArrayField(models.CharField(max_length=500), default=list, blank=True)
    hidden = ArrayField(models.CharField(max_length=500), default=list, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["name", "created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(scope__in=PresetScope.values), name="preset_scope_known"),
        ]
        indexes = [models.Index(fields=["team", "assistant_id"], name="preset_of_assistant")]

    def __str__(self) -> str:
        return self.name

    @cached_property
    def values(self) -> dict[str, Any]:
        """What it was saved with."""
        return json.loads(self.values_text)  # type: ignore[no-any-return]

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of `wait` by their names."""
        return self.values.get("params") or {}

    @property
    def fixed(self) -> list[str]:
        """Every field whose value is the preset's, whatever is posted."""
        return sorted({*self.locked, *self.hidden})
