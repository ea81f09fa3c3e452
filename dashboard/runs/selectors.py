"""Every read about runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.postgres.search import SearchQuery
from django.db.models import Q, QuerySet
from django.http import QueryDict

from dashboard.runs.models import Question, Run, RunResult, WaitState
from dashboard.runs.statuses import ACTIVE, ENDS, RunStatus
from dashboard.runs.usual import usual_of
from dashboard.servers.models import Assistant
from dashboard.servers.selectors import assistant_ids
from dashboard.teams.models import Team, User

PAGE_ROWS = 50
NOT_IN_ROWS = ("search", "search_text", "error_message", "ending_json")
"""What no row shows, and what can be large."""
NOT_IN_ANSWERS = tuple(f"answer__{name}" for name in NOT_IN_ROWS)
ON_PAGE = ("launched_by", "server", "request", "cancel_requested_by", "parent", "answer__launched_by")
"""What a run's page shows besides the run."""
ID_BEGIN = re.compile("[0-9a-f]{8,32}")
"""As much of an id as pages show, or more."""
CHILDREN = 200
"""The most that a run's document names of those that came from it."""
STATUS_GROUPS = {"active": ACTIVE}
"""Filters that mean several statuses at once."""


@dataclass(frozen=True)
class RunFilters:
    """What the runs page shows; stands in the address. Empty means everything."""

    statuses: tuple[str, ...] = ()
    assistant: str = ""
    person: str = ""
    text: str = ""
    waiting: str = ""
    """"open": only runs whose question waits for an answer; "answered", "gone" likewise."""
    assistant_title: str = field(default="", compare=False)
    """What people call the assistant; for the chip alone."""

    @classmethod
    def from_query(cls, query: QueryDict) -> RunFilters:
        """Read the address; what it does not understand is left out."""
        known = {*RunStatus.values, *STATUS_GROUPS}
        return cls(
            statuses=tuple(dict.fromkeys(word for word in query.getlist("status") if word in known)),
            assistant=query.get("assistant", "")[:200].replace("\x00", ""),
            person=query.get("person", "")[:150].replace("\x00", ""),
            text=query.get("q", "")[:200].replace("\x00", "").strip(),
            waiting=word if (word := query.get("waiting", "")) in WaitState.values else "",
        )

    def __bool__(self) -> bool:
        return bool(self.statuses or self.assistant or self.person or self.text or self.waiting)

    def to_query(self) -> str:
        """The address's query string, without the question mark; "" for no filter."""
        pairs = [("status", status) for status in self.statuses]
        pairs += [(key, value) for key, value in self._single() if value]
        return urlencode(pairs)

    def _single(self) -> list[tuple[str, str]]:
        return [("assistant", self.assistant), ("person", self.person), ("q", self.text), ("waiting", self.waiting)]

    def chips(self) -> list[tuple[str, str]]:
        """Each filter in force as its words and the query string without it."""
        found = []
        for status in self.statuses:
            label = "Active" if status == "active" else RunStatus(status).label
            without = replace(self, statuses=tuple(s for s in self.statuses if s != status))
            found.append((f"Status: {label}", without.to_query()))
        for word, key in (
            ("Assistant", "assistant"),
            ("Launched by", "person"),
            ("Text", "text"),
            ("Question", "waiting"),
        ):
            if getattr(self, key):
                without = replace(self, **{key: ""})  # type: ignore[arg-type]  # mypy takes the key for `statuses`
                shown = self.assistant_title if key == "assistant" and self.assistant_title else getattr(self, key)
                found.append((f"{word}: {shown}", without.to_query()))
        return found


@dataclass(frozen=True)
class RunPage:
    """Some runs, newest first, and where the older ones begin ("" when there are none)."""

    runs: list[Run] = field(default_factory=list)
    older: str = ""


def run_list(team: Team | UUID, filters: RunFilters) -> QuerySet[Run]:
    """The team's runs that the filters let through, newest first."""
    runs = Run.objects.filter(team=team).select_related("launched_by", "server", "answer__launched_by")
    runs = runs.defer(*NOT_IN_ROWS, *NOT_IN_ANSWERS)
    if filters.statuses:
        wanted: set[str] = set()
        for word in filters.statuses:
            wanted |= STATUS_GROUPS.get(word, {word})
        runs = runs.filter(status__in=sorted(wanted))
    if filters.assistant:
        runs = runs.filter(_of_assistant(team, filters.assistant))
    if filters.person:
        # As a value and not a join: for a person without runs a join walks the whole history.
        person = User.objects.filter(username=filters.person).values_list("pk", flat=True).first()
        runs = runs.filter(launched_by_id=person) if person is not None else runs.none()
    if filters.waiting:
        runs = runs.filter(wait_state=filters.waiting, status=RunStatus.NEEDS_INPUT)
    if filters.text:
        runs = runs.filter(_matches(filters.text))
    return runs.order_by("-created_at", "-id")


