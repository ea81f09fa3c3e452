"""Every write about servers and their assistants."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.servers.models import API_KEY_HEADER, Assistant, AssistantChange, Server, ServerCheck
from dashboard.servers.notifications import CHECK_CHANNEL
from dashboard.teams.encryption import SecretUnreadable, secrets_decrypt, secrets_encrypt
from dashboard.teams.models import Team, User

CHECK_ABANDONED = timedelta(seconds=60)
"""A check that a worker does not finish within this time goes to another."""
CHECKS_KEPT = 20


@dataclass(frozen=True)
class ServerSettings:
    """The settings of a server. `headers` and `proxy_secret` are secrets, in clear."""

    name: str
    url: str
    headers: Mapping[str, str]
    max_runs: int | None
    timeout_s: int | None
    retry_for_s: int
    proxy: str
    proxy_secret: Mapping[str, str]
    allow_private: bool
    stream_events: bool
    trace_url: str

    def columns(self) -> dict[str, Any]:
        """The same as columns of the table."""
        values = {name: value for name, value in vars(self).items() if name not in ("headers", "proxy_secret")}
        return values | {
            "secret_headers": secrets_encrypt(self.headers),
            "secret_proxy": secrets_encrypt(self.proxy_secret),
        }


def server_create(*, team: Team, settings: ServerSettings, by: User) -> Server:
    """Add a server to the team, and request its first check.

    Raises:
        IntegrityError: the team has a server of that name.
    """
    with transaction.atomic():
        server = Server.objects.create(team=team, **settings.columns())
        server_check_request(server=server, by=by)
    return server


def server_update(*, server: Server, settings: ServerSettings, by: User) -> None:
    """Change a server's settings, and request a check. Runs under way keep the old ones.

    Raises:
        IntegrityError: the team has another server of that name.
    """
    with transaction.atomic():
        Server.objects.filter(pk=server.pk).update(**settings.columns())
        server_check_request(server=server, by=by)


def server_remove(*, server: Server) -> None:
    """Remove a server from the team's lists. Without a history it is deleted, with everything known about it.

    Its secrets are deleted at once either way. The caller checks first whether runs still go on there.
    """
    with transaction.atomic():
        if not server.runs.exists():
            server.delete()
            return
        server.assistants.all().delete()
        server.checks.all().delete()
        Server.objects.filter(pk=server.pk, removed_at=None).update(
            removed_at=Now(), secret_headers=b"", secret_proxy=b"", secret_registration=b"", problem=""
        )


def server_register(*, team: Team, name: str, url: str, api_key: str = "") -> Server:
    """Create the server that the environment names, or follow the environment where that has changed since.

    What people have changed in the browser stays: name, limits, even the address, until the environment's own
    address or key changes. It may have a private address, because the operator sets the environment.
    """
    said = {"url": url, "api_key": api_key}
    server = Server.objects.filter(team=team, registered_as=name).first()
    if server is None:
        server = Server.objects.filter(team=team, name=name, removed_at=None).first()
    if server is None:
        server = Server(team=team, name=name)
    elif server.registered_as and server.removed_at is None and _registered(server) == said:
        return server
    server.url, server.allow_private, server.removed_at = url, True, None
    server.registered_as, server.secret_registration = name, secrets_encrypt(said)
    server.secret_headers = secrets_encrypt({API_KEY_HEADER: api_key} if api_key else {})
    server.save()
    return server


def _registered(server: Server) -> dict[str, str]:
    try:
        return secrets_decrypt(server.secret_registration)
    except SecretUnreadable:
        return {}


# Checks.


def server_check_request(*, server: Server, by: User | None) -> ServerCheck:
    """Ask the workers to check a server and fetch its assistants; returns the open check if there is one."""
    with transaction.atomic():
        Server.objects.select_for_update(no_key=True).get(pk=server.pk)
        check = ServerCheck.objects.filter(server=server, finished_at=None).first()
        if check is None:
            check = ServerCheck.objects.create(server=server, requested_by=by)
            old = ServerCheck.objects.filter(server=server).values_list("pk", flat=True)[CHECKS_KEPT:]
            ServerCheck.objects.filter(pk__in=list(old)).delete()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHECK_CHANNEL, str(check.pk)])
    return check


def server_check_claim() -> ServerCheck | None:
    """Claim an open check; None without one. Two workers never get the same."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=Now() - CHECK_ABANDONED)
    with transaction.atomic():
        check = (
            ServerCheck.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
            .filter(free, finished_at=None)
            .select_related("server")
            .order_by("requested_at")
            .first()
        )
        if check is not None:
            ServerCheck.objects.filter(pk=check.pk).update(claimed_at=Now())
    return check


