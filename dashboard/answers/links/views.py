"""The page of an answer link, for somebody without an account: one question, one form, and what became of the answer.

The view is exempt from the CSRF check: its pages send no referrer, so browsers send `Origin: null` with their form;
and anybody who could forge a POST knows the token, and may answer anyway. The password's cookie is `Lax`.
"""

from __future__ import annotations

import uuid
from functools import wraps
from typing import Any
from uuid import UUID

from csp.constants import NONE, SELF
from csp.decorators import csp
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.hashers import check_password
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from dashboard.answers import services
from dashboard.answers.forms import AnswerForm, answer_form
from dashboard.answers.links.selectors import ENDED, link_find, link_is_open, receipt
from dashboard.answers.links.services import LinkEnded, link_count
from dashboard.answers.models import AnswerLink
from dashboard.answers.reading import answers_checked, posted, typed
from dashboard.http import SeeOther, client_address, is_for_a_program, json_errors, refusal, wants_json
from dashboard.runs.models import Run
from dashboard.runs.selectors import question_document
from dashboard.runs.services import AlreadyLaunched
from dashboard.runs.waiting import NotOpen
from dashboard.teams.audit import audit_write
from dashboard.teams.encryption import SecretUnreadable
from dashboard.teams.passwords import limits_hashing
from dashboard.teams.throttle import throttle_failed, throttle_succeeded, throttle_wait_s

POLICY = {
    "default-src": [NONE],
    "style-src": [SELF],
    "img-src": [SELF, "data:"],
    "form-action": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}
"""These pages work without scripts, so none may run."""
PRIVATE = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}
UNLOCKED, ANSWERED = "answer-link-unlocked", "answer-link-answered"
"""Signed cookies for a link's own address: this browser gave its password, or sent its answer."""
UNLOCKED_S, ANSWERED_S = 12 * 3600, 30 * 24 * 3600
ABOUT = "answer-link"
TOO_MANY = "Too many attempts from here. Wait a little, then try again."
TOO_LATE = "Somebody else answered this in the meantime, or it no longer needs an answer. Your answer was not sent."
UNREADABLE = "Your answer cannot be sent right now. This is not your fault. Tell the person who sent you the link."


def _private(view: Any) -> Any:
    @wraps(view)
    def answered(request: HttpRequest, token: str) -> HttpResponse:
        response: HttpResponse = view(request, token)
        for name, value in PRIVATE.items():
            response.headers[name] = value
        return response

    return answered


@csp(POLICY)
@login_not_required
@csrf_exempt
@never_cache
@_private
@require_http_methods(["GET", "HEAD", "POST"])
def answer_page(request: HttpRequest, token: str) -> HttpResponse:
    """The question of a link, and its answer. Wrong, used, expired and revoked links all look alike."""
    address = client_address(request)
    if wait_s := throttle_wait_s(None, address, about=ABOUT):
        return _too_many(request, wait_s)
    link = link_find(token)
    if link is None or not link_is_open(link):
        if link is not None and _was_sent_from_here(request, link):
            return _receipt(request, link)
        throttle_failed(None, address, about=ABOUT)
        return _ended(request)
    if not link_count(link):
        return _too_many(request, 60)
    if link.password and not _has_cookie(request, UNLOCKED, link):
        return _password(request, link)
    if not services.may_be_answered(link.run):
        return _too_late(request, link) if request.method == "POST" else _ended(request)
    if request.method == "POST" and not _only_unlocks(request):
        return _answer(request, link)
    return _question(request, link, answer_form(link.run, post_url=request.path))


def _password(request: HttpRequest, link: AnswerLink) -> HttpResponse:
    given = _password_given(request)
    if not given:
        return _ask_password(request, link)
    response = _unlock(request, link, given)
    assert isinstance(response, HttpResponse)
    return response


@limits_hashing
def _unlock(request: HttpRequest, link: AnswerLink, given: str) -> HttpResponse:
    address, name = client_address(request), f"{ABOUT} {link.pk}"
    if wait_s := throttle_wait_s(name, address):
        return _too_many(request, wait_s)
    if not check_password(given, link.password):
        throttle_failed(name, address)
        return _ask_password(request, link, "This is not the password.")
    throttle_succeeded(name)
    is_answer = not _only_unlocks(request)
    if is_answer and not services.may_be_answered(link.run):
        return _too_late(request, link)
    response = _answer(request, link) if is_answer else _unlocked(request, link)
    _set_cookie(request, response, UNLOCKED, link, UNLOCKED_S)
    return response


def _unlocked(request: HttpRequest, link: AnswerLink) -> HttpResponse:
    if is_for_a_program(request):
        return _question(request, link, answer_form(link.run, post_url=request.path))
    return SeeOther(request.path)


def _answer(request: HttpRequest, link: AnswerLink) -> HttpResponse:
    run, key = link.run, _key(request)
    if request.content_type == "application/json" or "answers" in request.POST:
        documents, errors = posted(request, "answers")
        errors = errors or answers_checked(list(run.questions.all()), documents.get("answers"))
        if errors:
            return _overtaken(request, link) or json_errors(errors)
        answers = documents["answers"]
    else:
        form = answer_form(run, post_url=request.path, data=_of_the_form(request))
        if verb := request.POST.get("do"):  # a button inside the form, which sends nothing
            form.act(verb)
            return _question(request, link, form)
        answers = form.answers()
        if form.errors and (late := _overtaken(request, link)):
            return late
        if form.errors:
            return json_errors(form.errors) if wants_json(request) else _question(request, link, form, status=422)
    assert link.created_by is not None
    try:
        child = services.run_answer(run=run, by=link.created_by, answers=answers, key=key, link=link)
    except (NotOpen, LinkEnded, AlreadyLaunched):
        return _overtaken(request, link) or _ended(request)
    except SecretUnreadable:
        return refusal(request, 422, UNREADABLE, link="", is_private="yes")
    _audit(request, link, child)
    return _sent(request, link)


