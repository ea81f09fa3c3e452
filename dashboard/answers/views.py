"""Answering and continuing. Views never call LangGraph: a worker finds out whether a question still waits."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from dashboard.answers import services
from dashboard.answers.earlier import last_answers
from dashboard.answers.forms import AnswerForm, answer_form
from dashboard.answers.fragments import answer_html
from dashboard.answers.reading import Errors, answers_checked, posted, typed
from dashboard.answers.selectors import InboxFilters, inbox_next
from dashboard.http import go_to, is_htmx, json_errors, wants_json
from dashboard.runs import selectors
from dashboard.runs.models import Run, WaitState
from dashboard.runs.services import AlreadyLaunched
from dashboard.runs.shortcuts import run_or_404
from dashboard.runs.statuses import RunStatus
from dashboard.runs.waiting import NotOpen
from dashboard.teams.access import may_act_required, member_required
from dashboard.teams.audit import audit_nothing
from dashboard.teams.encryption import SecretUnreadable
from dashboard.teams.middleware import TeamRequest

SENT = 'Your answer to “{}” was sent. <a href="{}">See how it goes on</a>'
INBOX_QUERY_CHARS = 1_000


@never_cache
@may_act_required
@require_POST
def run_answer(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """Answer some or all questions of a run. Exactly one answer wins; every other one learns who answered."""
    run = run_or_404(request, run_id)
    if (earlier := _sent_before(request, run)) is not None:
        return _went_on(request, run, earlier)
    if not services.may_be_answered(run):
        return _too_late(request, run)
    if _is_by_form(request):
        return _answer_by_form(request, run)
    documents, errors = posted(request, "answers")
    errors = errors or answers_checked(list(run.questions.all()), documents.get("answers"))
    if errors and (run := run_or_404(request, run_id)) and not services.may_be_answered(run):
        return _too_late(request, run)  # it was answered meanwhile
    if errors:
        return _refused(request, run, errors)
    answers = documents["answers"]
    return _sent(request, run, lambda key: services.run_answer(run=run, by=request.user, answers=answers, key=key))


def _is_by_form(request: TeamRequest) -> bool:
    """Whether the page's form was sent, and not `answers`, as programs do."""
    return request.content_type != "application/json" and "answers" not in request.POST


def _answer_by_form(request: TeamRequest, run: Run) -> HttpResponse:
    form = answer_form(run, post_url=reverse("run-answer", args=[run.pk]), data=request.POST)
    if verb := request.POST.get("do"):  # a button inside the form, which sends nothing
        audit_nothing(request)
        form.act(verb)
        if is_htmx(request):
            return HttpResponse(str(form.html or ""))
        return _form_page(request, run, form, status=200)
    answers = form.answers()
    if form.errors and (run := run_or_404(request, run.pk)) and not services.may_be_answered(run):
        return _too_late(request, run)
    if form.errors:
        return json_errors(form.errors) if wants_json(request) else _form_page(request, run, form, status=422)
    return _sent(
        request,
        run,
        lambda key: services.run_answer(run=run, by=request.user, answers=answers, changes=form.changes, key=key),
    )


def _form_page(request: TeamRequest, run: Run, form: AnswerForm, *, status: int) -> HttpResponse:
    """The form again, with what was typed."""
    panel = answer_html(run, may_act=True, request=request, form=form, **_in_inbox(request.POST))
    return render(request, "answers/page.html", {"run": run, "panel": panel}, status=status)


