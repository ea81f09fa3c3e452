"""How runs ended: the outcome that a worker found, and storing it under its lease, with the final state."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import transaction
from django.db.models import BigIntegerField, F, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Concat, Greatest, Least, Now

from dashboard.runs.after_cancel import CHECKS_S
from dashboard.runs.events import EventKind
from dashboard.runs.leases import Lease, in_force, locked_run
from dashboard.runs.models import Run
from dashboard.runs.search_words import body_words, end_words, question_words
from dashboard.runs.state.storage import PackedState, pack, packed_copy, packed_insert
from dashboard.runs.statuses import ENDS, HELD, RunStatus
from dashboard.runs.summary import outcome_text, state_of
from dashboard.runs.text import storable
from dashboard.runs.transitions import Event, fields_of_move, moved, run_move, runs_change
from dashboard.runs.values import value_keys
from dashboard.runs.waiting import (
    CAME_TO_NOTHING,
    WAITING,
    answer_met_nothing,
    notify_answered,
    notify_thread_waiters,
    questions_ask,
    wait_begin,
)

KEYS = ArrayField(BigIntegerField())
ERROR_CHARS = 20_000
WAITED_S = 1.0
NOT_KEPT = "Final state not kept"
"""The error type of a run whose end is known, and whose final state could not be stored."""
MET_NO_QUESTION = "met_no_question"
"""Set in the `ending` of an answer for which its server did not wait."""
NO_REASON = "The server gave no reason."
"""The error message of a failed run of which the server says nothing else."""


@dataclass(frozen=True)
class RunError:
    """Why a run failed: the exception's class name, its message, and the node that raised it ("" when not known)."""

    type: str
    message: str
    node: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a run ended, as far as is known. `body` is the final state as received, None when there is none."""

    status: RunStatus
    error: RunError | None = None
    body: bytes | None = None
    ending: Mapping[str, Any] = field(default_factory=dict)
    executions: int = 1
    known_at: float = field(default_factory=time.time, compare=False)
    """When it was known, by this machine's clock: an outcome that waits for Postgres is dated back by its wait."""
    took_s: float | None = field(default=None, compare=False)
    """Seconds from its creation on the server to its end, to date an end that was noticed late."""
    began: bool = field(default=True, compare=False)
    """Whether the server had begun it: a run that never began has no duration."""
    starts_after_s: int = field(default=0, compare=False)
    """For a scheduled run whose beginning nobody noticed: seconds from its creation to when it was due."""


def run_finish(lease: Lease, outcome: Outcome) -> None:
    """Store how the run ended and its final state, in one transaction.

    Raises:
        LeaseLost: another worker has the run, and will store an outcome of its own.
    """
    packed, known = _pack(outcome), _known(outcome)
    if not _finish_at_once(lease, outcome, packed, known):
        with locked_run(lease) as run:
            _end(run, outcome, packed, known)


def run_finish_late(run_id: UUID, remote_run_id: str, outcome: Outcome) -> bool:
    """Store an outcome that waited on disk while the database was away and its lease ran out.

    The server had said how the run ended before the outage, so it is the truth, whichever worker holds the run now; its
    writes are refused from here on. Returns False when it is not needed: the run has ended, or is another one now.
    """
    packed, known = _pack(outcome), _known(outcome)
    with transaction.atomic():
        run = (
            Run.objects.select_for_update(no_key=True)
            .filter(pk=run_id, remote_run_id=remote_run_id, status__in=HELD)
            .first()
        )
        if run is None:
            return False
        _end(run, outcome, packed, known)
    return True


def _pack(outcome: Outcome) -> PackedState | None:
    """The body as it is stored. Done before the row is locked: a large state takes a while."""
    assert outcome.status in ENDS
    return pack(outcome.body) if outcome.body is not None else None


