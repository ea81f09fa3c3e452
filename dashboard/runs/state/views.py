"""Parts of a final state, opened from the server: `/runs/<uuid>/state/?path=<JSON Pointer>`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from dashboard.http import is_htmx, wants_json
from dashboard.runs import selectors
from dashboard.runs.models import Run
from dashboard.runs.shortcuts import run_or_404
from dashboard.runs.state import cache
from dashboard.runs.state.blocks import Room
from dashboard.runs.state.branches import OPEN_DEPTH, Tree
from dashboard.runs.state.cards import card
from dashboard.runs.state.document import Document, Place
from dashboard.runs.state.messages import conversation, is_conversation
from dashboard.runs.state.parts import crumbs, csv_response, media_response, part_json
from dashboard.runs.state.report import run_report
from dashboard.runs.state.search import state_search
from dashboard.runs.state.seen import seen_html, showable
from dashboard.runs.state.tables import COLUMNS_MAX, is_table, table
from dashboard.runs.state.threads import thread_of, thread_runs
from dashboard.teams.access import member_required
from dashboard.teams.middleware import TeamRequest

WHOLE_TEXT_CHARS = 100_000
NUMBER_MAX = 10**9
DEPTHS = (1, 2, 3, 5, 10)
"""How deep a tree can be asked to be open."""


@never_cache
@vary_on_headers("HX-Request", "Accept")
@member_required
@require_safe
def run_state(request: TeamRequest, run_id: UUID) -> HttpResponseBase:
    """A part of the run's final state."""
    run = selectors.run_with_result(request.team, run_id)
    if run is None:
        raise Http404("There is no such run in your team, or it has no final state.")
    address, back = reverse("run-state", args=[run.pk]), reverse("run-detail", args=[run.pk])
    return state_part_response(request, run, state_document(run.result), address, back=back)


@never_cache
@member_required
@require_safe
def run_markdown(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """The run as Markdown, for a ticket."""
    run = run_or_404(request, run_id)
    url = request.build_absolute_uri(reverse("run-detail", args=[run.pk]))
    headers = {"Content-Disposition": f'attachment; filename="{run.pk}.md"'}
    return HttpResponse(run_report(run, url=url), content_type="text/markdown; charset=utf-8", headers=headers)


@never_cache
@member_required
@require_safe
def thread_detail(request: TeamRequest, server_id: UUID, thread_id: str) -> HttpResponse:
    """All runs of a thread as one conversation."""
    runs = thread_runs(request.team, server_id, thread_id)
    if not runs:
        raise Http404("Your team has no run on this thread.")
    context = {"runs": list(thread_of(runs)), "last": runs[-1], "thread_id": thread_id, "server": runs[-1].server}
    return render(request, "runs/thread.html", context | {"may_act": request.membership.may_launch})


def state_part_response(
    request: HttpRequest,
    run: Run,
    document: Document,
    address: str,
    *,
    back: str,
    name: str = "Final state",
    shell: str = "base.html",
) -> HttpResponseBase:
    """A part of a state as the query asks: a place as JSON, media, CSV, branches of a tree, a fragment, or a page.

    Args:
        address: Where this is served.
        back: The page of the run.
        name: What the whole of it is called.
        shell: The template that its page extends; readers without an account get another one.

    Raises:
        Http404: There is no such place.
    """
    first_byte = _number(request, "at")
    place = document.at(request.GET.get("path", "")) if first_byte is None else document.at_offset(first_byte)
    if place is None:
        raise Http404("The state has nothing at this place.")
    start = _number(request, "start") or 0
    if wants_json(request):
        return HttpResponse(part_json(place, address, start=start), content_type="application/json")
    wanted = request.GET.get("as", "")
    if wanted == "media" and (media := media_response(document, place)) is not None:
        return media
    if wanted == "csv" and is_table(place):
        return csv_response(place, f"{run.pk}.csv")
    if wanted == "value":
        text = place.text() if place.kind == "string" else place.raw.decode("utf-8", "replace")
        return HttpResponse(showable(text), content_type="text/plain; charset=utf-8")
    if wanted == "tree":
        return HttpResponse(Tree(address).branch(place, start))
    context = _part(request, document, place, address, start)
    context |= {
        "run": run,
        "address": address,
        "back": back,
        "crumbs": list(crumbs(document, place, address, name)),
        "shell": shell,
    }
    template = "runs/state/_part.html" if is_htmx(request) else "runs/state/page.html"
    return render(request, template, context)


def _part(request: HttpRequest, document: Document, place: Place, address: str, start: int) -> dict[str, Any]:
    """The context to show a place, by its kind and the query."""
    words = request.GET.get("q", "").replace("\x00", "")
    context: dict[str, Any] = {"place": place, "q": words}
    if words:
        return context | {"found": state_search(document, words, at=start), "title": f"Search for {words}"}
    if request.GET.get("as") == "raw" or place.kind == "string":
        text = place.text(WHOLE_TEXT_CHARS, start)
        end, size = start + len(text), place.size if place.kind == "string" else place.length
        following = end if text and end < size else None
        return context | {"text": seen_html(text), "start": start, "end": end, "size": size, "next_start": following}
    if is_conversation(place):
        room = Room(60_000)
        return context | {"talk": conversation(place, stop=_number(request, "stop"), room=room)}
    if is_table(place):
        chosen = request.GET.getlist("col")[:COLUMNS_MAX]
        found = table(place, start=start, sort=request.GET.get("sort", ""), columns=chosen)
        return context | {"table": found, "choose": "open" if "columns" in request.GET else "folded"}
    if place.is_container:
        depth = min(_number(request, "depth") or 0, DEPTHS[-1])
        tree = Tree(address, exact_depth=depth > 0)
        html = tree.html(place, label="Value", start=start, open_depth=depth or OPEN_DEPTH)
        return context | {"tree": html, "depth": depth, "depths": DEPTHS, "is_all": tree.left > 0}
    return context | {"card": card(place, address=address)}


def state_document(result: cache.Stored) -> Document:
    """A state, ready to be opened.

    Raises:
        Http404: It cannot be opened here.
    """
    if result.size_bytes > cache.OPEN_MAX_BYTES:
        raise Http404("This state is too large to open here; download it.")
    try:
        return cache.document_of(result)
    except ValueError:
        raise Http404("This state is not valid JSON; download it.") from None


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return min(int(text), NUMBER_MAX) if text.isascii() and text.isdigit() and len(text) < 20 else None