def _matches(text: str) -> Q:
    """Every word of the text begins a word of the run; an id, or as much of it as pages show, finds its run."""
    words = re.findall(r"\w+", text)
    if not words:
        return Q(pk__isnull=True)
    query = SearchQuery(" & ".join(f"'{word}':*" for word in words), config="simple", search_type="raw")
    found = Q(search=query)
    begin = _id_begin(text)
    if begin is None:
        return found
    low, high = (UUID(begin.replace("-", "").ljust(32, digit)) for digit in "0f")
    return found | Q(pk__range=(low, high)) | Q(remote_run_id__startswith=begin) | Q(remote_thread_id__startswith=begin)


def _id_begin(text: str) -> str | None:
    """The text as the beginning of a UUID, written as servers write them; None when it is too short, or none."""
    digits = text.replace("-", "").lower()
    if not ID_BEGIN.fullmatch(digits):
        return None
    begin = str(UUID(digits.ljust(32, "0")))[: len(digits) + sum(len(digits) > place for place in (8, 12, 16, 20))]
    return begin if text.lower().rstrip("-") in (begin, digits) else None


def run_page(team: Team, filters: RunFilters, *, before: str = "", rows: int = PAGE_ROWS) -> RunPage:
    """One page by keyset: `before` is the `older` of the page above. One that makes no sense is the first page."""
    runs = run_list(team, filters)
    key = _parse_key(before)
    if key:
        created_at, pk = key
        # The first condition says nothing new, but an index can begin at it; at an OR it cannot.
        runs = runs.filter(created_at__lte=created_at)
        runs = runs.filter(Q(created_at__lt=created_at) | Q(created_at=created_at, pk__lt=pk))
    found = list(runs[: rows + 1])
    older = ""
    if len(found) > rows:
        found = found[:rows]
        older = f"{found[-1].created_at.isoformat()}~{found[-1].pk}"
    return RunPage(found, older)


def _parse_key(text: str) -> tuple[datetime, UUID] | None:
    time, _, identity = text.partition("~")
    try:
        moment = datetime.fromisoformat(time)
        # Postgres knows no zone further off than 15:59, so it is given none.
        return (moment.astimezone(UTC), UUID(identity)) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def run_get(team: Team | UUID, run_id: UUID) -> Run | None:
    """The team's run with everything its page shows, or None."""
    return Run.objects.filter(team=team, pk=run_id).select_related(*ON_PAGE).defer(*NOT_IN_ANSWERS).first()


def run_after_on_thread(run: Run) -> Run | None:
    """The team's next run on the same thread that may have changed it; None when there was none, or no thread."""
    if not run.remote_thread_id:
        return None
    there = Run.objects.filter(team=run.team_id, server=run.server_id, remote_thread_id=run.remote_thread_id)
    later = there.filter(created_at__gt=run.created_at).exclude(pk=run.pk)
    never_there = Q(status__in=sorted(ENDS), remote_run_id=None)
    return later.exclude(never_there).order_by("created_at").first()


def run_before_on_thread(run: Run) -> Run | None:
    """The team's run before this one on the same thread that left a state; None when there was none, or no thread."""
    if not run.remote_thread_id:
        return None
    there = Run.objects.filter(team=run.team_id, server=run.server_id, remote_thread_id=run.remote_thread_id)
    earlier = there.filter(created_at__lt=run.created_at, result__isnull=False).exclude(pk=run.pk)
    return earlier.order_by("-created_at").first()


def run_that_pushed_out(run: Run) -> Run | None:
    """The team's run that was told to push others out of the thread while `run` was at work there."""
    after = run_after_on_thread(run)
    if after is None or run.finished_at is None or after.created_at > run.finished_at:
        return None
    return after if after.request.params.get("multitask_strategy") in ("interrupt", "rollback") else None


def run_result(run: Run) -> RunResult | None:
    """The size and hash of the run's final state; its bytes, which may be many, are fetched when asked for."""
    return RunResult.objects.filter(run=run).defer("compressed").first()


def _of_assistant(team: Team | UUID, text: str) -> Q:
    """Runs of the assistant that a filter names by its id, by its graph where that means it, or by its name."""
    ids = {text}
    for assistant in Assistant.objects.filter(server__team=team).only("assistant_id", "graph_id", "name"):
        if text == assistant.name or text in assistant_ids(assistant):
            ids |= assistant_ids(assistant)
    return Q(assistant_id__in=sorted(ids))