@never_cache
@may_act_required
@require_POST
def run_continue(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """Continue a paused run, with values of its state changed where `update` says so."""
    run = run_or_404(request, run_id)
    if (earlier := _sent_before(request, run)) is not None:
        return _went_on(request, run, earlier)
    if not services.may_be_continued(run):
        return _too_late(request, run)
    documents, errors = posted(request, "update")
    if not errors and not isinstance(documents.get("update", {}), dict | None):
        errors = {"update": ["Give a JSON object with the state values to change."]}
    if errors:
        if wants_json(request):
            return json_errors(errors)
        error, text = errors["update"][0], request.POST.get("update", "")
        panel = answer_html(run, may_act=True, request=request, continue_error=error, update_text=text)
        return render(request, "answers/page.html", {"run": run, "panel": panel}, status=422)
    update = documents.get("update")
    return _sent(request, run, lambda key: services.run_continue(run=run, by=request.user, update=update, key=key))


@never_cache
@member_required
@require_safe
def run_answer_panel(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """The panel of a run that waits, for an open page; with `last`, filled in as answered the last time."""
    run = run_or_404(request, run_id)
    form = None
    if "last" in request.GET and services.may_be_answered(run):
        form = answer_form(run, post_url=reverse("run-answer", args=[run.pk]), documents=last_answers(run))
    may_act = request.membership.may_launch
    html = answer_html(run, may_act=may_act, request=request, form=form, **_in_inbox(request.GET))
    if is_htmx(request):
        return HttpResponse(html)
    return render(request, "answers/page.html", {"run": run, "panel": html})


def _sent(request: TeamRequest, run: Run, send: Callable[[UUID | None], Run]) -> HttpResponse:
    try:
        child = send(_key(request))
    except AlreadyLaunched as earlier:
        child = earlier.run
    except NotOpen:
        return _too_late(request, run_or_404(request, run.pk))
    except SecretUnreadable as error:
        return _refused(request, run, {"headers": [f"The run's own headers cannot be read: {error}."]})
    return _went_on(request, run, child)


def _sent_before(request: TeamRequest, run: Run) -> Run | None:
    """The run that this very form launched before, for example by a double click."""
    answer: Run | None = getattr(run, "answer", None)
    key = _key(request)
    return answer if answer is not None and key is not None and answer.launch_key == key else None


def _went_on(request: TeamRequest, run: Run, child: Run) -> HttpResponse:
    url = reverse("run-detail", args=[child.pk])
    if wants_json(request):
        return JsonResponse({"id": str(child.pk), "url": url}, status=201, headers={"Location": url})
    if "inbox" in request.POST:
        messages.success(request, format_html(SENT, run.title, url))
        return go_to(request, _next_in_inbox(request, run))
    messages.success(request, "Answer sent." if run.status == RunStatus.NEEDS_INPUT else "It goes on.")
    return go_to(request, url)


def _in_inbox(data: QueryDict) -> dict[str, Any]:
    """The panel's context in the inbox."""
    return {"is_inbox": "inbox" in data, "inbox_query": data.get("inbox", "")}


def _next_in_inbox(request: TeamRequest, run: Run) -> str:
    """The inbox as it was narrowed, with the question after this one; after the last one with the oldest."""
    filters = InboxFilters.from_query(QueryDict(request.POST["inbox"][:INBOX_QUERY_CHARS]), request.user.pk)
    following = inbox_next(request.team, filters, run)
    query = filters.to_query(run=following, after=filters.after)
    query += "&next=1" if following else ""  # nobody opened it, so keys are for the list and not for its first field
    return f"{reverse('inbox')}?{query}" if query else reverse("inbox")


def _too_late(request: TeamRequest, run: Run) -> HttpResponse:
    """409: somebody else answered or continued it, or it no longer waits. Shows what was typed."""
    answered_by = selectors.answered_by(run)
    sentence = too_late_sentence(run)
    if wants_json(request):
        return JsonResponse({"errors": {"answers": [sentence]}, "answered_by": answered_by}, status=409)
    context = {
        "run": run,
        "sentence": sentence,
        "answered_by": answered_by,
        "typed": typed(request.POST, run.questions.all()),
        "next_url": _next_in_inbox(request, run) if "inbox" in request.POST else "",
    }
    return render(request, "answers/too_late.html", context, status=409)


def too_late_sentence(run: Run) -> str:
    """Why it cannot be answered or continued, for people."""
    answer: Run | None = getattr(run, "answer", None)
    verb = "continued" if run.status == RunStatus.PAUSED else "answered"
    if answer is not None:
        who = answer.sender or "somebody who has since been removed"
        return f"This was {verb} by {who} at {answer.created_at:%H:%M:%S} UTC on {answer.created_at:%d %b %Y}."
    if run.wait_state == WaitState.ANSWERED:
        return f"This was {verb} already."
    if run.wait_state == WaitState.GONE:
        return "This is no longer open: its thread went on without an answer."
    return "This run asks nothing." if run.status != RunStatus.PAUSED else "This run cannot be continued."


def _refused(request: TeamRequest, run: Run, errors: Errors) -> HttpResponse:
    if wants_json(request):
        return json_errors(errors)
    sentence = " ".join(sentence for each in errors.values() for sentence in each)
    return render(request, "runs/refused.html", {"run": run, "sentence": sentence}, status=422)


def _key(request: TeamRequest) -> UUID | None:
    try:
        return uuid.UUID(request.POST.get("launch_key", ""))
    except ValueError:
        return None
