"""Whether an assistant's output is only a part of its state."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from uuid import UUID

from dashboard.servers.models import Server
from dashboard.servers.selectors import assistant_find


@lru_cache(maxsize=2000)
def has_own_output(server_id: UUID, checked_at: datetime | None, assistant_id: str) -> bool:
    """Whether the graph's output may lack keys of its state; True as well while its schemas are not known.

    Needed for every run, so the answer is kept until the server is checked again (`checked_at`).
    """
    assistant = assistant_find(Server(pk=server_id), assistant_id)
    if assistant is None:
        return True
    state, output = assistant.schemas.get("state_schema"), assistant.schemas.get("output_schema")
    if not isinstance(state, dict) or not isinstance(output, dict):
        return True
    return set(state.get("properties") or {}) != set(output.get("properties") or {})
