"""Whether this installation works: `/healthz` for programs, the Workers page for people."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.disk import disk_problem
from dashboard.monitoring.diagnosis import Finding, diagnose
from dashboard.monitoring.fragments import list_notice_html, workers_context, workers_html
from dashboard.monitoring.listening import listener_is_up
from dashboard.monitoring.selectors import WorkState, work_state
from dashboard.teams.access import member_required
from dashboard.teams.middleware import TeamRequest

AWAY_SENTENCE = "The database does not answer. Runs go on at their servers; their results are stored when it is back."


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when the installation can do its work; else 503, and `problems` says what is wrong and what to do.

    `notes` is what is unusual but healthy, such as a full worker.
    """
    listener = listener_is_up()
    state: WorkState | None = None
    try:
        state = work_state()
        findings = diagnose(state, hears_changes=listener, is_local=settings.ENV.debug)
    except (DatabaseError, InterfaceError):
        findings = [Finding(True, AWAY_SENTENCE)]
    if sentence := disk_problem():
        findings.insert(0, Finding(True, sentence))
    problems = [finding.sentence for finding in findings if finding.sick]
    document = {
        "status": "unavailable" if problems else "ok",
        "database": state is not None,
        "workers": len(state.living) if state else 0,
        "listener": listener,
        "queue": _queue(state),
        **_counts(state),
        "problems": problems,
        "notes": [finding.sentence for finding in findings if not finding.sick],
    }
    return JsonResponse(document, status=503 if problems else 200)


def _queue(state: WorkState | None) -> str:
    if state is None:
        return "unknown"
    return "stuck" if state.is_stuck else "full" if state.is_full else "ok"


def _counts(state: WorkState | None) -> dict[str, Any]:
    if state is None:
        return dict.fromkeys(("waiting", "oldest_waiting_s", "retrying", "disconnected", "orphaned"))
    waited = state.waiting_s
    return {
        "waiting": state.waiting,
        "oldest_waiting_s": None if waited is None else round(waited, 1),
        "retrying": state.retrying,
        "disconnected": state.disconnected,
        "orphaned": state.orphaned,
    }


@never_cache
@member_required
@require_safe
def workers_page(request: TeamRequest) -> HttpResponse:
    """The workers, what waits, and what is wrong; kept up to date by its socket."""
    return render(request, "monitoring/page.html", workers_context(hears_changes=listener_is_up()))


@never_cache
@member_required
@require_safe
def workers_live(request: TeamRequest) -> HttpResponse:
    """The part of it that changes, for browsers whose socket cannot open."""
    return HttpResponse(workers_html(hears_changes=listener_is_up()))


@never_cache
@member_required
@require_safe
def workers_notice(request: TeamRequest) -> HttpResponse:
    """The worker banner of a list of runs, for the same browsers."""
    return HttpResponse(list_notice_html())
