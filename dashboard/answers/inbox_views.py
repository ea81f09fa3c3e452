"""The inbox: what waits for a person, oldest first, and the form to answer it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.answers import fragments, selectors
from dashboard.answers.selectors import InboxFilters
from dashboard.answers.services import may_be_answered
from dashboard.history.documents import run_item
from dashboard.http import wants_json
from dashboard.runs.models import Run
from dashboard.runs.selectors import question_document, run_get, run_result
from dashboard.runs.waiting import waits_look_at
from dashboard.teams.access import member_required
from dashboard.teams.middleware import TeamRequest
from dashboard.teams.selectors import team_people

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
    """All open questions of the team; one of them, the oldest unless the address names another, with its form."""
    filters = InboxFilters.from_query(request.GET, request.user.pk)
    if wants_json(request):
        return _as_json(request, filters)
    context = fragments.inbox_context(request.team, filters)
    items: list[fragments.InboxItem] = context["items"]
    waits_look_at([item.run for item in items])
    chosen = run_get(request.team, filters.run) if filters.run else None
    run = chosen or (run_get(request.team, items[0].run.pk) if items else None)
    by_assistant = selectors.waiting_by_assistant(request.team)
    panel = attention = ""
    if run is not None:
        may_act = request.membership.may_launch
        attention = fragments.attention_html(run, may_act=may_act, request=request, is_inbox=True)
        panel = fragments.answer_html(run, may_act=may_act, request=request, is_inbox=True)
    context |= {
        "selected": run.pk if run else None,
        "is_chosen": chosen is not None,
        "run": run,
        "panel": panel,
        "attention": attention,
        "has_state": run is not None and run_result(run) is not None,
        "may_answer_several": len(items) > 1 and run is not None and may_answer_several(request, run),
        "inbox_waiting": sum(by_assistant.values()),
        "assistants": list(by_assistant),
        "people": team_people(request.team),
        "ages": AGES,
        "live_query": filters.to_query(run=run.pk if run else None, after=filters.after),
    }
    return render(request, "answers/inbox.html", context)


def may_answer_several(request: TeamRequest, run: Run) -> bool:
    """Whether others of the run's assistant wait, too."""
    if not request.membership.may_launch or not may_be_answered(run):
        return False
    return selectors.others_wait(run)


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
    return JsonResponse({"waiting": [_waiting(run) for run in page.runs], "next": url})


def _waiting(run: Run) -> dict[str, Any]:
    assert run.finished_at is not None
    interrupts = [question_document(question) for question in run.questions.all()]
    return {
        "run": run_item(run),
        "asked_at": run.finished_at.isoformat(),
        "interrupts": interrupts,
        "assigned_to": run.assigned_to.username if run.assigned_to else None,
        "snoozed_until": run.snoozed_until.isoformat() if run.snoozed_until else None,
    }
