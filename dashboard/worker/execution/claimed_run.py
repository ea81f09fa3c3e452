"""What a worker keeps of a run that it has claimed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from dashboard.runs.models import Run, RunRequest, ThreadChoice
from dashboard.runs.statuses import RunStatus
from dashboard.worker.execution.launch_lookup import RUN_ID_KEY, SentLaunch


@dataclass(slots=True)
class ClaimedRun:
    """A run as its worker needs it. A worker holds thousands for hours, so it is much less than the row has.

    `remote_run_id` and `remote_thread_id` are the server's ids as known when it was claimed. `request` is what
    is to be sent, and None once the server has it: an input may be large, and the wait long. `retry_for_s` is how many
    seconds the server may be away, by its settings. `is_own_thread` says that we made its thread's id, or that it has
    no thread; `scheduled_at` is when a run that is scheduled was created on its server. `is_answer`: it answers or
    continues another run.
    """

    id: UUID
    assistant_id: str
    is_stateless: bool
    is_own_thread: bool
    status: str
    was_sent: bool
    attempts: int
    cancel_action: str
    retry_for_s: int
    on_disconnect: str
    keeps_error_state: bool
    keeps_thread: bool
    starts_after_s: int
    scheduled_at: datetime | None
    breakpoints: tuple[str, ...]
    executions: int
    remote_run_id: str | None
    remote_thread_id: str | None
    sent_at: datetime | None
    request: RunRequest | None
    wants_events: bool
    server_id: UUID
    server_checked_at: datetime | None
    is_answer: bool = False
    sends_strict_resume: bool = False

    @classmethod
    def of(cls, run: Run) -> ClaimedRun:
        """The run as claimed or adopted, with its server and request."""
        params: Mapping[str, Any] = run.request.params
        return cls(
            id=run.pk,
            assistant_id=run.assistant_id,
            is_stateless=run.thread_choice == ThreadChoice.STATELESS,
            is_own_thread=run.thread_choice != ThreadChoice.EXISTING,
            status=run.status,
            was_sent=run.sent_at is not None,
            attempts=run.attempts,
            cancel_action=run.cancel_action,
            retry_for_s=run.server.retry_for_s,
            on_disconnect=str(params.get("on_disconnect") or "continue"),
            keeps_error_state=params.get("raise_error") is False,
            keeps_thread=params.get("on_completion") == "keep",
            starts_after_s=int(params.get("after_seconds") or 0),
            scheduled_at=run.status_at if run.status == RunStatus.SCHEDULED else None,
            breakpoints=(*_nodes(params.get("interrupt_before")), *_nodes(params.get("interrupt_after"))),
            executions=run.executions,
            remote_run_id=run.remote_run_id,
            remote_thread_id=run.remote_thread_id,
            sent_at=run.sent_at,
            request=run.request,
            wants_events=run.server.stream_events,
            server_id=run.server_id,
            server_checked_at=run.server.checked_at,
            is_answer=run.answers_id is not None,
        )

    @property
    def forgets_thread(self) -> bool:
        """Whether the thread that the server made for the run is to be deleted after it."""
        return self.is_stateless and not self.keeps_thread

    def arguments(self) -> dict[str, Any]:
        """The wait parameters as they go out: what was given, and what Runboard adds to keep its promises."""
        assert self.request is not None
        given = {name: value for name, value in self.request.params.items() if name not in ("headers", "raise_error")}
        given["metadata"] = {**(given.get("metadata") or {}), RUN_ID_KEY: str(self.id)}
        given.setdefault("on_disconnect", "continue")
        if self.sends_strict_resume:
            given.setdefault("strict_resume", True)
        if self.is_stateless and self.remote_thread_id is None:
            # Kept until we know how the run ended, then deleted by us: see docs/adr/0003.
            given["on_completion"] = "keep"
        elif self.is_stateless:  # on a thread of ours, as the server has no stateless runs
            given.pop("on_completion", None)
            given["if_not_exists"] = "create"
        return given

    def as_sent(self) -> SentLaunch:
        """What to look for on the server."""
        params = self.request.params if self.request is not None else {}
        return SentLaunch(
            our_id=str(self.id),
            thread_id=self.remote_thread_id,
            is_own_thread=self.is_own_thread,
            assistant_id=self.assistant_id,
            input=params.get("input"),
            sent_at=self.sent_at,
        )


def _nodes(names: Any) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names or ())
