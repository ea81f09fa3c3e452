"""Every read about questions and runs that wait for a person."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection
from django.db.models import Prefetch, Q, QuerySet, prefetch_related_objects
from django.db.models.functions import Now
from django.http import QueryDict

from dashboard.runs.models import Question, Run, WaitState
from dashboard.runs.selectors import NOT_IN_ROWS, PERSON, ROW, TITLE, no_answer_yet
from dashboard.runs.statuses import RunStatus
from dashboard.runs.titles import label_of
from dashboard.servers.models import Server
from dashboard.teams.models import Membership, Role, Team, User, name_of

INBOX_ROWS = 50
COUNTED = 1_000
"""The most that pages count of what waits: from there they say "999+", and read no long list to its end."""
ASSISTANTS = 100
"""The most choices to narrow the inbox."""
ME, NOBODY = "me", "nobody"
"""Assignees in the inbox's address that are not usernames."""


@dataclass(frozen=True)
class InboxFilters:
    """The filters in the inbox's address. Empty means everything. `run`: the one whose question is open."""

    assistant: str = ""
    person: str = ""
    tag: str = ""
    older_than_s: int = 0
    assigned: str = ""
    is_snoozed: bool = False
    after: str = ""
    run: UUID | None = None
    me: int | None = None

    @classmethod
    def from_query(cls, query: QueryDict, me: int | None = None) -> InboxFilters:
        """Read the address and ignore what is unknown. `me`: the reader's id."""
        age = query.get("age", "")
        return cls(
            assistant=query.get("assistant", "")[:200].replace("\x00", ""),
            person=query.get("person", "")[:150].replace("\x00", ""),
            tag=query.get("tag", "")[:60].replace("\x00", ""),
            older_than_s=int(age) if age.isascii() and age.isdecimal() and len(age) < 10 else 0,
            assigned=query.get("assigned", "")[:150].replace("\x00", ""),
            is_snoozed=query.get("snoozed", "") == "1",
            after=query.get("after", "")[:100],
            run=_uuid(query.get("run", "")),
            me=me if query.get("assigned") == ME else None,
        )

    def to_query(self, *, run: UUID | None = None, after: str = "") -> str:
        """The address's query string for these filters."""
        age = str(self.older_than_s or "")
        given = {"assistant": self.assistant, "person": self.person, "tag": self.tag, "age": age}
        given |= {"assigned": self.assigned, "snoozed": "1" if self.is_snoozed else ""}
        return urlencode({key: value for key, value in {**given, "after": after, "run": run or ""}.items() if value})

    @property
    def in_force(self) -> int:
        """How many filters narrow the list."""
        given = (self.assistant, self.person, self.tag, self.older_than_s, self.assigned, self.is_snoozed)
        return sum(map(bool, given))


@dataclass(frozen=True)
class InboxPage:
    """Some waiting runs, oldest first, what each asks, and where the newer ones begin ("" when there are none)."""

    runs: list[Run]
    asked: dict[UUID, list[Question]]
    after: str = ""


def waiting_runs(team: Team | UUID, filters: InboxFilters | None = None) -> QuerySet[Run]:
    """What lists show of the runs of `waiting`."""
    runs = waiting(team, filters).select_related("launched_by", "server", "answer__launched_by", "assigned_to")
    runs = runs.defer(*NOT_IN_ROWS, *(f"answer__{name}" for name in NOT_IN_ROWS))
    return runs.prefetch_related("questions")


