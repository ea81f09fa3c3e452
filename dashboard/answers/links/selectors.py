"""Every read about answer links."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from dashboard.answers.models import AnswerLink
from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Membership, Team
from dashboard.teams.tokens import token_hash

ENDED = "It may have been used or expired. Ask the sender for a new one."


def link_find(token: str) -> AnswerLink | None:
    """The link of this token, whatever its state."""
    links = AnswerLink.objects.select_related("run__server", "run__request", "run__team", "created_by")
    return links.filter(token_hash=token_hash(token)).first()


def link_is_open(link: AnswerLink | None) -> bool:
    """Whether it still takes an answer: not used, revoked or expired, and its maker may still answer."""
    if link is None or link.state != "open" or link.created_by is None or not link.created_by.is_active:
        return False
    maker = Membership.objects.filter(team=link.run.team_id, user=link.created_by, is_active=True).first()
    return maker is not None and maker.may_launch


def link_list(run: Run) -> QuerySet[AnswerLink]:
    """The run's links, newest first."""
    return AnswerLink.objects.filter(run=run).prefetch_related("created_by")  # no join: most runs have none


def link_count(run: Run) -> int:
    """How many links the run has."""
    with connection.cursor() as cursor:  # on every page of an open question, and by way of the ORM it takes far longer
        cursor.execute("SELECT count(*) FROM answers_answerlink WHERE run_id = %s", [run.pk])
        return int(cursor.fetchone()[0])


def link_get(team: Team, link_id: UUID) -> AnswerLink | None:
    """The team's link."""
    return AnswerLink.objects.filter(run__team=team, pk=link_id).select_related("run").first()


def link_document(link: AnswerLink) -> dict[str, Any]:
    """A link for programs; never its token."""
    moments = ("created_at", "expires_at", "used_at", "revoked_at")
    return {
        "id": str(link.pk),
        "run": str(link.run_id),
        "name": link.name,
        "state": link.state,
        "has_password": bool(link.password),
        "created_by": link.created_by.username if link.created_by else None,
        **{name: moment.isoformat() if (moment := getattr(link, name)) else None for name in moments},
    }


def receipt(link: AnswerLink) -> tuple[str, str]:
    """What became of an answer by link: a word for programs, and a sentence for people."""
    child = link.answered_by_run
    if child is None:
        return "unknown", "Your answer was sent. The run that carried it has since been removed."
    if child.answers_id is None:
        return "lost", "Your answer did not reach the assistant. Ask the person who sent the link what to do."
    words = {
        RunStatus.QUEUED: ("sending", "Your answer is on its way to the assistant."),
        RunStatus.STARTING: ("sending", "Your answer is on its way to the assistant."),
        RunStatus.SUCCEEDED: ("done", "The assistant took your answer, went on, and has finished."),
        RunStatus.NEEDS_INPUT: ("asks_again", "The assistant took your answer, went on, and asks something else now."),
        RunStatus.PAUSED: ("paused", "The assistant took your answer, went on, and was paused on its way."),
        RunStatus.CANCELLED: ("cancelled", "Your answer was sent. Somebody stopped the assistant after that."),
        RunStatus.LOST: ("unknown", "Your answer was sent. Nobody knows whether the assistant went on."),
    }
    failed = ("failed", "Your answer was sent, and then something went wrong: the assistant did not finish.")
    goes_on = ("goes_on", "The assistant has your answer and goes on.")
    return words.get(RunStatus(child.status), failed if child.is_terminal else goes_on)
