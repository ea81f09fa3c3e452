"""What a person looks after in a team, and giving it to another person, for example when somebody leaves."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from dashboard.history.models import SavedView, Scope
from dashboard.launch.models import Preset
from dashboard.runs.attention import run_assign
from dashboard.runs.models import Run, WaitState
from dashboard.runs.statuses import RunStatus
from dashboard.runs.waiting import NotOpen
from dashboard.sharing.models import FormLink
from dashboard.teams.models import Team, User


@dataclass(frozen=True)
class Belongings:
    """How many things of each kind somebody looks after."""

    presets: int
    forms: int
    views: int
    questions: int

    def words(self) -> list[str]:
        """The kinds of which there are some: "2 presets"."""
        counts = {
            ("preset", "presets"): self.presets,
            ("form link", "form links"): self.forms,
            ("view of the team", "views of the team"): self.views,
            ("assigned question", "assigned questions"): self.questions,
        }
        return [f"{count} {one if count == 1 else many}" for (one, many), count in counts.items() if count]


def belongings_of(team: Team, person: User) -> Belongings:
    """What would be handed over now."""
    return Belongings(
        _presets(team, person).count(),
        _forms(team, person).count(),
        _views(team, person).count(),
        _questions(team, person).count(),
    )


def belongings_hand_over(*, team: Team, person: User, to: User, by: User) -> Belongings:
    """Give everything that `person` looks after in the team to `to`, a member or an admin of it.

    Runs, share links and notes keep the name of the person who made them.
    """
    questions = 0
    with transaction.atomic():
        for run in _questions(team, person):
            try:
                run_assign(run=run, to=to, by=by, was=person.pk)
            except NotOpen:  # answered meanwhile
                continue
            questions += 1
        return Belongings(
            _presets(team, person).update(created_by=to),
            _forms(team, person).update(created_by=to),
            _views(team, person).update(owner=to),
            questions,
        )


def _presets(team: Team, person: User) -> QuerySet[Preset]:
    return Preset.objects.filter(team=team, created_by=person)


def _forms(team: Team, person: User) -> QuerySet[FormLink]:
    return FormLink.objects.filter(preset__team=team, created_by=person, revoked_at=None)


def _views(team: Team, person: User) -> QuerySet[SavedView]:
    return SavedView.objects.filter(team=team, owner=person, scope=Scope.TEAM)


def _questions(team: Team, person: User) -> QuerySet[Run]:
    waiting = Run.objects.filter(team=team, status=RunStatus.NEEDS_INPUT, wait_state=WaitState.OPEN)
    return waiting.filter(assigned_to=person)