def waiting(team: Team | UUID, filters: InboxFilters | None = None) -> QuerySet[Run]:
    """The team's runs with an open question, oldest first: those that are not snoozed, or those that are."""
    runs = _open(team, is_snoozed=filters is not None and filters.is_snoozed)
    if filters is not None:
        if filters.assigned == NOBODY:
            runs = runs.filter(assigned_to=None)
        elif filters.assigned == ME:
            runs = runs.filter(assigned_to=filters.me)
        elif filters.assigned:
            runs = runs.filter(assigned_to__username=filters.assigned)
        if filters.assistant:
            named = Q(assistant_name=filters.assistant) | Q(assistant_name="", graph_id=filters.assistant)
            runs = runs.filter(Q(assistant_id=filters.assistant) | named)
        if filters.person:
            runs = runs.filter(launched_by__username=filters.person)
        if filters.tag:
            runs = runs.filter(tags__contains=[filters.tag])
        if filters.older_than_s:
            runs = runs.filter(finished_at__lt=Now() - timedelta(seconds=filters.older_than_s))
    return runs.order_by("finished_at", "pk")


def inbox_page(team: Team | UUID, filters: InboxFilters, *, rows: int = INBOX_ROWS) -> InboxPage:
    """One page by keyset: `filters.after` is the `after` of the page before. The runs have what lists show."""
    runs = inbox_from(waiting(team, filters), filters.after).only(*_OF_RUN)
    found = list(runs[: rows + 1])
    after = inbox_after([(run.finished_at, run.pk) for run in found], rows)
    del found[rows:]
    # Each person and server is read once: they are the same few in all rows, and a join would build them for each.
    prefetch_related_objects(found, *_INBOX_RELATIONS)
    asked: dict[UUID, list[Question]] = {run.pk: [] for run in found}
    for question in Question.objects.filter(run__in=list(asked)):
        asked[question.run_id].append(question)
    for run in found:
        no_answer_yet(run)
    return InboxPage(found, asked, after)


_OF_RUN = (
    *ROW,
    "assigned_to",
    "snoozed_until",
    "wait_checked_at",
    "wait_check_asked_at",
)
_INBOX_RELATIONS = (
    Prefetch("launched_by", User.objects.only(*PERSON)),
    Prefetch("assigned_to", User.objects.only(*PERSON)),
    Prefetch("server", Server.objects.only("name")),
)


def inbox_run(team: Team, run_id: UUID) -> Run | None:
    """The team's run with what the inbox shows next to its list: a third of what its own page needs."""
    run = Run.objects.select_related("launched_by", "request", "result").only(*_ON_SHOW).filter(team=team, pk=run_id)
    found = run.first()
    if found is not None:
        no_answer_yet(found)
    return found


_ON_SHOW = (
    *(*TITLE, "team", "server", "status", "wait_state", "version", "tags", "ending_json", "finished_at"),
    *("assigned_to", "snoozed_until", "request__params_json", "result__size_bytes"),
    *(f"launched_by__{name}" for name in PERSON),
)


def inbox_next(team: Team, filters: InboxFilters, run: Run) -> UUID | None:
    """The run that follows in the inbox's list; None after the last one."""
    return inbox_from(waiting(team, filters), _place(run.finished_at, run.pk)).values_list("pk", flat=True).first()


def inbox_from(runs: QuerySet[Run], after: str) -> QuerySet[Run]:
    """The runs that follow the page before; all when `after` names none."""
    time, _, identity = after.partition("~")
    key = _uuid(identity)
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(time).astimezone(UTC)
        if key is not None:
            runs = runs.filter(finished_at__gte=moment)
            runs = runs.filter(Q(finished_at__gt=moment) | Q(finished_at=moment, pk__gt=key))
    return runs


def inbox_after(found: Sequence[tuple[datetime | None, UUID]], rows: int) -> str:
    """Where the next page begins, by when the runs of this one ended, and one more: "" when there is no more."""
    if len(found) <= rows:
        return ""
    return _place(*found[rows - 1])


def _place(moment: datetime | None, key: UUID) -> str:
    assert moment is not None
    return f"{moment.isoformat()}~{key}"


def waiting_assistants(team: Team) -> list[str]:
    """The names of the assistants with open questions, snoozed or not."""
    with connection.cursor() as cursor:
        cursor.execute(_ASSISTANTS, {"team": team.pk, "most": ASSISTANTS})
        return sorted({label_of(*names) for names in cursor.fetchall()})


