"""The LangGraph servers a team uses, and what they offer."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.utils.functional import cached_property

from dashboard.teams.encryption import secrets_decrypt
from dashboard.teams.models import Team


class Server(models.Model):
    """A LangGraph server: where it is and how to speak to it. The API key is stored encrypted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="servers")
    name = models.CharField(max_length=100)
    url = models.URLField(max_length=500)
    secret_headers = models.BinaryField(default=b"", editable=False)
    # How long a run is tried again while the server cannot be reached, in seconds.
    retry_for_s = models.PositiveIntegerField(default=900)
    created_at = models.DateTimeField(db_default=Now())
    # What the last look at the server said; None before the first.
    checked_at = models.DateTimeField(null=True)
    version = models.CharField(max_length=60, default="", blank=True)
    problem = models.TextField(default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="server_name_once")]

    def __str__(self) -> str:
        return self.name

    def headers(self) -> dict[str, str]:
        """Headers every request to this server carries, in clear. Never show them.

        Raises:
            SecretUnreadable: RUNBOARD_ENCRYPTION_KEYS no longer holds the key.
        """
        return secrets_decrypt(self.secret_headers)


class Assistant(models.Model):
    """An assistant as its server last described it. Kept here so that pages never have to ask the server."""

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="assistants")
    assistant_id = models.UUIDField()
    graph_id = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    description = models.TextField(default="", blank=True)
    # The answer of GET /assistants/{id}/schemas as text: jsonb would lose the order of the properties.
    schemas_text = models.TextField(default="{}")
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["graph_id", "name"]
        constraints = [models.UniqueConstraint(fields=["server", "assistant_id"], name="assistant_once")]

    def __str__(self) -> str:
        return self.name

    @cached_property
    def schemas(self) -> dict[str, Any]:
        """The JSON Schemas by name (`input_schema`, ...) in the server's order; {} when the server gave none."""
        return json.loads(self.schemas_text)  # type: ignore[no-any-return]
