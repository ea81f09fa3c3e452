"""The same answer to several questions of one assistant and one shape: each is answered once, or says why not."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.answers.selectors import waiting_runs
from dashboard.answers.services import answers_are_sure, run_answer
from dashboard.answers.shapes import Shape, shape_of
from dashboard.answers.showing import Shown, shown
from dashboard.runs.models import Question, Run, WaitState
from dashboard.runs.services import AlreadyLaunched
from dashboard.runs.waiting import NotOpen
from dashboard.teams.encryption import SecretUnreadable
from dashboard.teams.models import User

MOST = 100
"""The most that are shown, and can be answered at once."""
LOOKED_AT = 1_000


@dataclass(frozen=True)
class Alike:
    """A run whose only question takes the same answers as another's."""

    run: Run
    question: Question
    shown: Shown
    shape: Shape


@dataclass(frozen=True)
class Sent:
    """The result of one answer: the run it launched, else why there is none."""

    run: Run
    child: Run | None = None
    problem: str = ""


def only_question(run: Run) -> Question | None:
    """The only open question of a run; None when there are none or several."""
    asked = [question for question in run.questions.all() if question.state == WaitState.OPEN]
    return asked[0] if len(asked) == 1 else None


def alike(run: Run) -> list[Alike]:
    """The open questions that take the same answers as the only one of `run`, including that one, oldest first.

    `run` itself may have been answered meanwhile.
    """
    asked_here = list(run.questions.all())
    question = only_question(run) or (asked_here[0] if len(asked_here) == 1 else None)
    if question is None:
        return []
    wanted = likeness(question)
    there = waiting_runs(run.team_id).filter(server_id=run.server_id, assistant_id=run.assistant_id)
    found: list[Alike] = []
    for other in there[:LOOKED_AT]:
        asked = only_question(other)
        if asked is not None and likeness(asked) == wanted:
            shape = shape_of(asked)
            found.append(Alike(other, asked, shown(asked, shape), shape))
        if len(found) >= MOST:
            break
    return found


def likeness(question: Question) -> str:
    """What two questions must have in common to take the same answers."""
    shape = shape_of(question)
    actions = [(action.name, action.decisions) for action in shape.actions]
    choices = [(choice.label, choice.value) for choice in shape.choices]
    return json.dumps([shape.kind, actions, choices, question.response_schema], sort_keys=True)


def is_edit(answer: Any) -> bool:
    """Whether an answer changes the arguments of an action, which differ in every question."""
    if isinstance(answer, dict) and isinstance(answer.get("decisions"), list):
        return any(is_edit(decision) for decision in answer["decisions"])
    if isinstance(answer, list):
        return any(is_edit(decision) for decision in answer)
    return isinstance(answer, dict) and answer.get("type") == "edit"


def answer_several(*, chosen: Sequence[Alike], by: User, answer: Any, key: uuid.UUID) -> list[Sent]:
    """Answer each of them, in its own transaction. `key` is made with the form: sent again, it answers none twice."""
    answers_are_sure([each.run for each in chosen])
    return [_send(each, by, answer, key) for each in chosen]


def _send(each: Alike, by: User, answer: Any, key: uuid.UUID) -> Sent:
    own_key = uuid.uuid5(key, str(each.run.pk))
    answers = {each.question.interrupt_id: answer}
    try:
        child = run_answer(run=each.run, by=by, answers=answers, key=own_key, batch_id=key, is_checked=True)
    except AlreadyLaunched as earlier:
        return Sent(each.run, earlier.run)
    except NotOpen as late:
        faster: Run | None = getattr(late.run, "answer", None)
        who = faster.sender if faster is not None else ""
        return Sent(each.run, problem=f"Answered by {who} meanwhile." if who else "It is no longer open.")
    except SecretUnreadable as error:
        return Sent(each.run, problem=f"The run's own headers cannot be read: {error}.")
    return Sent(each.run, child)
