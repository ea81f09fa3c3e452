"""The LangGraph servers a team uses, and what they offer."""

from __future__ import annotations

import json
import uuid
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from dashboard.teams.encryption import secrets_decrypt
from dashboard.teams.models import Team, User

API_KEY_HEADER = "x-api-key"
DEFAULT_TIMEOUT_S = 20


class Server(models.Model):
    """A LangGraph server: where it is and how to speak to it. Every secret is stored encrypted.

    One that runs were launched on is never deleted: `removed_at` takes it out of every list, the history stays.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="servers")
    name = models.CharField(max_length=100)
    url = models.URLField(max_length=500)
    secret_headers = models.BinaryField(default=b"", editable=False)
    # For how many seconds a run is retried while the server cannot be reached.
    retry_for_s = models.PositiveIntegerField(default=900)
    # The longest silence on a connection, in seconds, before it counts as lost; None: no end.
    timeout_s = models.PositiveIntegerField(null=True, default=DEFAULT_TIMEOUT_S)
    # How many runs may be at work there at once, counted over all workers; None: any number.
    max_runs = models.PositiveIntegerField(null=True)
    # Without user name and password, which are `secret_proxy`.
    proxy = models.CharField(max_length=500, default="", blank=True)
    secret_proxy = models.BinaryField(default=b"", editable=False)
    allow_private = models.BooleanField(default=False)
    # Whether to follow a run's steps while it runs.
    stream_events = models.BooleanField(default=True)
    # Where people find the trace of a run, with `{run_id}` or `{thread_id}` in it.
    trace_url = models.CharField(max_length=500, default="", blank=True)
    created_at = models.DateTimeField(db_default=Now())
    removed_at = models.DateTimeField(null=True)
    # The name under which the environment registers it, and its values then: a start changes nothing else.
    registered_as = models.CharField(max_length=100, default="", blank=True)
    secret_registration = models.BinaryField(default=b"", editable=False)
    # The result of the last look at the server; None before the first.
    checked_at = models.DateTimeField(null=True)
    version = models.CharField(max_length=60, default="", blank=True)
    problem = models.TextField(default="", blank=True)
    heartbeat_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "name"], condition=Q(removed_at__isnull=True), name="server_name_once"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def headers(self) -> dict[str, str]:
        """Headers every request to this server carries, in clear. Never show them.

        Raises:
            SecretUnreadable: RUNBOARD_ENCRYPTION_KEYS no longer holds the key.
        """
        return secrets_decrypt(self.secret_headers)

    def trace_of(self, run_id: str, thread_id: str) -> str:
        """The address of a run's trace, by the server's own ids; "" when nobody gave one."""
        return self.trace_url.replace("{run_id}", quote(run_id, safe="")).replace(
            "{thread_id}", quote(thread_id, safe="")
        )

    def proxy_with_secret(self) -> str:
        """The proxy's whole address, in clear; "" for none. Never show it.

        Raises:
            SecretUnreadable: RUNBOARD_ENCRYPTION_KEYS no longer holds the key.
        """
        secret = secrets_decrypt(self.secret_proxy)
        if not self.proxy or not secret:
            return self.proxy
        parts = urlsplit(self.proxy)
        user, password = quote(secret.get("user", ""), safe=""), quote(secret.get("password", ""), safe="")
        return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc}"))


class Assistant(models.Model):
    """An assistant as its server last described it. Kept here so that pages never have to ask the server."""

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="assistants")
    assistant_id = models.UUIDField()
    graph_id = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    description = models.TextField(default="", blank=True)
    # What it does, for lists: the first paragraph of its description, or of its input schema's.
    about = models.TextField(default="", blank=True)
    version = models.PositiveIntegerField(null=True)
    # The answer of GET /assistants/{id}/schemas as text: jsonb would lose the order of the properties.
    schemas_text = models.TextField(default="{}")
    # Why the server gave none; "" when it did.
    schema_problem = models.TextField(default="", blank=True)
    # The assistant's own settings on its server: {"config", "context"}, as text.
    settings_text = models.TextField(default="{}")
    # The answer of GET /assistants/{id}/graph?xray=true as text; "" when the server gave none.
    graph_text = models.TextField(default="", blank=True)
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

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Its own settings: `config` and `context`, if not empty."""
        return json.loads(self.settings_text)  # type: ignore[no-any-return]

    @cached_property
    def nodes(self) -> list[str]:
        """The names of its graph's nodes; [] when the server gave none."""
        found = json.loads(self.graph_text).get("nodes") if self.graph_text else None
        names = [str(node.get("id")) for node in found if isinstance(node, dict)] if isinstance(found, list) else []
        return [name for name in names if name not in ("__start__", "__end__")]

    @property
    def is_default(self) -> bool:
        """Whether its server made it for the graph; then the graph's name means it, too."""
        return self.name == self.graph_id

    @property
    def launch_id(self) -> str:
        """Its name in a launch: its graph if that means it, which people can read; else its id."""
        return self.graph_id if self.is_default else str(self.assistant_id)


class ServerCheck(models.Model):
    """A requested check of a server: a worker carries it out, and stores its findings here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="checks")
    requested_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    requested_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    findings = models.JSONField(default=list)

    class Meta:
        ordering = ["-requested_at"]
        indexes = [
            models.Index(fields=["requested_at"], condition=Q(finished_at__isnull=True), name="server_check_open"),
            models.Index(fields=["server", "-requested_at"], name="server_check_latest"),
        ]


class AssistantAction(models.TextChoices):
    """What to do with an assistant on its server."""

    CREATE = "create", "Make"
    UPDATE = "update", "Change"
    VERSION = "version", "Go back to a version of"
    DELETE = "delete", "Delete"


class AssistantChange(models.Model):
    """A change of an assistant that an admin requested: a worker makes it on the server, and stores the result here.

    The `assistant_id` of a new one is ours, so that a second attempt does not make another.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="assistant_changes")
    assistant_id = models.UUIDField()
    graph_id = models.CharField(max_length=200, default="", blank=True)
    action = models.CharField(max_length=10, choices=AssistantAction.choices)
    # `name`, `description`, `config`, `context`, or `version`: JSON text.
    settings_text = models.TextField(default="{}")
    requested_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    requested_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # The server's refusal; "" when the change was made.
    problem = models.TextField(default="", blank=True)

    class Meta:
        ordering = ["-requested_at"]
        indexes = [
            models.Index(fields=["requested_at"], condition=Q(finished_at__isnull=True), name="assistant_change_open"),
            models.Index(fields=["server", "assistant_id", "-requested_at"], name="assistant_change_latest"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(action__in=AssistantAction.values), name="assistant_change_action_known")
        ]

    @property
    def settings(self) -> dict[str, Any]:
        """The new settings."""
        return json.loads(self.settings_text)  # type: ignore[no-any-return]
