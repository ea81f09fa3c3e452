"""A run where it is executed, and how what its server says of it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from dashboard.langgraph import LangGraphClient

GOING_ON: Final = ("pending", "running")


@dataclass(frozen=True)
class RunOnServer:
    """A run on its server: what it is called there. `headers` are the run's own."""

    client: LangGraphClient
    thread_id: str
    run_id: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)


def moment_in(document: Mapping[str, Any], key: str) -> datetime | None:
    """The moment that stands under a key of what a server says; None when there is none with a time zone."""
    try:
        moment = datetime.fromisoformat(str(document.get(key)))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