def server_check_finish(*, check: ServerCheck, findings: Sequence[Mapping[str, Any]]) -> None:
    """Store the findings of a check. If two workers did the same check, the first one's."""
    ServerCheck.objects.filter(pk=check.pk, finished_at=None).update(finished_at=Now(), findings=list(findings))


# Changes of assistants.


def assistant_change_request(
    *, server: Server, assistant_id: UUID, action: str, settings: Mapping[str, Any], by: User, graph_id: str = ""
) -> AssistantChange:
    """Ask the workers to change or create an assistant on its server."""
    with transaction.atomic():
        change = AssistantChange.objects.create(
            server=server,
            assistant_id=assistant_id,
            graph_id=graph_id,
            action=action,
            settings_text=json.dumps(dict(settings)),
            requested_by=by,
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHECK_CHANNEL, str(change.pk)])
    return change


def assistant_change_claim() -> AssistantChange | None:
    """Claim an open change, the oldest first; None without one."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=Now() - CHECK_ABANDONED)
    with transaction.atomic():
        change = (
            AssistantChange.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
            .filter(free, finished_at=None)
            .select_related("server")
            .order_by("requested_at")
            .first()
        )
        if change is not None:
            AssistantChange.objects.filter(pk=change.pk).update(claimed_at=Now())
    return change


def assistant_change_finish(*, change: AssistantChange, problem: str = "") -> None:
    """Store the result of a change, and request the server's new assistants."""
    with transaction.atomic():
        done = AssistantChange.objects.filter(pk=change.pk, finished_at=None)
        if done.update(finished_at=Now(), problem=problem[:2000]) and not problem:
            server_check_request(server=change.server, by=change.requested_by)


# What servers offer.


@dataclass(frozen=True)
class AssistantFound:
    """An assistant as a server describes it.

    `schemas` is None when the server failed this time; `schema_problem` says why there are none, or too few;
    `settings` are its own; `graph` its nodes and edges, None when the server failed this time.
    """

    assistant_id: UUID
    graph_id: str
    name: str
    description: str = ""
    schemas: dict[str, Any] | None = None
    version: int | None = None
    schema_problem: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    graph: dict[str, Any] | None = None


def about(description: str, schemas: Mapping[str, Any]) -> str:
    """What an assistant does, in a paragraph."""
    schema = schemas.get("input_schema")
    text = description or str((schema.get("description") if isinstance(schema, dict) else "") or "")
    return text.strip().split("\n\n")[0]


def server_seen(
    *, server: Server, version: str, assistants: Sequence[AssistantFound], heartbeat_at: datetime | None = None
) -> None:
    """Store what the server offers now, and forget assistants that it no longer has.

    An assistant whose schemas the server could not give this time keeps the old ones. Only changes are written: schemas
    are large, and nearly always the same.
    """
    now = timezone.now()
    with transaction.atomic():
        known = {assistant.assistant_id: assistant for assistant in server.assistants.all()}
        same = []
        for found in assistants:
            described: dict[str, Any] = {
                "graph_id": found.graph_id,
                "name": found.name,
                "description": found.description,
                "version": found.version,
                "schema_problem": found.schema_problem,
                "settings_text": json.dumps(found.settings, ensure_ascii=False),
            }
            if found.description or found.schemas is not None:
                described["about"] = about(found.description, found.schemas or {})
            if found.schemas is not None:
                described["schemas_text"] = json.dumps(found.schemas, ensure_ascii=False)
            if found.graph is not None:
                described["graph_text"] = json.dumps(found.graph, ensure_ascii=False)
            if (one := known.get(found.assistant_id)) and all(
                getattr(one, name) == described[name] for name in described
            ):
                same.append(one.pk)
                continue
            described["seen_at"] = now
            Assistant.objects.update_or_create(server=server, assistant_id=found.assistant_id, defaults=described)
        Assistant.objects.filter(pk__in=same).update(seen_at=now)
        server.assistants.exclude(assistant_id__in=[found.assistant_id for found in assistants]).delete()
        said: dict[str, Any] = {"checked_at": now, "version": version, "problem": ""}
        if heartbeat_at is not None:
            said["heartbeat_at"] = heartbeat_at
        Server.objects.filter(pk=server.pk).update(**said)


def server_unreachable(*, server: Server, problem: str) -> None:
    """Store why the server could not be asked; its earlier answers stay."""
    Server.objects.filter(pk=server.pk).update(checked_at=timezone.now(), problem=problem[:2000])
