"""Every read about runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model, Q

from dashboard.runs.models import Question, Run, RunEvent, RunResult, WaitState
from dashboard.runs.page_query import run_with
from dashboard.runs.rows import AnswerRow, ListedRun
from dashboard.runs.statuses import ENDS
from dashboard.runs.usual import usual_of
from dashboard.teams.models import Team, User

NOT_IN_ROWS = ("search", "search_text", "error_message", "ending_json", "value_keys", "note")
"""Fields that no row shows, or that can be large."""
ON_PAGE = ("launched_by", "server", "request", "result", "step_log")
"""What every run's page shows besides the run. Rare relations are fetched separately: each join costs every page."""
PERSON = ("username", "first_name", "last_name")
"""What a person's name is made of."""
TITLE = ("name", "summary", "assistant_name", "graph_id", "assistant_id")
"""What a run's title is made of."""
ROW = (
    *("team", "server", "launched_by", "parent", "parent_kind", "link_for", "batch_id", "version"),
    *(*TITLE, "outcome_text", "tags", "is_starred", "status", "wait_state", "created_at", "started_at", "finished_at"),
    *("remote_thread_id", "remote_run_id", "remote_thread_kept", "unreachable_since", "error_type", "error_node"),
)
"""What a list shows of a run itself, as JSON."""


def _all_but(model: type[Model], of: str, shown: Collection[str]) -> Iterator[str]:
    """The names of what is not shown of one that belongs to a run."""
    fields = (field for field in model._meta.concrete_fields if not field.primary_key and field.name not in shown)
    return (f"{of}__{field.name}" for field in fields)


NOT_ON_PAGE = (
    *("search", "search_text", "value_keys", "request__secret_headers", "result__compressed"),
    *("server__secret_headers", "server__secret_proxy", "server__secret_registration", "server__proxy"),
    *_all_but(User, "launched_by", PERSON),
)
"""Fetched only on demand, as no page of a run shows it."""
NOT_WITH_RESULT = (
    *(field.name for field in Run._meta.concrete_fields if field.name not in ("id", "team", *TITLE)),
    "result__compressed",
)
CHILDREN = 200
"""The most children that a run's document names."""


def run_get(team: Team | UUID, run_id: UUID) -> Run | None:
    """The team's run with everything its page shows, or None."""
    return _for_page(run_id, team_id=team.pk if isinstance(team, Team) else team)


def run_with_result(team: Team, run_id: UUID) -> Run | None:
    """The team's run with its title and the size and hash of its final state; None when it has none."""
    run = run_with(("result",), NOT_WITH_RESULT, pk=run_id, team_id=team.pk)
    return None if run is None or run_result(run) is None else run


def run_for_page(run_id: UUID) -> Run | None:
    """The same for any team, for pages whose readers were checked before."""
    return _for_page(run_id)


def _for_page(run_id: UUID, *, team_id: UUID | None = None) -> Run | None:
    run = run_with(ON_PAGE, NOT_ON_PAGE, pk=run_id, team_id=team_id)
    if run is None:
        return None
    no_answer_yet(run)
    if run.parent_id is not None:
        run.parent = Run.objects.only(*TITLE, "team", "server", "status").filter(pk=run.parent_id).first()
    return run


def no_answer_yet(run: Run) -> None:
    """Save the query for the run that answered this one when there can be none."""
    if run.wait_state in ("", WaitState.OPEN):
        Run._meta.get_field("answer").set_cached_value(run, None)


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
    """The team's run that was launched to replace others on the thread while `run` was at work there."""
    after = run_after_on_thread(run)
    if after is None or run.finished_at is None or after.created_at > run.finished_at:
        return None
    return after if after.request.params.get("multitask_strategy") in ("interrupt", "rollback") else None


def run_events(run: Run) -> list[RunEvent]:
    """The run's events in order, with the people behind them: mostly the one who launched it."""
    events = list(RunEvent.objects.raw("SELECT * FROM runs_runevent WHERE run_id = %s ORDER BY seq", [run.pk]))
    people = {run.launched_by_id: run.launched_by}
    if others := {event.by_id for event in events} - {None, *people}:
        people |= User.objects.only(*PERSON).in_bulk(others)
    for event in events:
        event.run = run
        event.by = people.get(event.by_id)
    return events


def run_result(run: Run) -> RunResult | None:
    """The size and hash of the run's final state; its bytes, which may be many, are fetched on access."""
    if "result" in run._state.fields_cache:
        return getattr(run, "result", None)
    return RunResult.objects.filter(run=run).defer("compressed").first()


@dataclass(frozen=True)
class AwaitedAnswer:
    """What a server must still wait for when an answer reaches it.

    Attributes:
        status: of the run that waits: `needs_input`, or `paused`.
        remote_run_id: the server's id of that run.
        given_up: the server's ids of runs that carried an answer to it before, and came to nothing.
        interrupt_ids: of the questions that are answered; empty when it is only to go on.
    """

    status: str
    remote_run_id: str | None
    interrupt_ids: frozenset[str] = frozenset()
    given_up: frozenset[str] = frozenset()


def answers_given_up(run_id: UUID) -> frozenset[str]:
    """The server's ids of runs that carried an answer to this one, and came to nothing."""
    gave_up = Run.objects.filter(parent=run_id, parent_kind__in=["answer", "continue"], answers=None)
    return frozenset(filter(None, gave_up.values_list("remote_run_id", flat=True)))


def awaited_answer(run_id: UUID) -> AwaitedAnswer | None:
    """What the run with this id answers; None when it answers none."""
    found = Run.objects.filter(answer=run_id).values_list("pk", "status", "remote_run_id").first()
    if found is None:
        return None
    key, status, remote_run_id = found
    ids = Question.objects.filter(answered_by_run=run_id).values_list("interrupt_id", flat=True)
    return AwaitedAnswer(status, remote_run_id, frozenset(ids) - {""}, answers_given_up(key))


def run_question(run: ListedRun) -> dict[str, Any] | None:
    """What became of the wait for a person; None when the run never waited."""
    return {"state": run.wait_state, "answered_by": answered_by(run)} if run.wait_state else None


def answered_by(run: ListedRun) -> dict[str, Any] | None:
    """The run that answered this one, who launched it and when; None when none of ours did."""
    answer: Run | AnswerRow | None = getattr(run, "answer", None)
    if answer is None:
        return None
    by = answer.launched_by.username if answer.launched_by else None
    link = {"link_for": answer.link_for} if answer.link_for else {}
    document = {"run": str(answer.pk), "by": by, "at": answer.created_at.isoformat(), "status": answer.status}
    return {**document, **link}


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
        "summary": run.summary,
        "outcome_text": run.outcome_text,
        "note": run.note,
        "starred": run.is_starred,
        "batch": str(run.batch_id) if run.batch_id else None,
        "tags": run.tags,
        "events": [
            {"seq": event.seq, "at": event.at.isoformat(), "kind": event.kind, "data": event.data}
            for event in run.events.all()
        ],
    }