def run_assistants(team: Team) -> list[tuple[str, str]]:
    """What the team's recent runs used, for the filter: a value and a title that tells it apart from the others.

    An assistant that its server made for a graph is the same whether it was launched by its id or by the graph's name.
    """
    recent = Run.objects.filter(team=team).order_by("-created_at")
    found: dict[str, tuple[str, str]] = {}
    for assistant_id, name, graph_id in recent.values_list("assistant_id", "assistant_name", "graph_id")[:500]:
        value = graph_id if graph_id and name == graph_id else assistant_id
        found.setdefault(value, (name or graph_id or assistant_id, graph_id))
    return sorted(_told_apart(found), key=lambda pair: pair[1].lower())


def _told_apart(assistants: Mapping[str, tuple[str, str]]) -> list[tuple[str, str]]:
    names = Counter(name for name, _ in assistants.values())
    titles = {
        value: f"{name} · {graph_id}" if names[name] > 1 and graph_id not in ("", name) else name
        for value, (name, graph_id) in assistants.items()
    }
    seen = Counter(titles.values())
    return [(value, f"{title} · {value[:8]}" if seen[title] > 1 else title) for value, title in titles.items()]


@dataclass(frozen=True)
class AwaitedAnswer:
    """What a server must still wait for when an answer reaches it.

    Attributes:
        status: of the run that waits: `needs_input`, or `paused`.
        remote_run_id: the server's id of that run.
        interrupt_ids: of the questions that are answered; empty when it is only to go on.
    """

    status: str
    remote_run_id: str | None
    interrupt_ids: frozenset[str] = frozenset()


def awaited_answer(run_id: UUID) -> AwaitedAnswer | None:
    """What the run with this id answers; None when it answers none."""
    waiting = Run.objects.filter(answer=run_id).values_list("status", "remote_run_id").first()
    if waiting is None:
        return None
    ids = Question.objects.filter(answered_by_run=run_id).values_list("interrupt_id", flat=True)
    return AwaitedAnswer(*waiting, frozenset(ids) - {""})


def run_question(run: Run) -> dict[str, Any] | None:
    """What became of what the run waits, or waited, for; None when it never did."""
    return {"state": run.wait_state, "answered_by": answered_by(run)} if run.wait_state else None


def answered_by(run: Run) -> dict[str, Any] | None:
    """The run that answered this one, who launched it and when; None when none of ours did."""
    answer: Run | None = getattr(run, "answer", None)
    if answer is None:
        return None
    by = answer.launched_by.username if answer.launched_by else None
    return {"run": str(answer.pk), "by": by, "at": answer.created_at.isoformat()}


def question_document(question: Question) -> dict[str, Any]:
    """An interrupt for programs. `value` is left out when it is too large: the final state has it."""
    value = {"value": question.value} if question.has_value else {}
    schema = question.response_schema
    return {"id": question.interrupt_id, **value, "response_schema": schema, "state": question.state}


def run_document(run: Run, *, result_url: str) -> dict[str, Any]:
    """The run as `/runs/<uuid>.json` gives it, all but the final state. Holds no header value."""
    error = {"type": run.error_type, "message": run.error_message, "node": run.error_node or None}
    return {
        "id": str(run.pk),
        "name": run.name,
        "status": run.status,
        "assistant_id": run.assistant_id,
        "assistant_name": run.assistant_name or None,
        "graph_id": run.graph_id or None,
        "server": {"id": str(run.server_id), "name": run.server.name, "url": run.server.url},
        "thread_id": run.remote_thread_id,
        "run_id": run.remote_run_id,
        "params": run.request.params,
        "error": error if run.has_error else None,
        "ending": run.ending,
        "executions": run.executions,
        "final_state_url": result_url,
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "launched_by": run.launched_by.username if run.launched_by else None,
        "parent": {"id": str(run.parent_id), "kind": run.parent_kind or "again"} if run.parent_id else None,
        "children": [
            {"id": str(child.pk), "kind": child.parent_kind or "again", "status": child.status}
            for child in run.children.order_by("created_at", "pk").only("pk", "parent_kind", "status")[:CHILDREN]
        ],
        "question": run_question(run),
        "interrupts": [question_document(question) for question in run.questions.all()],
        "usual_s": usual.median_s if (usual := usual_of(run)) else None,
        "tags": run.tags,
        "events": [
            {"seq": event.seq, "at": event.at.isoformat(), "kind": event.kind, "data": event.data}
            for event in run.events.all()
        ],
    }
