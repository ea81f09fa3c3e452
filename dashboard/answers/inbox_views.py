"""The inbox: open questions, oldest first, and the form to answer one."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.answers import fragments, selectors
from dashboard.answers.inbox_rows import InboxRow
from dashboard.answers.selectors import InboxFilters
from dashboard.answers.services import may_be_answered
from dashboard.answers.several import only_question
from dashboard.history.documents import run_item
from dashboard.http import wants_json
from dashboard.runs.models import Question, Run
from dashboard.runs.selectors import question_document, run_get, run_result
from dashboard.runs.waiting import open_waits_look_at, waits_look_at
from dashboard.teams.access import member_required
from dashboard.teams.middleware import TeamRequest

AGES = [("3600", "an hour"), ("86400", "a day"), ("604800", "a week")]


@never_cache
@member_required
@require_safe
def inbox_count(request: TeamRequest) -> HttpResponse:
    """How many questions of the team wait: a piece of a page for its navigation, or JSON."""
    if wants_json(request):
        return JsonResponse({"waiting": selectors.waiting_count(request.team)})
    return HttpResponse(fragments.inbox_count_html(request.team))


@never_cache
@member_required
@require_safe
def inbox(request: TeamRequest) -> HttpResponse:
    """All open questions of the team, and the form of one: the oldest, unless the address names another."""
    filters = InboxFilters.from_query(request.GET, request.user.pk)
    if wants_json(request):
        return _as_json(request, filters)
    context = fragments.inbox_context(request.team, filters)
    rows: list[InboxRow] = context["rows"]
    open_waits_look_at((row.pk, row.wait_checked_at, row.wait_check_asked_at) for row in rows)
    chosen = selectors.inbox_run(request.team, filters.run) if filters.run else None
    run = chosen or (selectors.inbox_run(request.team, rows[0].pk) if rows else None)
    people, answering = selectors.inbox_people(request.team)
    panel = attention = ""
    if run is not None:
        may_act = request.membership.may_launch
        attention = fragments.attention_html(run, may_act=may_act, request=request, people=answering, is_inbox=True)
        query = filters.to_query(after=filters.after)
        panel = fragments.answer_html(run, may_act=may_act, request=request, is_inbox=True, inbox_query=query)
    context |= {
        "selected": run.pk if run else None,
        "is_chosen": chosen is not None,
        "is_next": "next" in request.GET,
        "run": run,
        "panel": panel,
        "attention": attention,
        "has_state": run is not None and run_result(run) is not None,
        "may_answer_several": run is not None and may_answer_several(request, run, filters, rows),
        "assistants": selectors.waiting_assistants(request.team),
        "people": people,
        "ages": AGES,
        "live_query": filters.to_query(run=run.pk if run else None, after=filters.after),
    }
    return render(request, "answers/inbox.html", context)


def may_answer_several(request: TeamRequest, run: Run, filters: InboxFilters, rows: list[InboxRow]) -> bool:
    """Whether the run asks one thing, and other runs of its assistant wait. `rows`: the list usually shows that."""
    if not request.membership.may_launch or not may_be_answered(run) or only_question(run) is None:
        return False
    assistant = (run.server_id, run.assistant_id)
    is_another_listed = any(row.pk != run.pk and (row.server_id, row.assistant_id) == assistant for row in rows)
    return (is_another_listed and not filters.is_snoozed) or selectors.others_wait(run)


@never_cache
@member_required
@require_safe
def inbox_live(request: TeamRequest) -> HttpResponse:
    """What the WebSocket sends, for browsers whose socket cannot open: the list, and the question on show."""
    filters, may_act = InboxFilters.from_query(request.GET, request.user.pk), request.membership.may_launch
    html = fragments.inbox_live_html(request.team, filters)
    if filters.run and (run := run_get(request.team, filters.run)):
        html += fragments.attention_html(run, may_act=may_act, is_inbox=True)
        html += fragments.answer_live_html(run, may_act=may_act, is_inbox=True)
    return HttpResponse(html)


def _as_json(request: TeamRequest, filters: InboxFilters) -> JsonResponse:
    page = selectors.inbox_page(request.team, filters)
    waits_look_at(page.runs)
    url = f"{reverse('inbox')}?{filters.to_query(after=page.after)}" if page.after else None
    return JsonResponse({"waiting": [_waiting(run, page.asked[run.pk]) for run in page.runs], "next": url})


def _waiting(run: Run, asked: list[Question]) -> dict[str, Any]:
    assert run.finished_at is not None
    return {
        "run": run_item(run),
        "asked_at": run.finished_at.isoformat(),
        "interrupts": [question_document(question) for question in asked],
        "assigned_to": run.assigned_to.username if run.assigned_to else None,
        "snoozed_until": run.snoozed_until.isoformat() if run.snoozed_until else None,
    }
