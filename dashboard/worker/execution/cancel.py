"""Delivering a cancel to the server, also when it is away just then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast

from dashboard.langgraph import LangGraphClient, LangGraphError, RequestRejected, RunNotFound
from dashboard.langgraph.types import CancelAction
from dashboard.runs import leases
from dashboard.runs.events import EventKind
from dashboard.runs.leases import Lease
from dashboard.worker.database import Database
from dashboard.worker.retry import is_retryable

logger = logging.getLogger(__name__)

RETRY_FIRST_S = 0.5
RETRY_MAX_S = 15.0


async def deliver_cancel(
    client: LangGraphClient,
    database: Database,
    lease: Lease,
    thread_id: str,
    run_id: str,
    headers: dict[str, str],
    *,
    action: Callable[[], Awaitable[str]],
) -> None:
    """Tell the server, until it has heard, what someone asked for. How the run ends, its answer will say."""
    asked = await action()
    delay, told = RETRY_FIRST_S, False
    while True:
        try:
            await client.runs.cancel(
                thread_id, run_id, action=cast("CancelAction", asked or "interrupt"), headers=headers
            )
        except LangGraphError as error:
            if isinstance(error, RunNotFound) and not is_retryable(error):
                return  # over already, or gone: asking the run says which
            logger.warning("a cancel could not be delivered: %s", error, extra={"run_id": str(lease.run_id)})
            if not told:
                told = True
                await database.call_with_retry(
                    leases.event_append_fenced, lease, kind=EventKind.CANCEL_FAILED, data={"message": str(error)}
                )
            if isinstance(error, RequestRejected) and not is_retryable(error):
                return
        else:
            await database.call_with_retry(
                leases.event_append_fenced, lease, kind=EventKind.CANCEL_DELIVERED, data={"action": asked}
            )
            return
        await asyncio.sleep(delay)
        delay = min(delay * 2, RETRY_MAX_S)
