"""Assigning and snoozing questions."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from dashboard.answers.attention_forms import SnoozeForm
from dashboard.answers.fragments import attention_html
from dashboard.answers.selectors import may_be_assigned
from dashboard.http import go_to, is_htmx, json_errors, wants_json
from dashboard.runs.attention import TakenMeanwhile, run_assign, run_snooze
from dashboard.runs.models import Run
from dashboard.runs.shortcuts import run_or_404
from dashboard.runs.waiting import NotOpen
from dashboard.teams.access import may_act_required
from dashboard.teams.audit import refused_back
from dashboard.teams.middleware import TeamRequest
from dashboard.teams.models import User

CLOSED = "This question is no longer open."
NOTHING_CHOSEN = "Choose for how long to snooze it, or give a time."


@never_cache
@may_act_required
@require_POST
def run_assign_to(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """Assign it: `take` to oneself, `to` to a person by username, empty to nobody. `was`: the assignee on the page."""
    run = run_or_404(request, run_id)
    to: User | None = None
    if request.POST.get("take"):
        to = request.user
    elif name := request.POST.get("to", "").strip():
        found = next((person for person in may_be_assigned(request.team) if person.username == name), None)
        to = User.objects.filter(pk=found.pk).first() if found else None
        if to is None:
            return _refused(request, run, {"to": ["Nobody with this name in your team may answer."]}, 422)
    was = request.POST.get("was")
    known = "" if was is None else int(was) if was.isascii() and was.isdecimal() else None
    try:
        run_assign(run=run, to=to, by=request.user, was=known)
    except TakenMeanwhile as taken:
        who = taken.run.assigned_to or "nobody"
        return _refused(request, run, {"to": [f"Meanwhile it was assigned to {who}; nothing has changed."]}, 409)
    except NotOpen:
        return _refused(request, run, {"to": [CLOSED]}, 409)
    return _done(request, run)


@never_cache
@may_act_required
@require_POST
def run_snooze_until(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """Snooze it: `until` a time, or `for` a while; neither shows it again.

    When both are sent and empty, nothing was chosen in the form.
    """
    run, form = run_or_404(request, run_id), SnoozeForm(request.POST)
    if {"for", "until"} <= set(request.POST) and not request.POST["for"] and not request.POST["until"].strip():
        return _refused(request, run, {"for": [NOTHING_CHOSEN]}, 422)
    if not form.is_valid():
        return _refused(request, run, {name: [str(e) for e in errors] for name, errors in form.errors.items()}, 422)
    try:
        run_snooze(run=run, until=form.moment(), by=request.user)
    except ValidationError as error:
        return _refused(request, run, {"until": list(error.messages)}, 422)
    except NotOpen:
        return _refused(request, run, {"until": [CLOSED]}, 409)
    return _done(request, run)


def _done(request: TeamRequest, run: Run) -> HttpResponse:
    fresh = run_or_404(request, run.pk)
    if wants_json(request):
        who = fresh.assigned_to.username if fresh.assigned_to else None
        until = fresh.snoozed_until.isoformat() if fresh.snoozed_until else None
        return JsonResponse({"id": str(run.pk), "assigned_to": who, "snoozed_until": until})
    if is_htmx(request):
        return HttpResponse(attention_html(fresh, may_act=True, request=request))
    return go_to(request, _back(request, run))


def _refused(request: TeamRequest, run: Run, errors: dict[str, list[str]], status: int) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"errors": errors}, status=status) if status != 422 else json_errors(errors)
    problem = " ".join(sentence for each in errors.values() for sentence in each)
    if is_htmx(request):
        typed = {name: request.POST.get(name, "") for name in ("to", "until", "for")}
        fresh = run_or_404(request, run.pk)
        # 422 in both cases: the page's script shows what comes with that, and only with that.
        html = attention_html(fresh, may_act=True, request=request, problem=problem, typed=typed)
        return HttpResponse(html, status=422)
    return refused_back(request, problem, _back(request, run))


def _back(request: TeamRequest, run: Run) -> str:
    return f"{reverse('inbox')}?run={run.pk}" if "inbox" in request.POST else reverse("run-detail", args=[run.pk])
