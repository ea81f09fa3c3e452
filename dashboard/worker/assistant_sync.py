"""Keeping what each server offers up to date, so that pages never have to ask it."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any
from uuid import UUID

from dashboard.langgraph import LangGraphClient, LangGraphError
from dashboard.runs.text import storable
from dashboard.servers import services
from dashboard.servers.models import Server
from dashboard.servers.services import AssistantFound
from dashboard.teams.encryption import SecretUnreadable
from dashboard.worker.client_pool import ClientPool
from dashboard.worker.database import DATABASE_AWAY, Database

logger = logging.getLogger(__name__)

REFRESH_S = 30.0
REFRESH_SOON_S = 2.0


async def sync_assistants(clients: ClientPool, database: Database) -> None:
    """Ask every server for its assistants, again and again; sooner while one of them cannot be reached."""
    while True:
        well = True
        try:
            servers = await database.call(lambda: list(Server.objects.all()))
            for server in servers:
                well &= await _refresh(server, clients, database)
        except DATABASE_AWAY as error:
            logger.warning("the servers could not be looked up: %s", str(error).strip())
            well = False
        await asyncio.sleep(REFRESH_S if well else REFRESH_SOON_S)


async def _refresh(server: Server, clients: ClientPool, database: Database) -> bool:
    """Ask one server. Returns whether it answered; what it said before stays when it did not."""
    try:
        client = clients.get(server)
        version = _text((await client.info()).get("version"), 60)
        found = [await _assistant(client, assistant) for assistant in await client.assistants.search()]
        known = {assistant.assistant_id: assistant for assistant in found if assistant is not None}
        await database.call(services.server_seen, server=server, version=version, assistants=list(known.values()))
    except (LangGraphError, SecretUnreadable) as error:
        await database.call(services.server_unreachable, server=server, problem=storable(str(error)))
        return False
    except DATABASE_AWAY:
        raise
    except Exception:  # whatever a server says of itself, the worker goes on
        logger.exception("what a server says of itself cannot be kept", extra={"server_id": str(server.pk)})
        sentence = "What this server says of its assistants could not be understood."
        await database.call(services.server_unreachable, server=server, problem=sentence)
        return False
    return True


async def _assistant(client: LangGraphClient, assistant: Any) -> AssistantFound | None:
    try:
        assistant_id = UUID(str(assistant.get("assistant_id")))
    except ValueError:
        logger.warning("an assistant without a usable id is left out: %r", str(assistant)[:200])
        return None
    try:
        schemas = _storable(dict(await client.assistants.get_schemas(str(assistant["assistant_id"]))))
    except LangGraphError as error:  # LANGGRAPH.md section 7: some graphs' schemas cannot be had
        logger.info("no schemas of %s: %s", assistant.get("name"), error)
        schemas = {}
    return AssistantFound(
        assistant_id=assistant_id,
        graph_id=_text(assistant.get("graph_id"), 200),
        name=_text(assistant.get("name") or assistant.get("graph_id"), 200),
        description=_text(assistant.get("description"), 10_000),
        schemas=schemas,
    )


def _text(value: Any, length: int) -> str:
    return storable(str(value or ""))[:length]


def _storable(schemas: dict[str, Any]) -> dict[str, Any]:
    """The schemas, or {} when they hold what jsonb refuses: NUL, lone surrogates, NaN, nesting without end."""
    try:
        text = json.dumps(schemas, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return {}
    return {} if rb"\u0000" in text else schemas
