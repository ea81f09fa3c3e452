"""The runs page."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from dashboard.exports import download
from dashboard.history import export, selectors
from dashboard.history.bulk import IDS_MAX
from dashboard.history.choices import chosen_for
from dashboard.history.columns import socket_query, with_cells
from dashboard.history.documents import run_item
from dashboard.history.filters import DAYS, PERIODS, SORTS, RunFilters, problems_of
from dashboard.history.tabs import tabs
from dashboard.http import is_htmx, wants_json
from dashboard.runs.models import WaitState
from dashboard.teams.access import member_required
from dashboard.teams.middleware import TeamRequest


@never_cache
@vary_on_headers("HX-Request", "Accept")
@member_required
@require_safe
def run_list(request: TeamRequest) -> HttpResponse:
    """The team's history; htmx gets the rows alone, programs get JSON."""
    filters = RunFilters.from_query(request.GET)
    before = request.GET.get("before", "")
    is_fragment = is_htmx(request) and request.headers.get("HX-Boosted") != "true"
    chosen = chosen_for(request.team, request.user)
    if chosen.query and not (request.GET or is_fragment or wants_json(request)):
        return redirect(f"{reverse('run-list')}?{chosen.query}")
    page = selectors.run_page(request.team, filters, before=before)
    if wants_json(request):
        older = urlencode([*filters.pairs(), ("before", page.older)])
        following = f"{reverse('run-list')}?{older}" if page.older else None
        return JsonResponse({"runs": [run_item(run) for run in page.runs], "next": following})
    with_cells(page.runs, chosen.columns)
    may_act = request.membership.may_launch
    context = {"page": page, "filters": filters, "may_act": may_act, "columns": chosen.columns}
    if is_fragment:
        return render(request, "runs/_rows.html", context)
    # If the page begins with a view, all runs have an address of their own.
    all_url = reverse("run-list") + ("?view=all" if chosen.query else "")
    context |= {"all_url": all_url, "has_default": bool(chosen.query), "is_first_page": not before}
    context |= _choices(request, filters)
    return render(request, "runs/list.html", context | {"socket_query": socket_query(filters, chosen.columns)})


@never_cache
@member_required
@require_safe
def run_export_csv(request: TeamRequest) -> HttpResponseBase:
    """All runs that match, as CSV."""
    pieces = export.csv_pieces(request.team, RunFilters.from_query(request.GET), _ids(request))
    return download(pieces, kind="text/csv", name="runs.csv")


@never_cache
@member_required
@require_safe
def run_export_jsonl(request: TeamRequest) -> HttpResponseBase:
    """The same, one JSON document a line."""
    pieces = export.jsonl_pieces(request.team, RunFilters.from_query(request.GET), _ids(request))
    return download(pieces, kind="application/jsonl", name="runs.jsonl")


def _ids(request: TeamRequest) -> list[UUID]:
    try:
        return [UUID(text) for text in request.GET.getlist("ids")[:IDS_MAX]]
    except ValueError:
        raise BadRequest("An id is a UUID.") from None


IN_MORE = {"starred", "tag", "error", "server", "min_s", "max_s", "until", "waiting", "graph", "thread", "batch"}
"""The filters in the menu *More*, besides values by path."""


def _kept(filters: RunFilters) -> list[tuple[str, str]]:
    """Filters without a field in the form: hidden inputs keep them."""
    others = {"graph", "thread", "batch", "input", "result"}
    kept = [(name, value) for name, value in filters.pairs() if name.split(".")[0] in others]
    return [*kept, *(("tag", tag) for tag in filters.tags[1:])]


def _choices(request: TeamRequest, filters: RunFilters) -> dict[str, object]:
    choices, query = selectors.filter_choices(request.team), filters.to_query()
    return {
        "questions": WaitState.choices,
        "choices": choices,
        "periods": PERIODS | DAYS,
        "sorts": SORTS,
        "chips": filters.chips(choices.names),
        "problems": problems_of(request.GET),
        "assistant_is_listed": any(filters.assistant == value for value, _ in choices.assistants),
        "more_count": sum(name in IN_MORE or "." in name for name, _ in filters.pairs()),
        "kept_filters": _kept(filters),
        "sort_words": SORTS[filters.sort].lower(),
        "tabs": tabs(request.team, request.user, query, zone=filters.zone),
        "query": query,
        "counts_query": urlencode({"current": query}),
    }
