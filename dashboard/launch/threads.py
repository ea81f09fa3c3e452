"""The threads that a launch can continue, with what was last said there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from dashboard.history.filters import RunFilters
from dashboard.history.selectors import run_list
from dashboard.launch.selectors import about_input
from dashboard.runs.models import Run, WaitState
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team

LOOKED_AT = 400
SHOWN = 12


@dataclass(frozen=True)
class ThreadChoice:
    """A thread with its latest run. `said` is the run's outcome, `about` its input."""

    thread_id: str
    server_id: UUID
    latest: Run
    said: str
    about: str
    runs: int

    @property
    def is_busy(self) -> bool:
        """Whether a run goes on there, so that a new one has to wait or replaces it."""
        return not self.latest.is_terminal

    @property
    def asks(self) -> bool:
        """Whether a question waits there for its answer."""
        return self.latest.status == RunStatus.NEEDS_INPUT and self.latest.wait_state == WaitState.OPEN


def thread_choices(team: Team, *, server_id: UUID | None = None, text: str = "") -> list[ThreadChoice]:
    """The latest threads that contain every word of the text in what was said or asked, or in their run's name."""
    kept = {"remote_thread_id__isnull": False, "remote_thread_kept": True}
    if server_id is not None:
        kept["server"] = server_id  # type: ignore[assignment]
    everything = run_list(team, RunFilters()).filter(**kept).select_related("request", "server", "launched_by")
    found = [choice for choice in _grouped(everything[:LOOKED_AT]) if _matches(choice, text)]
    if text and len(found) < SHOWN:
        known = {(choice.server_id, choice.thread_id) for choice in found}
        matching = run_list(team, RunFilters(text=text)).filter(**kept).select_related("request", "server")
        found += [c for c in _grouped(matching[:LOOKED_AT]) if (c.server_id, c.thread_id) not in known]
    return found[:SHOWN]


def _grouped(runs: Iterable[Run]) -> list[ThreadChoice]:
    latest: dict[tuple[UUID, str], Run] = {}
    counts: dict[tuple[UUID, str], int] = {}
    for run in runs:
        key = (run.server_id, run.remote_thread_id or "")
        latest.setdefault(key, run)
        counts[key] = counts.get(key, 0) + 1
    return [
        ThreadChoice(
            thread_id=thread_id,
            server_id=server_id,
            latest=run,
            said=run.outcome_text,
            about=run.summary or about_input(run.request.params.get("input")),
            runs=counts[server_id, thread_id],
        )
        for (server_id, thread_id), run in latest.items()
    ]


def _matches(choice: ThreadChoice, text: str) -> bool:
    hay = f"{choice.said} {choice.about} {choice.latest.name} {choice.latest.assistant_label}".lower()
    return all(word in hay or choice.thread_id.startswith(word) for word in text.lower().split())
