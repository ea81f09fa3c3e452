"""Keeping what each server offers up to date, so that pages never have to ask it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from uuid import UUID

from dashboard.langgraph import LangGraphClient, LangGraphError
from dashboard.servers import services
from dashboard.servers.models import Server
from dashboard.servers.services import AssistantFound
from dashboard.teams.encryption import SecretUnreadable
from dashboard.worker.clients import Clients
from dashboard.worker.database import DATABASE_AWAY, Database

logger = logging.getLogger(__name__)

REFRESH_S = 30.0
REFRESH_SOON_S = 2.0


async def keep_directory(clients: Clients, database: Database) -> None:
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


async def _refresh(server: Server, clients: Clients, database: Database) -> bool:
    """Ask one server. Returns whether it answered; what it said before stays when it did not."""
    try:
        client = clients.get(server)
        version = str((await client.info()).get("version") or "")
        found = [await _assistant(client, assistant) for assistant in await client.assistants.search()]
    except (LangGraphError, SecretUnreadable) as error:
        await database.call(services.server_unreachable, server=server, problem=str(error))
        return False
    await database.call(services.server_seen, server=server, version=version, assistants=found)
    return True


async def _assistant(client: LangGraphClient, assistant: Any) -> AssistantFound:
    try:
        schemas = dict(await client.assistants.get_schemas(assistant["assistant_id"]))
    except LangGraphError as error:  # LANGGRAPH.md section 7: some graphs' schemas cannot be had
        logger.info("no schemas of %s: %s", assistant.get("name"), error)
        schemas = {}
    return AssistantFound(
        assistant_id=UUID(assistant["assistant_id"]),
        graph_id=str(assistant.get("graph_id") or ""),
        name=str(assistant.get("name") or assistant.get("graph_id") or ""),
        description=str(assistant.get("description") or ""),
        schemas=schemas,
    )
