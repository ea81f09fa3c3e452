"""Every write about servers and their assistants."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from dashboard.servers.models import Assistant, Server
from dashboard.teams.encryption import secrets_encrypt
from dashboard.teams.models import Team


def server_register(*, team: Team, name: str, url: str, api_key: str = "") -> Server:
    """Create the team's server of that name, or point it at a new address."""
    headers = secrets_encrypt({"x-api-key": api_key} if api_key else {})
    server, _ = Server.objects.update_or_create(team=team, name=name, defaults={"url": url, "secret_headers": headers})
    return server


@dataclass(frozen=True)
class AssistantFound:
    """An assistant as a server describes it."""

    assistant_id: UUID
    graph_id: str
    name: str
    description: str = ""
    schemas: dict[str, Any] = field(default_factory=dict)


def server_seen(*, server: Server, version: str, assistants: Sequence[AssistantFound]) -> None:
    """Keep what the server just said of itself; assistants it no longer has are forgotten."""
    now = timezone.now()
    with transaction.atomic():
        for found in assistants:
            Assistant.objects.update_or_create(
                server=server,
                assistant_id=found.assistant_id,
                defaults={
                    "graph_id": found.graph_id,
                    "name": found.name,
                    "description": found.description,
                    "schemas_text": json.dumps(found.schemas, ensure_ascii=False),
                    "seen_at": now,
                },
            )
        server.assistants.exclude(assistant_id__in=[found.assistant_id for found in assistants]).delete()
        Server.objects.filter(pk=server.pk).update(checked_at=now, version=version, problem="")


def server_unreachable(*, server: Server, problem: str) -> None:
    """Keep why the server could not be asked; what it said before stays."""
    Server.objects.filter(pk=server.pk).update(checked_at=timezone.now(), problem=problem[:2000])
