"""Removes the runs and results that teams keep only for a while."""

from __future__ import annotations

import asyncio
import logging

from dashboard.database import DATABASE_AWAY
from dashboard.retention.services import retention_work
from dashboard.worker.database import Database

logger = logging.getLogger(__name__)

EVERY_S = 600.0
BETWEEN_S = 0.2


async def keep_retention(database: Database) -> None:
    """Remove runs that are too old, a few at a time, for ever. Other workers may do the same."""
    while True:
        try:
            is_more = await database.call(retention_work)
        except DATABASE_AWAY as error:
            logger.warning("runs that are too old cannot be removed now: %s", str(error).strip())
            is_more = False
        await asyncio.sleep(BETWEEN_S if is_more else EVERY_S)
