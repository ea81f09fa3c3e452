"""The Insights page."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.history.charts import HEIGHT, WIDTH, duration_chart, volume_chart
from dashboard.history.filters import RunFilters
from dashboard.history.insights import CHOSEN, GROUPS, RANGES, Insights, insights
from dashboard.http import wants_json
from dashboard.teams.access import member_required
from dashboard.teams.middleware import TeamRequest

DEFAULT = "7d"


@never_cache
@member_required
@require_safe
def insights_page(request: TeamRequest) -> HttpResponse:
    """Statistics of the runs in a period, with the same filters as the list."""
    filters = RunFilters.from_query(request.GET)
    is_range = filters.since in RANGES and not filters.until
    span = request.GET.get("range", filters.since if is_range else CHOSEN if filters.since else DEFAULT)
    span = span if span in RANGES or (span == CHOSEN and filters.since) else DEFAULT
    found = insights(request.team, filters, span)
    if wants_json(request):
        return JsonResponse(_document(found, span))
    pairs = [pair for pair in filters.pairs() if pair[0] not in ("since", "until", "sort")]
    query = urlencode(pairs)
    times = urlencode({"since": found.buckets[0].start.isoformat(), "until": found.buckets[-1].end.isoformat()})
    context = {
        "found": found,
        "span": span,
        "when": _when(found, span),
        "times": times,
        "ranges": [(key, words, urlencode([*pairs, ("range", key)])) for key, (words, _, _) in RANGES.items()],
        "filters": filters,
        "chips": _chips(filters, span),
        "query": query,
        "prefix": f"{query}&" if query else "",
        "groups": GROUPS.values(),
        "volume": volume_chart(found.buckets),
        "durations": duration_chart(found.buckets),
        "width": WIDTH,
        "height": HEIGHT,
    }
    return render(request, "history/insights.html", context)


def _when(found: Insights, span: str) -> str:
    """The period in words."""
    if span != CHOSEN:
        return f"in the last {RANGES[span][0]}"
    begin, end = found.buckets[0].start, found.buckets[-1].end
    return f"from {begin.day} {begin:%b %H:%M} to {end.day} {end:%b %H:%M}"


def _chips(filters: RunFilters, span: str) -> list[tuple[str, str]]:
    """The current filters without the period, which the range shows."""
    if span == CHOSEN:
        return replace(filters, sort="-started").chips()
    chips = replace(filters, since="", until="", sort="-started").chips()
    return [(words, f"{without}&range={span}".lstrip("&")) for words, without in chips]


def _document(found: Insights, span: str) -> dict[str, object]:
    return {
        "range": span,
        "runs": found.count.number,
        "is_estimate": found.count.is_estimate,
        "success_percent": found.success_percent,
        "waiting": found.waiting,
        "p50_s": found.p50_s,
        "p95_s": found.p95_s,
        "buckets": [
            {"start": b.start.isoformat(), "end": b.end.isoformat(), "p50_s": b.p50_s, "p95_s": b.p95_s, **b.counts}
            for b in found.buckets
        ],
        "cost": {currency: float(amount) for currency, amount in found.cost.totals.items()},
        "cost_is_partial": found.cost.is_partial or bool(found.cost.unpriced),
        "models": [
            {
                "model": line.model,
                "input_tokens": line.input,
                "output_tokens": line.output,
                "cost": float(line.amount) if line.amount is not None else None,
                "currency": line.currency or None,
            }
            for line in found.cost.lines
        ],
    }
