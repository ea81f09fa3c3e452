"""Every read about questions and what waits for somebody."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from dashboard.runs.models import Question, Run, WaitState
from dashboard.runs.selectors import NOT_IN_ROWS
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team

EARLIER = 50


@dataclass(frozen=True)
class EarlierAnswers:
    """How such questions were answered before, by the last answers to this assistant.

    `line`: "approve 14 of 16 times"; "" when there is nothing that could be counted.
    """

    last: Question
    line: str


def waiting_runs(team: Team) -> QuerySet[Run]:
    """The team's runs with an open question, oldest first."""
    runs = Run.objects.filter(team=team, wait_state=WaitState.OPEN, status=RunStatus.NEEDS_INPUT)
    return runs.select_related("launched_by", "server").defer(*NOT_IN_ROWS).order_by("finished_at", "pk")


def waiting_count(team: Team) -> int:
    """How many open questions the team has."""
    return Run.objects.filter(team=team, wait_state=WaitState.OPEN, status=RunStatus.NEEDS_INPUT).count()


def earlier_answers(run: Run) -> EarlierAnswers | None:
    """The last answers to questions of the run's assistant on its server; None when there are none."""
    answered = Question.objects.filter(
        run__team=run.team_id,
        run__server=run.server_id,
        run__assistant_id=run.assistant_id,
        state=WaitState.ANSWERED,
    )
    found = list(answered.select_related("answered_by_run").order_by("-answered_by_run__created_at")[:EARLIER])
    if not found:
        return None
    words = Counter(word for question in found if (word := answer_word(question.answer)))
    line = ""
    if words:
        word, count = words.most_common(1)[0]
        line = f"{word} {count} of {len(found)} times" if len(found) > 1 else word
    return EarlierAnswers(found[0], line)


def last_answers(run: Run) -> dict[str, Any]:
    """The last answers to questions like those of `run`, by the ids of its own: the same place, and the same keys."""
    found = {}
    for question in run.questions.all():
        earlier = Question.objects.filter(
            run__team=run.team_id, run__assistant_id=run.assistant_id, position=question.position, state="answered"
        ).order_by("-answered_by_run__created_at")
        for other in earlier[:10]:
            if _kind(other) == _kind(question):
                found[question.interrupt_id] = other.answer
                break
    return found


def _kind(question: Question) -> object:
    value = question.value if question.has_value else None
    return sorted(value) if isinstance(value, dict) else type(value)


def answer_word(document: Any) -> str:
    """What an answer says in a word, to count answers by; "" when it is none that a person chose from a few."""
    if isinstance(document, dict) and isinstance(document.get("decisions"), list):
        words = {str(decision.get("type")) for decision in document["decisions"] if isinstance(decision, dict)}
        return words.pop() if len(words) == 1 else ""
    if isinstance(document, list) and document and isinstance(document[0], dict):
        return str(document[0].get("type") or "")
    if isinstance(document, dict):
        return str(document.get("type") or document.get("decision") or "")[:24]
    if isinstance(document, bool):
        return "yes" if document else "no"
    return document if isinstance(document, str) and len(document) <= 24 else ""
