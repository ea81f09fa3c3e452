"""Delivers a cancel to the server, also when the server is away at first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast

from dashboard.langgraph import Backoff, LangGraphError, RequestRejected, RunNotFound
from dashboard.langgraph.types import CancelAction
from dashboard.runs import leases
from dashboard.runs.events import EventKind
from dashboard.runs.leases import Lease
from dashboard.worker.database import Database
from dashboard.worker.retry import is_retryable
from dashboard.worker.run_on_server import GOING_ON, RunOnServer

logger = logging.getLogger(__name__)

RETRY = Backoff(first_s=0.5, longest_s=15.0)


async def deliver_cancel(
    place: RunOnServer, database: Database, lease: Lease, *, action: Callable[[], Awaitable[str]]
) -> None:
    """Deliver the cancel, until the server has taken it. The run's answer will say how it ended."""
    asked = await action() or "interrupt"
    is_said = False
    for delay_s in RETRY.delays():
        try:
            if not await cancel_on_server(place, asked):
                return  # over already, or gone: asking the run says which
        except LangGraphError as error:
            logger.warning("a cancel could not be delivered: %s", error, extra={"run_id": str(lease.run_id)})
            is_final = isinstance(error, RequestRejected) and not is_retryable(error)
            cannot_undo = is_final and asked == "rollback"
            if not is_said or cannot_undo:
                is_said = True
                why = f"{error} The run is cancelled without being rolled back." if cannot_undo else str(error)
                await database.call_with_retry(
                    leases.event_append_fenced, lease, kind=EventKind.CANCEL_FAILED, data={"message": why}
                )
            if cannot_undo:
                asked = "interrupt"
                continue
            if is_final:
                return
        else:
            await database.call_with_retry(
                leases.event_append_fenced, lease, kind=EventKind.CANCEL_DELIVERED, data={"action": asked}
            )
            return
        await asyncio.sleep(delay_s)


async def cancel_on_server(place: RunOnServer, action: str) -> bool:
    """Ask the server to cancel; False when the run is over or gone.

    Asks for the run's status first: some servers call a run cancelled that had succeeded before.

    Raises:
        LangGraphError: It was not delivered.
    """
    try:
        run = await place.client.runs.get(place.thread_id, place.run_id, headers=place.headers)
    except RunNotFound as error:
        if not is_retryable(error):
            return False
        raise
    except RequestRejected:
        run = {}  # it may be able to cancel all the same
    if run and run.get("status") not in GOING_ON:
        return False
    try:
        await place.client.runs.cancel(
            place.thread_id, place.run_id, action=cast("CancelAction", action), headers=place.headers
        )
    except RunNotFound as error:
        if not is_retryable(error):
            return False
        raise
    return True
