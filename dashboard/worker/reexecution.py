"""Noticing that a server executed a run again by itself, as it does with unfinished runs after it was restarted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dashboard.langgraph import LangGraphClient

MARGIN_S = 0.5
STATES = 100
STATES_BYTES = 64_000_000
"""All these states together. Where they take more it is not noticed: a hint is not worth the memory."""


async def was_executed_again(
    client: LangGraphClient,
    *,
    thread_id: str,
    run_id: str,
    lost_after_s: float,
    had_begun: bool,
    headers: dict[str, str],
) -> bool:
    """Whether the run, whose line was lost `lost_after_s` seconds after its creation, has begun anew since.

    It has when it had begun before the line was lost (it was seen running, or had left a state), and its status changed
    after that although it goes on.
    Only spans of one clock are compared, so a server whose clock is wrong does not matter.

    Raises:
        LangGraphError: the server could not be asked.
    """
    run = await client.runs.get(thread_id, run_id, headers=headers)
    if run.get("status") not in ("pending", "running"):
        return False
    created_at = moment_in(run, "created_at")
    changed_at = moment_in(run, "updated_at")
    if created_at is None or changed_at is None:
        return False
    changed_since = (changed_at - created_at).total_seconds() > lost_after_s + MARGIN_S
    if run["status"] == "running" and not changed_since:
        return False
    if had_begun and changed_since:
        return True
    states = await client.threads.outline_history(
        thread_id, limit=STATES, metadata={"run_id": run_id}, headers=headers, max_bytes=STATES_BYTES
    )
    moments = [moment for each in states if (moment := moment_in(each.state, "created_at"))]
    return any((moment - created_at).total_seconds() < lost_after_s for moment in moments)


def moment_in(document: Mapping[str, Any], key: str) -> datetime | None:
    """The moment that stands under a key of what a server says; None when there is none with a time zone."""
    try:
        moment = datetime.fromisoformat(str(document.get(key)))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
