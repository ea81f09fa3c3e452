"""The comparison of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.compare.comparison import RUNS_MAX, Side, compare, run_last_succeeded, runs_to_add
from dashboard.compare.so_far import so_far
from dashboard.runs.models import Run
from dashboard.runs.shortcuts import run_or_404
from dashboard.teams.access import member_required
from dashboard.teams.middleware import TeamRequest

NAMES = "abcde"


@never_cache
@member_required
@require_safe
def run_compare(request: TeamRequest) -> HttpResponse:
    """Runs `a` and `b`, and up to three more; `b=last` is the last that succeeded. `ids` are put in order of time."""
    if ids := request.GET.getlist("ids"):
        return redirect(_address(sorted((run_or_404(request, text) for text in ids[:RUNS_MAX]), key=_launched)))
    first = run_or_404(request, request.GET.get("a", ""))
    runs = [first]
    if request.GET.get("b") == "last":
        if last := run_last_succeeded(first):
            return redirect(_address([last, first]))
    else:
        runs += [run_or_404(request, chosen) for name in NAMES[1:RUNS_MAX] if (chosen := request.GET.get(name))]
    comparison = compare(runs)
    if len(runs) > 2:
        comparison = replace(comparison, sides=[_with_ways_on(side, runs) for side in comparison.sides])
    context = {
        "comparison": comparison,
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
    run = run_or_404(request, run_id)
    return render(
        request, "compare/_so_far.html", {"run": run, "so_far": so_far(run), "is_update": request.membership.may_launch}
    )


def _launched(run: Run) -> tuple[datetime, UUID]:
    return run.created_at, run.pk


def _address(runs: Sequence[Run]) -> str:
    return f"{reverse('run-compare')}?{urlencode(dict(zip(NAMES, (run.pk for run in runs), strict=False)))}"


def _with_ways_on(side: Side, runs: Sequence[Run]) -> Side:
    """With the comparison without it, and the one that compares it in depth with the first."""
    others = [run for run in runs if run is not side.run]
    in_depth = "" if side.run in runs[:2] else _address([others[0], side.run, *others[1:]])
    return replace(side, without_url=_address(others), in_depth_url=in_depth)
