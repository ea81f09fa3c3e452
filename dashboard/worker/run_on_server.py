"""A run on its server, and how to read what the server says about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from dashboard.langgraph import LangGraphClient

GOING_ON: Final = ("pending", "running")


@dataclass(frozen=True)
class RunOnServer:
    """A run's ids on its server.

    Attributes:
        headers: The run's own.
        may_answer_in_part: Stopped inside a subgraph, it is answered with the subgraph's values: it was sent for
            the events of subgraphs, without the values after each step.
    """

    client: LangGraphClient
    thread_id: str
    run_id: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    may_answer_in_part: bool = False


def moment_in(document: Mapping[str, Any], key: str) -> datetime | None:
    """The time under a key of a server's answer; None without one that has a time zone."""
    try:
        moment = datetime.fromisoformat(str(document.get(key)))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
