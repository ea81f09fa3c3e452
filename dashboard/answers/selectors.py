"""Every read about questions and runs that wait for a person."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Prefetch, Q, QuerySet, prefetch_related_objects
from django.db.models.functions import Now
from django.http import QueryDict

from dashboard.runs.models import Question, Run, WaitState
from dashboard.runs.selectors import NOT_IN_ROWS, PERSON, ROW, TITLE, no_answer_yet
from dashboard.runs.statuses import RunStatus
from dashboard.runs.titles import label_of
from dashboard.servers.models import Server
from dashboard.teams.models import Membership, Team, User

EARLIER = 50
INBOX_ROWS = 50
COUNTED = 1_000
"""The most that pages count of what waits: from there they say "999+", and read no long list to its end."""
ASSISTANTS = 100
"""The most choices to narrow the inbox."""
ME, NOBODY = "me", "nobody"
"""Assignees in the inbox's address that are not usernames."""


@dataclass(frozen=True)
class EarlierAnswers:
    """How such questions were answered before.

    `line`: "approve 14 of 16 times"; "" when there is nothing that could be counted.
    """

    last: Question
    line: str


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
    def is_narrowed(self) -> bool:
        return bool(self.assistant or self.person or self.tag or self.older_than_s or self.assigned or self.is_snoozed)


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
    *(name for name in ROW if "__" not in name),
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


def inbox_people(team: Team | UUID) -> tuple[list[User], list[User]]:
    """Everybody in a team by name, and which of them may answer."""
    names = [f"user__{name}" for name in (*PERSON, "is_active", "is_service")]
    found = Membership.objects.filter(team=team).select_related("user").only("is_active", "role", *names)
    members = list(found.order_by("user__username"))
    answering = [member.user for member in members if member.is_active and member.may_launch]
    return [member.user for member in members], [user for user in answering if user.is_active and not user.is_service]


def may_be_assigned(team: Team | UUID) -> list[User]:
    """The people in a team who may answer, by name."""
    return inbox_people(team)[1]


def earlier_answers(run: Run) -> EarlierAnswers | None:
    """The last answers to the same questions of the run's assistant on its server; None when there are none."""
    answers = Run.objects.filter(team=run.team_id, assistant_id=run.assistant_id, answers__isnull=False)
    latest = list(answers.filter(server=run.server_id).order_by("-created_at").values_list("pk", flat=True)[:EARLIER])
    answered = _with_node(Question.objects.filter(answered_by_run__in=latest)) if latest else ()
    place: dict[UUID | None, int] = {pk: number for number, pk in enumerate(latest)}
    asked = [_same(question) for question in _with_node(run.questions.filter(state=WaitState.OPEN))] if answered else []
    found = [question for question in answered if question.state == WaitState.ANSWERED and _same(question) in asked]
    found = sorted(found, key=lambda question: place.get(question.answered_by_run_id, EARLIER))[:EARLIER]
    if not found:
        return None
    words = Counter(word for question in found if (word := answer_word(question.answer)))
    line = ""
    if words:
        word, count = words.most_common(1)[0]
        line = f"{word} {count} of {len(found)} times" if len(found) > 1 else word
    return EarlierAnswers(found[0], line)


def last_answers(run: Run) -> dict[str, Any]:
    """The last answers to the same questions as those of `run`, by the ids of its own."""
    earlier = Question.objects.filter(
        run__team=run.team_id, run__assistant_id=run.assistant_id, run__server=run.server_id, state=WaitState.ANSWERED
    ).order_by("-answered_by_run__created_at")
    last: dict[object, Question] = {}
    for question in _with_node(earlier)[:EARLIER]:
        last.setdefault(_same(question), question)
    asked = [(question.interrupt_id, _same(question)) for question in _with_node(run.questions.all())]
    return {interrupt_id: last[same].answer for interrupt_id, same in asked if same in last}


def _with_node(questions: QuerySet[Question]) -> QuerySet[Question]:
    """Questions with what `_same` needs of their runs."""
    return questions.annotate(ending_json=F("run__ending_json"), asked_count=Count("run__questions"))


def _same(question: Any) -> tuple[str, ...]:
    """What makes two questions the same one, asked again: the node, the keys, and the schema.

    A run that stops in several nodes names them in the order of its questions; otherwise the position counts.
    """
    nodes = (json.loads(question.ending_json) if question.ending_json else {}).get("next") or []
    if len(set(map(str, nodes))) == 1:
        node = str(nodes[0])
    elif len(nodes) == question.asked_count and question.position < len(nodes):
        node = str(nodes[question.position])
    else:
        node = f"#{question.position}"
    value = question.value if question.has_value else None
    kind = sorted(value) if isinstance(value, dict) else [type(value).__name__]
    return (node, question.response_schema_json, *kind)


def answer_word(document: Any) -> str:
    """An answer in a word, to count answers by; "" unless it is one choice of a few."""
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
