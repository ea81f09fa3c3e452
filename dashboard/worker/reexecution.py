"""Noticing that a server executed a run again by itself, as it does with unfinished runs after it was restarted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from dashboard.langgraph import LangGraphClient

MARGIN = timedelta(seconds=0.5)
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
    run = await _going_on(client, thread_id, run_id, headers)
    if run is None:
        return False
    lost_at = run.created_at + timedelta(seconds=lost_after_s)
    changed_since = run.changed_at > lost_at + MARGIN
    if run.status == "running" and not changed_since:
        return False
    if had_begun and changed_since:
        return True
    return await _left_a_state_before(client, thread_id, run_id, headers, lost_at)


async def began_anew_at(
    client: LangGraphClient, *, thread_id: str, run_id: str, headers: dict[str, str]
) -> datetime | None:
    """When the server last put a run that goes on back to its beginning, by its own clock; None when it did not.

    Told by the run alone, for a worker that did not see it begin: it had left a state before its status last changed.
    A run whose states the server has lost as well is not noticed.

    Raises:
        LangGraphError: the server could not be asked.
    """
    run = await _going_on(client, thread_id, run_id, headers)
    if run is None or run.changed_at <= run.created_at + MARGIN:
        return None
    had_begun = await _left_a_state_before(client, thread_id, run_id, headers, run.changed_at - MARGIN)
    return run.changed_at if had_begun else None


class _GoingOn(NamedTuple):
    status: str
    created_at: datetime
    changed_at: datetime


async def _going_on(client: LangGraphClient, thread_id: str, run_id: str, headers: dict[str, str]) -> _GoingOn | None:
    """The run; None when it is over, or the server does not say since when it is as it is."""
    run = await client.runs.get(thread_id, run_id, headers=headers)
    created_at, changed_at = moment_in(run, "created_at"), moment_in(run, "updated_at")
    if run.get("status") not in ("pending", "running") or created_at is None or changed_at is None:
        return None
    return _GoingOn(run["status"], created_at, changed_at)


async def _left_a_state_before(
    client: LangGraphClient, thread_id: str, run_id: str, headers: dict[str, str], moment: datetime
) -> bool:
    states = await client.threads.outline_history(
        thread_id, limit=STATES, metadata={"run_id": run_id}, headers=headers, max_bytes=STATES_BYTES
    )
    moments = [left_at for each in states if (left_at := moment_in(each.state, "created_at"))]
    return any(left_at < moment for left_at in moments)


def moment_in(document: Mapping[str, Any], key: str) -> datetime | None:
    """The moment that stands under a key of what a server says; None when there is none with a time zone."""
    try:
        moment = datetime.fromisoformat(str(document.get(key)))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
