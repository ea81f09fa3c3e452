"""Changes assistants on their servers at the request of admins."""

from __future__ import annotations

import asyncio
import logging

from dashboard.langgraph import LangGraphError
from dashboard.servers.models import AssistantAction, AssistantChange
from dashboard.teams.encryption import SecretUnreadable
from dashboard.worker.client_pool import ClientPool

logger = logging.getLogger(__name__)

CHANGE_S = 40.0


async def change_assistant(change: AssistantChange, clients: ClientPool) -> str:
    """Make the change. Returns why it failed; "" when it did not."""
    try:
        async with asyncio.timeout(CHANGE_S):
            await _do(change, clients)
    except TimeoutError:
        return f"The server did not answer within {CHANGE_S:.0f} s."
    except (LangGraphError, SecretUnreadable) as error:
        return str(error)
    except Exception:
        logger.exception("an assistant could not be changed", extra={"server_id": str(change.server_id)})
        return "The worker failed. Its log says more."
    return ""


async def _do(change: AssistantChange, clients: ClientPool) -> None:
    assistants = clients.get(change.server).assistants
    assistant_id, settings = str(change.assistant_id), change.settings
    if change.action == AssistantAction.CREATE:
        await assistants.create(change.graph_id, assistant_id=assistant_id, settings=settings)
    elif change.action == AssistantAction.UPDATE:
        await assistants.update(assistant_id, settings=settings)
    elif change.action == AssistantAction.VERSION:
        await assistants.set_latest(assistant_id, int(settings["version"]))
    else:
        await assistants.delete(assistant_id)
