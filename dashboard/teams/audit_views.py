"""The audit log, for admins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.exports import csv_line, csv_text, download
from dashboard.http import wants_json
from dashboard.teams import selectors
from dashboard.teams.access import admin_required
from dashboard.teams.audit_words import action_words
from dashboard.teams.middleware import TeamRequest
from dashboard.teams.models import AuditEntry

ROWS = 50
EXPORT_ROWS = 500
COLUMNS = ("at", "by", "action", "object", "from", "token")
FILTERS = ("by", "action", "object")


@never_cache
@admin_required
@require_safe
def audit_list(request: TeamRequest) -> HttpResponse:
    """Who did what to what, newest first."""
    filters = _filters(request)
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
        "query": urlencode(filters),
        "filters": filters,
        "people": selectors.audit_words(request.team, "by"),
        "actions": sorted((action_words(name), name) for name in selectors.audit_words(request.team, "action")),
    }
    return render(request, "teams/audit.html", context)


@never_cache
@admin_required
@require_safe
def audit_export_csv(request: TeamRequest) -> HttpResponseBase:
    """All entries that the filters let through, newest first, as CSV."""
    pieces = ("".join(map(_csv_line, page)) for page in _pages(request))
    return download(chain([csv_line(COLUMNS)], pieces), kind="text/csv", name="audit.csv")


@never_cache
@admin_required
@require_safe
def audit_export_jsonl(request: TeamRequest) -> HttpResponseBase:
    """All entries that the filters let through, newest first, as JSON documents, one a line."""
    pieces = ("".join(json.dumps(document) + "\n" for document in page) for page in _pages(request))
    return download(pieces, kind="application/jsonl", name="audit.jsonl")


def _csv_line(document: dict[str, Any]) -> str:
    return csv_line([csv_text(document[column] or "") for column in COLUMNS])


def _pages(request: TeamRequest) -> Iterator[list[dict[str, Any]]]:
    """A page at a time: however long the log is, a web process holds one page of it."""
    team, filters, before = request.team, _filters(request), None
    while True:
        entries = selectors.audit_page(team, filters, before=before, rows=EXPORT_ROWS)
        yield [_document(entry) for entry in entries[:EXPORT_ROWS]]
        if len(entries) <= EXPORT_ROWS:
            return
        before = entries[EXPORT_ROWS - 1].pk


def _filters(request: TeamRequest) -> dict[str, str]:
    return {name: value for name in FILTERS if (value := request.GET.get(name, "")[:200].replace("\x00", ""))}


def _document(entry: AuditEntry) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat(),
        "by": entry.by,
        "action": entry.action,
        "object": entry.object,
        "from": entry.address,
        "token": entry.token or None,
    }
