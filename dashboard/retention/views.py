"""How long the team keeps its runs, for admins."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dashboard.http import go_to, json_errors, wants_json
from dashboard.retention import selectors
from dashboard.retention.forms import RetentionForm
from dashboard.retention.models import RetentionRule
from dashboard.retention.services import retention_save
from dashboard.teams.access import admin_required
from dashboard.teams.audit import audit_note, audit_nothing
from dashboard.teams.middleware import TeamRequest


@never_cache
@admin_required
@require_http_methods(["GET", "HEAD", "POST"])
def retention(request: TeamRequest) -> HttpResponse:
    """The rules. POST stores them, or with `preview` only shows what they would remove now."""
    rules = selectors.rules_of(request.team)
    if request.method != "POST":
        if wants_json(request):
            return JsonResponse({"rules": [_document(rule) for rule in rules]})
        return _page(request, RetentionForm(None, rules=rules))
    form = RetentionForm(request.POST, rules=rules)
    if not form.is_valid():
        return json_errors(form.errors) if wants_json(request) else _page(request, form, status=422)
    given = form.given(request.team)
    if "preview" in request.POST:
        audit_nothing(request)
        going = selectors.would_go(given)
        if wants_json(request):
            return JsonResponse(
                {status: {"results": each.results, "runs": each.runs} for status, each in going.items()}
            )
        return _page(request, form, going=going)
    retention_save(team=request.team, rules=given)
    audit_note(request, "; ".join(str(rule) for rule in given if rule.results_days or rule.runs_days) or "keep all")
    if wants_json(request):
        return JsonResponse({"rules": [_document(rule) for rule in given]})
    messages.success(request, "Saved. Within ten minutes workers start to remove what is too old.")
    return go_to(request, reverse("retention"))


def _page(
    request: TeamRequest,
    form: RetentionForm,
    *,
    going: dict[str, selectors.WouldGo] | None = None,
    status: int = 200,
) -> HttpResponse:
    rows = [{**row, "going": going.get(row["rule"].status) if going else None} for row in form.rows()]
    context = {"form": form, "rows": rows, "is_preview": going is not None}
    return render(request, "retention/page.html", context, status=status)


def _document(rule: RetentionRule) -> dict[str, Any]:
    return {"status": rule.status, "results_days": rule.results_days, "runs_days": rule.runs_days}
