"""The page of a link to several runs."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from dashboard.http import wants_json
from dashboard.sharing.models import RunSet, ShareLink
from dashboard.sharing.sets.shown import set_context, set_documents


def set_page(request: HttpRequest, link: ShareLink, run_set: RunSet) -> HttpResponse:
    """The runs of a link, side by side or in a list."""
    before, page = request.GET.get("before", ""), reverse("share-page", args=[link.token])
    if wants_json(request):
        runs, older = set_documents(link, run_set, before=before)
        following = f"{page}?{urlencode({'before': older})}" if older else None
        return JsonResponse({"name": run_set.name, "kind": run_set.kind, "runs": runs, "next": following})
    context = set_context(link, run_set, before=before) | {
        "page_url": page,
        "live_url": reverse("share-live", args=[link.token]),
        # A frozen list does not change, and further pages of a list stay as they were read.
        "is_final": run_set.is_frozen or bool(before),
    }
    return render(request, "sharing/sets/page.html", context)
