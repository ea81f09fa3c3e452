"""What a run that comes from another one takes over from it: `INHERITED`, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.runs.models import ParentKind, Run, ThreadChoice
from dashboard.runs.services import LaunchOrder
from dashboard.teams.encryption import secrets_decrypt
from dashboard.teams.models import Role, User

_ALL = frozenset(ParentKind)
_AFRESH = frozenset({ParentKind.AGAIN, ParentKind.EDIT, ParentKind.FORM})
"""Kinds that begin where their run began."""
_ONWARD = frozenset({ParentKind.ANSWER, ParentKind.CONTINUE})
"""Kinds that go on where their run stopped: the same piece of work, no matter who launches them."""

INHERITED: Mapping[str, frozenset[ParentKind]] = {
    "server": _ALL,
    "assistant_id": _ALL,
    "name": _ALL,
    "tags": _ALL,
    "thread": _ALL - {ParentKind.FORM},
    "input": _AFRESH,
    "command": _AFRESH,
    "context": _ALL,
    "config": _ALL,
    "metadata": _ALL,
    "headers": _ALL,
    "params": _ALL,
    "interrupt_before": _ALL,
    "interrupt_after": _ALL,
    "durability": _ALL,
    "checkpoint_during": _ALL,
    "webhook": _ALL,
    "on_disconnect": _ALL,
    "langsmith_tracing": _ALL,
    "raise_error": _ALL,
    "multitask_strategy": _ALL - _ONWARD,
    "on_completion": _AFRESH,
    "if_not_exists": _AFRESH,
    "after_seconds": _AFRESH,
    "checkpoint": _AFRESH,
    "checkpoint_id": _AFRESH,
    "strict_resume": _AFRESH,
}
"""By name of a parameter, which kinds of children take it over. `recursion_limit` and `configurable` are in `config`.

A run launched again on a new thread gets a new thread; all others stay on the thread of their run.
"""


@dataclass(frozen=True)
class Inheritance:
    """What a child starts with.

    Attributes:
        order: The launch as it would be sent; change it with `dataclasses.replace`.
        hidden_headers: Names of headers that are not taken over, because `by` may not use their values.
    """

    order: LaunchOrder
    hidden_headers: tuple[str, ...] = ()


def run_inherit(run: Run, kind: ParentKind, *, by: User | None) -> Inheritance:
    """What a child of `run` takes over. Launches nothing.

    Header values are secrets of the person who launched `run`. Answers and continuations are the same piece of work
    and take them along, no matter who sends them; for all other kinds `by` must have launched the run, or be an admin
    of its team.

    Raises:
        SecretUnreadable: no configured key opens the header values.
    """
    params = {
        name: value
        for name, value in run.request.params.items()
        if name != "headers" and kind in INHERITED.get(name, frozenset())
    }
    thread_choice, thread_id = _thread(run, kind)
    if thread_choice == ThreadChoice.NEW:
        params.pop("if_not_exists", None)
    if kind in _ONWARD:
        # If another run comes to the thread in the last moment, the answer must not wait for its end and meet whatever
        # is asked then, nor replace it.
        params["multitask_strategy"] = "reject"
    names = tuple(run.request.params.get("headers") or ())
    shares_headers = kind in _ONWARD or may_use_headers(run, by)
    order = LaunchOrder(
        server=run.server,
        assistant_id=run.assistant_id,
        thread_choice=thread_choice,
        thread_id=thread_id,
        params=params,
        headers=secrets_decrypt(run.request.secret_headers) if names and shares_headers else {},
        name=run.name,
        tags=run.tags,
        parent=run,
        parent_kind=kind,
    )
    return Inheritance(order, () if shares_headers else names)


def may_use_headers(run: Run, by: User | None) -> bool:
    """Whether somebody may launch another run with this one's header values: its launcher and admins may."""
    if by is None:
        return False
    is_own = run.launched_by_id is not None and run.launched_by_id == by.pk
    return is_own or by.memberships.filter(team=run.team_id, role=Role.ADMIN).exists()


def _thread(run: Run, kind: ParentKind) -> tuple[ThreadChoice, str | None]:
    if kind == ParentKind.FORM:
        return ThreadChoice.NEW, None
    if kind in _AFRESH:
        choice = ThreadChoice(run.thread_choice)
        return choice, run.remote_thread_id if choice == ThreadChoice.EXISTING else None
    return ThreadChoice.EXISTING, run.remote_thread_id
