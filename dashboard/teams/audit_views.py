"""The audit log, for admins."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.http import wants_json
from dashboard.teams import selectors
from dashboard.teams.access import admin_required
from dashboard.teams.middleware import TeamRequest
from dashboard.teams.models import AuditEntry

ROWS = 50
FILTERS = ("by", "action", "object")


@never_cache
@admin_required
@require_safe
def audit_list(request: TeamRequest) -> HttpResponse:
    """Who did what to what, newest first."""
    filters = {name: value for name in FILTERS if (value := request.GET.get(name, "")[:200].replace("\x00", ""))}
    before = request.GET.get("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    entries = selectors.audit_page(request.team, filters, before=number, rows=ROWS)
    older = ""
    if len(entries) > ROWS:
        entries = entries[:ROWS]
        older = f"{reverse('audit')}?{urlencode({**filters, 'before': entries[-1].pk})}"
    if wants_json(request):
        return JsonResponse({"entries": [_document(entry) for entry in entries], "next": older or None})
    context = {
        "entries": entries,
        "older": older,
        "filters": filters,
        "people": selectors.audit_words(request.team, "by"),
        "actions": selectors.audit_words(request.team, "action"),
    }
    return render(request, "teams/audit.html", context)


def _document(entry: AuditEntry) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat(),
        "by": entry.by,
        "action": entry.action,
        "object": entry.object,
        "from": entry.address,
        "token": entry.token or None,
    }