def _known(outcome: Outcome) -> dict[str, Any]:
    """What lists show and find of the end. Also made before the row is locked."""
    error = outcome.error
    failure = (error.type, error.message, error.node) if error is not None else None
    state = state_of(outcome.body)
    came_of_it = outcome_text(error=failure, ending=outcome.ending, state=state)
    words = end_words(failure or (came_of_it, *question_words(outcome.ending)), body_words(outcome.body, state))
    keys = value_keys("result", state) if state is not None else []
    return {
        "outcome_text": came_of_it,
        **({"search_text": Concat(F("search_text"), Value(f" {words}"))} if words else {}),
        **({"value_keys": CombinedExpression(F("value_keys"), "||", Value(keys, KEYS))} if keys else {}),
    }


def _finish_at_once(lease: Lease, outcome: Outcome, packed: PackedState | None, known: Mapping[str, Any]) -> bool:
    """Store the usual end in a single statement: hundreds of runs may end in the same second.

    Returns False, and writes nothing, where the row must be read first.
    """
    if outcome.status in WAITING or outcome.ending.get(MET_NO_QUESTION):
        return False
    if outcome.error is not None or outcome.executions > 1 or (packed is not None and not packed.is_small):
        return False
    if outcome.status in CAME_TO_NOTHING and Run.objects.filter(pk=lease.run_id, answers__isnull=False).exists():
        return False
    usual = in_force(lease).filter(status=RunStatus.RUNNING, remote_run_id__isnull=False)
    events = [moved(RunStatus.RUNNING, outcome.status)]
    also = packed_insert(packed) if packed is not None else None
    return bool(runs_change(usual, events, also, **fields_of_move(outcome.status, **_end_fields(outcome), **known)))


def _end(run: Run, outcome: Outcome, packed: PackedState | None, known: dict[str, Any]) -> None:
    """Store an end of any kind; `run` is locked."""
    also = None
    if packed is not None and packed.is_small:
        also = packed_insert(packed)
    elif packed is not None:
        packed_copy(run.pk, packed)
    changes = _end_fields(outcome) | known
    data = {}
    if (error := outcome.error) is not None:
        error_fields = {
            "error_type": storable(error.type[:200]),
            "error_node": storable(error.node[:200]),
            "error_message": storable(error.message[:ERROR_CHARS]),
        }
        changes |= error_fields
        data = {"error_type": error_fields["error_type"]}
    before = []
    if outcome.executions > run.executions:
        changes["executions"] = outcome.executions
        before = [Event(EventKind.EXECUTED_AGAIN)]
    if outcome.status in WAITING:
        state, events = wait_begin(run)
        changes["wait_state"] = state
        before += events
    run_move(run, outcome.status, data=data, before=before, also=also, **changes)
    if outcome.status in WAITING:
        questions_ask(run, outcome.ending, state)
    if outcome.ending.get(MET_NO_QUESTION):
        answer_met_nothing(run)
    if run.remote_run_id is None and outcome.status != RunStatus.LOST:  # a lost one may have got there
        notify_thread_waiters(run, is_there=False)
    elif run.answers_id is not None and outcome.status in CAME_TO_NOTHING:
        notify_answered(run, outcome.status)


def _end_fields(outcome: Outcome) -> dict[str, Any]:
    """What is written of every end, apart from the final state."""
    waited_s = time.time() - outcome.known_at
    known_at: Any = Now() - timedelta(seconds=waited_s) if waited_s > WAITED_S else Now()
    if outcome.took_s is not None:
        known_at = Least(known_at, F("started_at") + timedelta(seconds=outcome.took_s))  # ignores NULL
    finished_at = Greatest(known_at, F("started_at"))
    started: dict[str, Any] = {}
    if not outcome.began:
        started = {"started_at": None}
    elif outcome.starts_after_s:
        started = {"started_at": Least(F("started_at") + timedelta(seconds=outcome.starts_after_s), finished_at)}
    if outcome.status == RunStatus.CANCELLED:
        started["look_again_at"] = Now() + timedelta(seconds=CHECKS_S[0])
    return {
        "ending_json": json.dumps(outcome.ending) if outcome.ending else "",
        "finished_at": finished_at,
        **started,
    }
