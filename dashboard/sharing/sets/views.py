"""One run of a link to several: the same pages as for a link to it alone, below the link's address."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from dashboard.runs.models import Run
from dashboard.sharing.models import ShareLink
from dashboard.sharing.pages import share_live_html
from dashboard.sharing.sets.selectors import set_run
from dashboard.sharing.views import going_on, gone, private, result_answer, run_page, state_answer


@login_not_required
@never_cache
@require_safe
def share_run(request: HttpRequest, token: str, run_id: UUID) -> HttpResponseBase:
    """One of the runs, read only."""
    found = _found(request, token, run_id)
    if found is None:
        return gone(request)
    link, run = found
    live = reverse("share-run-live", args=[token, run_id])
    return private(run_page(request, link, run, page=reverse("share-run", args=[token, run_id]), live=live))


@login_not_required
@never_cache
@require_safe
def share_run_live(request: HttpRequest, token: str, run_id: UUID) -> HttpResponse:
    """The parts of its page that change."""
    found = _found(request, token, run_id)
    return gone(request) if found is None else private(HttpResponse(share_live_html(*found)))


@login_not_required
@never_cache
@require_safe
def share_run_result(request: HttpRequest, token: str, run_id: UUID) -> HttpResponseBase:
    """Its final state, as far as it is shown."""
    found = _found(request, token, run_id)
    return gone(request) if found is None else result_answer(request, *found)


@login_not_required
@never_cache
@vary_on_headers("HX-Request", "Accept")
@require_safe
def share_run_state(request: HttpRequest, token: str, run_id: UUID) -> HttpResponseBase:
    """A part of its final state, as far as that is shown."""
    found = _found(request, token, run_id)
    if found is None:
        return gone(request)
    return state_answer(request, *found, back=reverse("share-run", args=[token, run_id]))


def _found(request: HttpRequest, token: str, run_id: UUID) -> tuple[ShareLink, Run] | None:
    """The link and its run; None if the link does not work or does not show the run."""
    link = going_on(request, token)
    run = set_run(link, run_id) if link is not None else None
    return (link, run) if link is not None and run is not None else None
