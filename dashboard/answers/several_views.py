"""Answering several questions at once: choose, preview, send, and see what became of each."""

from __future__ import annotations

import json
import uuid
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dashboard.answers.decisions import decided
from dashboard.answers.forms import answer_form
from dashboard.answers.reading import posted
from dashboard.answers.several import Alike, Sent, alike, answer_several, is_edit
from dashboard.answers.showing import fields_of
from dashboard.http import go_to, json_errors, wants_json
from dashboard.runs.models import Run
from dashboard.runs.selectors import run_get
from dashboard.runs.shortcuts import run_or_404
from dashboard.runs.state.view import value_tree
from dashboard.teams.access import may_act_required
from dashboard.teams.audit import audit_nothing
from dashboard.teams.middleware import TeamRequest

ONE_BY_ONE = "Edit arguments one question at a time: they differ in every question."
NONE_CHOSEN = "Choose at least one question that still waits."
NOT_ALIKE = "Not among the open questions that take the same answer: {}."


@never_cache
@may_act_required
@require_http_methods(["GET", "HEAD", "POST"])
def answer_several_page(request: TeamRequest) -> HttpResponse:
    """Questions like that of `run`, with one form for all; POST shows what would be sent, with `confirm` it sends."""
    run = _run(request)
    if run is None:
        return (
            json_errors({"run": ["Name a run that asks."]}) if wants_json(request) else go_to(request, reverse("inbox"))
        )
    found = alike(run)
    if request.method != "POST":
        return _choose(request, run, found)
    ids = set(request.POST.getlist("ids"))
    chosen = [each for each in found if str(each.run.pk) in ids]
    errors: dict[str, list[str]] = {}
    answer = _answer(request, run, errors)
    key = _key(request)
    if wants_json(request):
        return _as_json(request, chosen, ids, answer, errors, key)
    if "confirm" in request.POST and not errors:
        # Questions that were answered since the preview are listed, not left out.
        gone = [_gone(request, pk) for pk in sorted(ids - {str(each.run.pk) for each in chosen})]
        sent = answer_several(chosen=chosen, by=request.user, answer=answer, key=key)
        sent += [_outcome(each, key) for each in gone if each is not None]
        return _sent_page(request, sent, key)
    if not errors and not chosen:
        errors["ids"] = [NONE_CHOSEN]
    audit_nothing(request)
    if errors or "back" in request.POST:
        return _choose(request, run, found, ids=ids, errors=errors)
    carried = [(name, value) for name, values in request.POST.lists() for value in values if name not in _AFRESH]
    # After the confirmation it does not matter whether the question of the form is still open.
    carried.append(("answer", json.dumps(answer)))
    context = {
        "run": run,
        "chosen": chosen,
        "decisions": decided(chosen[0].shape, answer),
        "fields": fields_of(answer),
        "answer": value_tree(answer),
        "carried": carried,
    }
    return render(request, "answers/several/preview.html", context)


_AFRESH = ("csrfmiddlewaretoken", "answer", "back")


def _answer(request: TeamRequest, run: Run, errors: dict[str, list[str]]) -> Any:
    """The answer for all: that of the form, or for programs `answer` as JSON."""
    if "answer" in request.POST and "back" not in request.POST:
        documents, found = posted(request, "answer")
        errors.update(found)
        return documents.get("answer")
    form = answer_form(run, post_url=request.path, data=request.POST)
    answers = form.answers()
    errors.update(form.errors)
    answer = next(iter(answers.values()), None)
    if is_edit(answer):
        errors["answer"] = [ONE_BY_ONE]
    return answer


def _choose(
    request: TeamRequest,
    run: Run,
    found: list[Alike],
    *,
    ids: set[str] | None = None,
    errors: dict[str, list[str]] | None = None,
) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form = answer_form(run, post_url=request.path, data=data)
    form.errors = errors or {}
    if data is None:
        form.key = str(uuid.uuid4())
    context = {
        "run": run,
        "found": found,
        "form": form,
        "question": form.questions[0] if len(form.questions) == 1 else None,
        "ids": {str(run.pk)} if ids is None else ids,
    }
    return render(request, "answers/several/page.html", context, status=422 if errors else 200)


def _sent_page(request: TeamRequest, sent: list[Sent], key: UUID) -> HttpResponse:
    failed = [each for each in sent if each.child is None]
    context = {"sent": sent, "failed": failed, "count": len(sent) - len(failed), "batch": key}
    return render(request, "answers/several/sent.html", context)


def _as_json(
    request: TeamRequest,
    chosen: list[Alike],
    ids: set[str],
    answer: Any,
    errors: dict[str, list[str]],
    key: UUID,
) -> HttpResponse:
    unknown = sorted(ids - {str(each.run.pk) for each in chosen})
    if unknown:
        errors["ids"] = [NOT_ALIKE.format(", ".join(unknown)[:400])]
    elif not chosen:
        errors["ids"] = [NONE_CHOSEN]
    if errors:
        return json_errors(errors)
    sent = answer_several(chosen=chosen, by=request.user, answer=answer, key=key)
    results = [
        {"run": str(each.run.pk), "id": str(each.child.pk) if each.child else None, "error": each.problem or None}
        for each in sent
    ]
    return JsonResponse({"results": results, "batch": str(key)})


def _gone(request: TeamRequest, text: str) -> Run | None:
    try:
        return run_get(request.team, UUID(text))
    except ValueError:
        return None


def _outcome(run: Run, key: UUID) -> Sent:
    """The result for a question that is no longer open: this very form may have answered it, by a double click."""
    answer: Run | None = getattr(run, "answer", None)
    if answer is not None and answer.launch_key == uuid.uuid5(key, str(run.pk)):
        return Sent(run, answer)
    said = f"Answered by {answer.sender} meanwhile." if answer is not None else "It is no longer open."
    return Sent(run, problem=said)


def _key(request: TeamRequest) -> UUID:
    try:
        return uuid.UUID(request.POST.get("launch_key", ""))
    except ValueError:
        return uuid.uuid4()


def _run(request: TeamRequest) -> Run | None:
    text = request.POST.get("run") or request.GET.get("run") or ""
    return run_or_404(request, text) if text else None
