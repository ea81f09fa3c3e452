"""The statuses of a run, what may follow what, and what each means. Imports nothing of ours.

queued -> starting -> running -> succeeded | needs_input | paused | failed | timed_out | cancelled | lost
             |   \\-> scheduled -> running
             \\-> queued again, when the server provably has no run
starting, scheduled, running -> cancelling -> cancelled, or any end that came first
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextChoices


class RunStatus(TextChoices):
    """The status of a run. See TRANSITIONS for what may follow what."""

    QUEUED = "queued", "Queued"
    STARTING = "starting", "Starting"
    SCHEDULED = "scheduled", "Scheduled"
    RUNNING = "running", "Running"
    CANCELLING = "cancelling", "Cancelling"
    SUCCEEDED = "succeeded", "Succeeded"
    NEEDS_INPUT = "needs_input", "Needs input"
    PAUSED = "paused", "Paused"
    FAILED = "failed", "Failed"
    TIMED_OUT = "timed_out", "Timed out"
    CANCELLED = "cancelled", "Cancelled"
    LOST = "lost", "Lost"


_S = RunStatus
ENDS = frozenset({_S.SUCCEEDED, _S.NEEDS_INPUT, _S.PAUSED, _S.FAILED, _S.TIMED_OUT, _S.CANCELLED, _S.LOST})
HELD = frozenset({_S.STARTING, _S.SCHEDULED, _S.RUNNING, _S.CANCELLING})
"""Statuses in which a worker must hold the run; one whose lease ran out is adopted."""
ACTIVE = HELD | {_S.QUEUED}
CREATED = frozenset({_S.SCHEDULED, _S.RUNNING})
"""Statuses that say the server has created the run, so its ids are stored."""

TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    _S.QUEUED: frozenset({_S.STARTING, _S.CANCELLED}),
    _S.STARTING: frozenset({_S.RUNNING, _S.SCHEDULED, _S.QUEUED, _S.CANCELLING, _S.FAILED, _S.CANCELLED, _S.LOST}),
    _S.SCHEDULED: ENDS | {_S.RUNNING, _S.CANCELLING},
    _S.RUNNING: ENDS | {_S.CANCELLING},
    _S.CANCELLING: ENDS,
    **{end: frozenset() for end in ENDS},
}


@dataclass(frozen=True)
class StatusLook:
    """How a status is shown: its tone (a colour token), its icon's name and what it means in one sentence."""

    tone: str
    icon: str
    meaning: str


LOOKS: dict[RunStatus, StatusLook] = {
    _S.QUEUED: StatusLook("neutral", "circle-dashed", "Saved and waiting for a worker to take it."),
    _S.STARTING: StatusLook("neutral", "circle-dashed", "A worker has it; the server has not confirmed it yet."),
    _S.SCHEDULED: StatusLook("neutral", "clock", "Created on the server, which starts it later."),
    _S.RUNNING: StatusLook("info", "arc", "The server runs it now, or when its turn comes."),
    _S.CANCELLING: StatusLook("info", "arc", "Somebody requested a cancel; the server has not confirmed it yet."),
    _S.SUCCEEDED: StatusLook("success", "check", "Finished. This is its final state."),
    _S.NEEDS_INPUT: StatusLook("attention", "question", "The assistant asks a person; it goes on with an answer."),
    _S.PAUSED: StatusLook("attention", "pause", "Stopped at a breakpoint; it can be continued from there."),
    _S.FAILED: StatusLook("danger", "cross", "The graph raised an error, or the server refused the run."),
    _S.TIMED_OUT: StatusLook("danger", "timer", "The server's own time limit ended it."),
    _S.CANCELLED: StatusLook("neutral", "slash", "Stopped before it finished."),
    _S.LOST: StatusLook("danger", "broken", "Nobody knows how it ended: its server does not know it, or does not say."),
}


class IllegalTransition(Exception):
    """Code asked for a status that does not follow the run's own in TRANSITIONS. Nothing was written."""


def check_transition(was: str, to: str) -> None:
    """Raise IllegalTransition unless `to` may follow `was`."""
    if RunStatus(to) not in TRANSITIONS[RunStatus(was)]:
        raise IllegalTransition(f"a run that is {was} cannot become {to}")
