"""A thread as one conversation: every run of the team on it, in order, with what each added."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from dashboard.runs.models import ParentKind, Run
from dashboard.runs.state import cache
from dashboard.runs.state.blocks import Room
from dashboard.runs.state.document import Place
from dashboard.runs.state.messages import Conversation, conversation, is_conversation
from dashboard.runs.state.result import turns_in_common
from dashboard.teams.models import Team

RUNS_MAX: Final = 50
ROOM_CHARS: Final = 60_000


@dataclass(frozen=True)
class ThreadRun:
    """One run of a thread.

    Attributes:
        added: The messages it added; None when its state has none, or is not there.
        forked_from: The earlier run at one of whose steps it began, if known.
        is_fork: Whether it began before the thread's end.
        is_on_branch: Whether it is a fork, or goes on where a fork before it ended.
    """

    run: Run
    number: int
    added: Conversation | None
    forked_from: Run | None
    is_fork: bool = False
    is_on_branch: bool = False


def thread_runs(team: Team, server_id: UUID, thread_id: str) -> list[Run]:
    """The team's runs on a thread, oldest first; the last RUNS_MAX of them."""
    found = Run.objects.filter(team=team, server_id=server_id, remote_thread_id=thread_id)
    found = found.select_related("launched_by", "server", "request", "parent").order_by("-created_at")
    return list(found[:RUNS_MAX])[::-1]


def thread_of(runs: list[Run], *, root_of: Callable[[Run], Place | None] | None = None) -> Iterator[ThreadRun]:
    """What each run added, compared with the state the one before it left.

    Args:
        root_of: Returns a run's final state as far as the reader may see it; None for all of it.
    """
    room = Room(ROOM_CHARS)
    before: Place | None = None
    is_on_branch = False
    for number, run in enumerate(runs, start=1):
        messages = _messages((root_of or cache.root_of)(run))
        added = None
        if messages is not None:
            start = turns_in_common(before, messages) if before is not None else 0
            added = replace(conversation(messages, start=start, room=room), above=start)
            before = messages
        # A run goes on from the newest state of its thread, which is the last fork's once there is one.
        is_on_branch = is_on_branch or _is_fork(run)
        yield ThreadRun(run, number, added, _forked_from(run), is_fork=_is_fork(run), is_on_branch=is_on_branch)


def _is_fork(run: Run) -> bool:
    params = run.request.params
    return bool(run.parent_kind == ParentKind.FORK or params.get("checkpoint_id") or params.get("checkpoint"))


def _forked_from(run: Run) -> Run | None:
    return run.parent if _is_fork(run) else None


def _messages(root: Place | None) -> Place | None:
    if root is None:
        return None
    place = root.child("messages") if root.kind == "object" else root
    return place if is_conversation(place) else None
