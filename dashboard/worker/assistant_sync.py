"""Keeps what each server offers up to date, so that pages never have to ask it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any, TypeAlias
from uuid import UUID

from dashboard.database import DATABASE_AWAY
from dashboard.langgraph import LangGraphClient, LangGraphError
from dashboard.runs.text import storable
from dashboard.servers import services
from dashboard.servers.models import Server
from dashboard.servers.services import AssistantFound
from dashboard.teams.encryption import SecretUnreadable
from dashboard.worker.client_pool import ClientPool
from dashboard.worker.database import Database

logger = logging.getLogger(__name__)

REFRESH_S = 30.0
REFRESH_SOON_S = 2.0


async def sync_assistants(clients: ClientPool, database: Database) -> None:
    """Ask every server for its assistants, repeatedly; sooner while one of them cannot be reached."""
    while True:
        well = True
        try:
            servers = await database.call(lambda: list(Server.objects.filter(removed_at=None)))
            for server in servers:
                well &= await _refresh(server, clients, database)
        except DATABASE_AWAY as error:
            logger.warning("the servers could not be looked up: %s", str(error).strip())
            well = False
        await asyncio.sleep(REFRESH_S if well else REFRESH_SOON_S)


async def _refresh(server: Server, clients: ClientPool, database: Database) -> bool:
    """Ask one server. Returns whether it answered; if not, what it said before stays."""
    try:
        client = clients.get(server)
        version = version_of(await client.info())
        found = await assistants_of(client)
        await database.call(
            services.server_seen, server=server, version=version, assistants=found, heartbeat_at=client.heartbeat_at
        )
    except (LangGraphError, SecretUnreadable) as error:
        await database.call(services.server_unreachable, server=server, problem=storable(str(error)))
        return False
    except DATABASE_AWAY:
        raise
    except Exception:  # no answer of a server may end the worker
        logger.exception("what a server says about itself cannot be stored", extra={"server_id": str(server.pk)})
        sentence = "Runboard does not understand what this server says about its assistants."
        await database.call(services.server_unreachable, server=server, problem=sentence)
        return False
    return True


def version_of(info: Mapping[str, Any]) -> str:
    """The server's version, from `/info`."""
    return _text(info.get("version"), 60)


async def assistants_of(client: LangGraphClient) -> list[AssistantFound]:
    """Every assistant of a server with its schemas; those without a usable id are left out."""
    known: _Known = {}
    found = [await _assistant(client, assistant, known) for assistant in await client.assistants.search()]
    return list({assistant.assistant_id: assistant for assistant in found if assistant is not None}.values())


_Known: TypeAlias = dict[tuple[str, str], tuple[dict[str, Any] | None, str, dict[str, Any] | None]]
"""By graph and config: schemas, what is wrong with them, and the drawing. A server is asked once for all assistants
of one graph that differ in their context alone."""


async def _assistant(client: LangGraphClient, assistant: Any, known: _Known) -> AssistantFound | None:
    try:
        assistant_id = UUID(str(assistant.get("assistant_id")))
    except ValueError:
        logger.warning("an assistant without a usable id is left out: %r", str(assistant)[:200])
        return None
    made_with = _made_with(assistant)
    key = (str(assistant.get("graph_id")), json.dumps(made_with.get("config"), sort_keys=True))
    if key not in known:
        schemas, problem = await _schemas(client, str(assistant_id))
        known[key] = schemas, problem, await _graph(client, str(assistant_id))
    schemas, problem, graph = known[key]
    version = assistant.get("version")
    return AssistantFound(
        assistant_id=assistant_id,
        graph_id=_text(assistant.get("graph_id"), 200),
        name=_text(assistant.get("name") or assistant.get("graph_id"), 200),
        description=_text(assistant.get("description"), 10_000),
        schemas=schemas,
        version=version if isinstance(version, int) and 0 < version < 2**31 else None,
        schema_problem=problem,
        settings=_storable(made_with),
        graph=graph,
    )


async def _schemas(client: LangGraphClient, assistant_id: str) -> tuple[dict[str, Any] | None, str]:
    """The schemas, and what is wrong with them in a sentence."""
    try:
        schemas = _storable(dict(await client.assistants.get_schemas(assistant_id)))
    except LangGraphError as error:  # some graphs have no schemas: docs/langgraph-protocol.md, "Schemas"
        logger.info("no schemas of %s: %s", assistant_id, error)
        return None, storable(str(error))[:2000]
    return schemas, _schema_problem(schemas)


async def _graph(client: LangGraphClient, assistant_id: str) -> dict[str, Any] | None:
    try:
        return _storable(dict(await client.assistants.get_graph(assistant_id, xray=True)))
    except LangGraphError as error:  # a graph that cannot be drawn can be run
        logger.info("no graph of %s: %s", assistant_id, error)
        return None


def _made_with(assistant: Any) -> dict[str, Any]:
    """The config and context it was made with. Servers repeat the context inside the config; here it stands once."""
    context, config = assistant.get("context"), assistant.get("config")
    if isinstance(config, dict) and context and config.get("configurable") == context:
        config = {name: value for name, value in config.items() if name != "configurable"}
    return {name: value for name, value in (("config", config), ("context", context)) if value}


def _schema_problem(schemas: Mapping[str, Any]) -> str:
    if schemas.get("input_schema"):
        return ""
    if schemas.get("state_schema"):
        return "The server publishes no input schema, so the form follows the state schema."
    return "The server publishes neither an input schema nor a state schema."


def _text(value: Any, length: int) -> str:
    return storable(str(value or ""))[:length]


def _storable(schemas: dict[str, Any]) -> dict[str, Any]:
    """The schemas, or {} when they hold what jsonb refuses: NUL, lone surrogates, NaN, nesting without end."""
    try:
        text = json.dumps(schemas, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return {}
    return {} if rb"\u0000" in text else schemas
