"""Carries out bulk actions in the background."""

from __future__ import annotations

import asyncio
import logging

from dashboard.database import DATABASE_AWAY
from dashboard.history.bulk import bulk_work
from dashboard.worker.database import Database

logger = logging.getLogger(__name__)

LOOK_S = 1.0


async def do_bulk_actions(database: Database) -> None:
    """Work on bulk actions, a few runs at a time, for ever. Other workers may work on the same one."""
    while True:
        try:
            is_more = await database.call(bulk_work)
        except DATABASE_AWAY as error:
            logger.warning("bulk actions cannot be read: %s", str(error).strip())
            is_more = False
        await asyncio.sleep(0 if is_more else LOOK_S)