def _overtaken(request: HttpRequest, link: AnswerLink) -> HttpResponse | None:
    """The response when it was answered meanwhile, by this very form or by somebody else; None when it was not."""
    link.refresh_from_db()
    if _is_same_form(request, link):
        return _sent(request, link)
    if link.used_at is not None:
        return _ended(request)
    return None if services.may_be_answered(link.run) else _too_late(request, link)


def _sent(request: HttpRequest, link: AnswerLink) -> HttpResponse:
    response: HttpResponse
    if is_for_a_program(request):
        response = JsonResponse({"url": request.path, "state": "sending"}, status=201)
    else:
        response = SeeOther(request.path)
    _set_cookie(request, response, ANSWERED, link, ANSWERED_S)
    return response


def _audit(request: HttpRequest, link: AnswerLink, child: Run) -> None:
    said = f"run {link.run_id}, by the link that {link.created_by} made for {link.name}: run {child.pk}"
    audit_write(team=link.run.team, by=None, action="answer-page", object=said, request=request)


# Pages.


def _question(request: HttpRequest, link: AnswerLink, form: AnswerForm, *, status: int = 200) -> HttpResponse:
    run = link.run
    if is_for_a_program(request):
        asked = [question_document(each.question) for each in form.questions]
        document = {"assistant": run.assistant_label, "asked_by": str(link.created_by), "for": link.name}
        return JsonResponse({**document, "interrupts": asked}, status=status)
    return render(request, "answers/links/question.html", {"link": link, "run": run, "form": form}, status=status)


def _ask_password(request: HttpRequest, link: AnswerLink, error: str = "") -> HttpResponse:
    if is_for_a_program(request):
        return json_errors({"password": [error or "This link asks for a password."]})
    status = 422 if error else 200
    kept = typed(request.POST)
    return render(request, "answers/links/password.html", {"link": link, "error": error, "typed": kept}, status=status)


def _receipt(request: HttpRequest, link: AnswerLink) -> HttpResponse:
    state, sentence = receipt(link)
    if is_for_a_program(request):
        return JsonResponse({"state": state, "sentence": sentence})
    if request.method == "POST":
        return SeeOther(request.path)
    context = {"link": link, "state": state, "sentence": sentence, "is_final": state not in ("sending", "goes_on")}
    return render(request, "answers/links/receipt.html", context)


def _ended(request: HttpRequest) -> HttpResponse:
    """404: one page for every link that does not work, with what was typed."""
    return _message(request, 404, "This link does not work", ENDED)


def _too_late(request: HttpRequest, link: AnswerLink) -> HttpResponse:
    if is_for_a_program(request):
        return JsonResponse({"errors": {"answers": [TOO_LATE]}}, status=409)
    return _message(request, 409, "Not sent", TOO_LATE)


def _message(request: HttpRequest, status: int, title: str, sentence: str) -> HttpResponse:
    if is_for_a_program(request):
        return JsonResponse({"error": sentence}, status=status)
    kept = typed(request.POST) if request.method == "POST" else []
    context = {"title": title, "sentence": sentence, "is_private": "yes", "typed": kept}
    return HttpResponse(render_to_string("answers/links/ended.html", context), status=status)


def _too_many(request: HttpRequest, wait_s: int) -> HttpResponse:
    response = _message(request, 429, "Too many attempts", TOO_MANY)
    response.headers["Retry-After"] = str(wait_s)
    return response


# Posts.


def _of_the_form(request: HttpRequest) -> Any:
    """The posted answer, without the inherited parameters: strangers may not change those."""
    data = request.POST.copy()
    for name in [name for name in data if name.startswith("with/")]:
        del data[name]
    return data


def _only_unlocks(request: HttpRequest) -> bool:
    """Whether a POST has a password and nothing else."""
    if request.content_type == "application/json":
        return "answers" not in posted(request, "answers")[0]
    return set(request.POST) <= {"password"}


def _password_given(request: HttpRequest) -> str:
    if request.method != "POST":
        return ""
    if request.content_type == "application/json":
        given = posted(request, "password")[0].get("password", "")
        return given[:200] if isinstance(given, str) else ""
    return request.POST.get("password", "")[:200]


def _key(request: HttpRequest) -> UUID | None:
    try:
        return uuid.UUID(request.POST.get("launch_key", ""))
    except ValueError:
        return None


def _is_same_form(request: HttpRequest, link: AnswerLink) -> bool:
    """Whether this very form was sent before, for example by a double click."""
    child, key = link.answered_by_run, _key(request)
    return child is not None and key is not None and child.launch_key == key


def _was_sent_from_here(request: HttpRequest, link: AnswerLink) -> bool:
    if link.used_at is None:
        return False
    return _has_cookie(request, ANSWERED, link) or (request.method == "POST" and _is_same_form(request, link))


def _has_cookie(request: HttpRequest, name: str, link: AnswerLink) -> bool:
    seconds = UNLOCKED_S if name == UNLOCKED else ANSWERED_S
    return bool(request.get_signed_cookie(name, default="", salt=name, max_age=seconds) == str(link.pk))


def _set_cookie(request: HttpRequest, response: HttpResponse, name: str, link: AnswerLink, seconds: int) -> None:
    response.set_signed_cookie(
        name,
        str(link.pk),
        salt=name,
        max_age=seconds,
        path=request.path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def link_address(request: HttpRequest, token: str) -> str:
    """The address to give away."""
    return request.build_absolute_uri(reverse("answer-page", args=[token]))
