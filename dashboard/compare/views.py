"""The comparison of runs."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.compare.comparison import RUNS_MAX, compare, run_last_succeeded, runs_to_add
from dashboard.compare.so_far import so_far
from dashboard.runs.models import Run
from dashboard.runs.selectors import run_get
from dashboard.teams.access import member_required
from dashboard.teams.middleware import TeamRequest

NAMES = "abcde"


@never_cache
@member_required
@require_safe
def run_compare(request: TeamRequest) -> HttpResponse:
    """Runs `a` and `b`, and up to three more; `b=last` is the last that succeeded. `ids` are put in order of time."""
    if ids := request.GET.getlist("ids"):
        found = sorted((_run(request, text) for text in ids[:RUNS_MAX]), key=lambda run: (run.created_at, run.pk))
        return redirect(f"{request.path}?{urlencode(dict(zip(NAMES, (run.pk for run in found), strict=False)))}")
    first = _run(request, request.GET.get("a", ""))
    runs = [first]
    if request.GET.get("b") == "last":
        if last := run_last_succeeded(first):
            return redirect(f"{request.path}?a={last.pk}&b={first.pk}")
    else:
        runs += [_run(request, chosen) for name in NAMES[1:RUNS_MAX] if (chosen := request.GET.get(name))]
    context = {
        "comparison": compare(runs),
        "is_alone": len(runs) == 1,
        "none_succeeded": request.GET.get("b") == "last",
        "others": runs_to_add(runs),
        "may_act": request.membership.may_launch,
        "share_query": urlencode([("runs", run.pk) for run in runs]),
    }
    return render(request, "compare/page.html", context)


@never_cache
@member_required
@require_safe
def run_so_far(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """The progress of a run without a final state, as a fragment of its page."""
    run = _run(request, str(run_id))
    return render(
        request, "compare/_so_far.html", {"run": run, "so_far": so_far(run), "is_update": request.membership.may_launch}
    )


def _run(request: TeamRequest, text: str) -> Run:
    try:
        run = run_get(request.team, UUID(text))
    except ValueError:
        run = None
    if run is None:
        raise Http404("There is no such run in your team.")
    return run
