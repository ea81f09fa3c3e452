"""The versions of the runs on open pages."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from channels.db import database_sync_to_async

from dashboard.live.listener import listener
from dashboard.live.pages import watched
from dashboard.live.shared_queries import shared_queries
from dashboard.runs.models import Run


async def version_of(run_id: UUID) -> int | None:
    """The version of a run whose page is open; None when it is gone. One query for all pages that look again."""
    run_ids = {*watched.runs(), run_id}
    versions = await shared_queries.get("versions", partial(_versions, run_ids), received=listener.received)
    if run_id not in versions:  # opened since
        versions = await database_sync_to_async(_versions)({run_id})
    found: int | None = versions.get(run_id)
    return found


def _versions(run_ids: set[UUID]) -> dict[UUID, int]:
    return dict(Run.objects.filter(pk__in=run_ids).values_list("pk", "version"))