_ASSISTANTS = """
WITH RECURSIVE asking AS (
    (SELECT assistant_name, graph_id, assistant_id FROM runs_run
     WHERE team_id = %(team)s AND wait_state = 'open' AND status = 'needs_input'
     ORDER BY assistant_name, graph_id, assistant_id LIMIT 1)
    UNION ALL
    SELECT following.* FROM asking CROSS JOIN LATERAL
        (SELECT assistant_name, graph_id, assistant_id FROM runs_run
         WHERE team_id = %(team)s AND wait_state = 'open' AND status = 'needs_input'
         AND (assistant_name, graph_id, assistant_id) > (asking.assistant_name, asking.graph_id, asking.assistant_id)
         ORDER BY assistant_name, graph_id, assistant_id LIMIT 1) AS following
) SELECT * FROM asking LIMIT %(most)s
"""
"""From one to the next through the index `run_open_by_assistant`: DISTINCT would read all that waits."""


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def waiting_count(team: Team | UUID, *, most: int | None = None) -> int:
    """How many open questions the team has, without snoozed ones; counted up to `most`."""
    return waiting_counts(team, most=most, snoozed_most=0)[0]


def waiting_counts(team: Team | UUID, *, most: int | None, snoozed_most: int | None) -> tuple[int, int]:
    """How many open questions wait now and how many are snoozed, each counted up to a limit."""
    key = team.pk if isinstance(team, Team) else team
    with connection.cursor() as cursor:  # on every page, so not through the ORM, which takes four times as long
        cursor.execute(_COUNTS, {"team": key, "most": most, "snoozed_most": snoozed_most})
        waiting, snoozed = cursor.fetchone()
    return waiting, snoozed


_COUNTS = """
SELECT (SELECT count(*) FROM (
    SELECT FROM runs_run WHERE team_id = %(team)s AND wait_state = 'open' AND status = 'needs_input'
    AND (snoozed_until IS NULL OR snoozed_until <= statement_timestamp()) LIMIT %(most)s
) AS now), (SELECT count(*) FROM (
    SELECT FROM runs_run WHERE team_id = %(team)s AND wait_state = 'open' AND status = 'needs_input'
    AND snoozed_until > statement_timestamp() LIMIT %(snoozed_most)s
) AS put_aside)
"""
"""As `_open`."""


def others_wait(run: Run) -> bool:
    """Whether other runs of the run's assistant on its server have an open question."""
    there = _open(run.team_id, is_snoozed=False).filter(server_id=run.server_id, assistant_id=run.assistant_id)
    return there.exclude(pk=run.pk).order_by().exists()


def _open(team: Team | UUID, *, is_snoozed: bool) -> QuerySet[Run]:
    runs = Run.objects.filter(team=team, wait_state=WaitState.OPEN, status=RunStatus.NEEDS_INPUT)
    if is_snoozed:
        return runs.filter(snoozed_until__gt=Now())
    return runs.filter(Q(snoozed_until=None) | Q(snoozed_until__lte=Now()))


def inbox_people(team: Team | UUID) -> tuple[list[Person], list[Person]]:
    """Everybody in a team by name, and which of them may answer."""
    found = Membership.objects.filter(team=team).order_by("user__username")
    everybody, answering = [], []
    for is_here, role, is_active, is_service, pk, *names in found.values_list(*_OF_PERSON):
        person = Person(pk, names[0], name_of(*names))
        everybody.append(person)
        if is_here and is_active and not is_service and role in {Role.ADMIN, Role.MEMBER}:
            answering.append(person)
    return everybody, answering


_OF_PERSON = ("is_active", "role", "user__is_active", "user__is_service", "user_id", *(f"user__{n}" for n in PERSON))


class Person(NamedTuple):
    """Somebody to choose."""

    pk: int
    username: str
    name: str

    def __str__(self) -> str:
        return self.name


def may_be_assigned(team: Team | UUID) -> list[Person]:
    """The people in a team who may answer, by name."""
    return inbox_people(team)[1]
