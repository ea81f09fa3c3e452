"""One action on many runs, in the browser: choose, confirm, watch."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.history import bulk
from dashboard.history.filters import RunFilters
from dashboard.history.models import BulkAction, BulkKind
from dashboard.http import go_to, is_htmx, wants_json
from dashboard.runs.labels import TAG_CHARS, tags_of
from dashboard.teams.access import may_act_required, member_required
from dashboard.teams.audit import audit_note, audit_nothing
from dashboard.teams.middleware import TeamRequest

COMPARED = 5
"""The most runs in a comparison."""


@never_cache
@may_act_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_bulk(request: TeamRequest) -> HttpResponse:
    """The actions on all matching runs, and how many there are; POST starts one."""
    filters = RunFilters.from_query(request.GET)
    if request.method == "POST":
        return _begin(request, filters)
    context = {"filters": filters, "count": bulk.matching_count(request.team, filters), "chips": filters.chips()}
    return render(request, "history/bulk.html", context)


def _begin(request: TeamRequest, filters: RunFilters) -> HttpResponse:
    form, errors = request.POST, {}
    action, is_all = form.get("action", ""), form.get("all") in ("1", "true", "on")
    ids = _ids(form.getlist("ids"))
    add, remove = tags_of(form.getlist("add")), tags_of(form.getlist("remove"))
    if action not in (*BulkKind.values, "export", "compare"):
        errors["action"] = ["Choose cancel, tag, launch, delete, export or compare."]
    if action == "compare" and not errors and not (ids and 2 <= len(ids) <= COMPARED):
        errors["ids"] = [f"Choose 2 to {COMPARED} runs to compare."]
    if not is_all and (ids is None or not 0 < len(ids) <= bulk.IDS_MAX):
        errors["ids"] = [f"Name 1 to {bulk.IDS_MAX:,} runs by their ids, or all that match."]
    if is_all and not form.get("count", "").isdecimal():
        errors["count"] = ["Give the number of matching runs, so that no others are included."]
    if action == BulkKind.TAG and (not (add or remove) or any(len(tag) > TAG_CHARS for tag in add)):
        errors["add"] = [f"Give tags to add or remove, of at most {TAG_CHARS} characters."]
    if errors:
        return _refused(request, filters, errors, 422)
    if action == "compare":
        audit_nothing(request)
        url = f"{reverse('run-compare')}?{urlencode([('ids', str(pk)) for pk in ids or []])}"
        return JsonResponse({"url": url}) if wants_json(request) else go_to(request, url)
    if action == "export":
        return _export(request, filters, [] if is_all else ids or [])
    try:
        begun = bulk.bulk_begin(
            team=request.team,
            by=request.user,
            kind=BulkKind(action),
            ids=ids or [],
            filters=filters if is_all else None,
            count=int(form["count"]) if is_all else None,
            add=add,
            remove=remove,
        )
    except bulk.CountChanged as changed:
        sentence = f"{changed.count:,} runs match by now. Check them, then confirm that number."
        return _refused(request, filters, {"count": [sentence]}, 409)
    audit_note(request, f"{action}, {begun.total} run{'' if begun.total == 1 else 's'}: action {begun.pk}")
    url = reverse("bulk-detail", args=[begun.pk])
    if wants_json(request):
        return JsonResponse({"id": str(begun.pk), "url": url, "total": begun.total}, status=202)
    return go_to(request, f"{url}?{filters.to_query()}")


def _export(request: TeamRequest, filters: RunFilters, ids: list[UUID]) -> HttpResponse:
    name = "run-export-jsonl" if request.POST.get("format") == "jsonl" else "run-export-csv"
    url = f"{reverse(name)}?{urlencode([*filters.pairs(), *(('ids', str(pk)) for pk in ids)])}"
    return JsonResponse({"url": url}) if wants_json(request) else go_to(request, url)


def _refused(request: TeamRequest, filters: RunFilters, errors: dict[str, list[str]], status: int) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"errors": errors}, status=status)
    context = {
        "filters": filters,
        "count": bulk.matching_count(request.team, filters),
        "chips": filters.chips(),
        "errors": [sentence for sentences in errors.values() for sentence in sentences],
    }
    return render(request, "history/bulk.html", context, status=status)


def _ids(texts: list[str]) -> list[UUID] | None:
    try:
        return [UUID(text) for text in texts]
    except ValueError:
        return None


@never_cache
@member_required
@require_safe
def bulk_detail(request: TeamRequest, bulk_id: UUID) -> HttpResponse:
    """The progress of the action."""
    found = _get(request, bulk_id)
    if wants_json(request):
        return JsonResponse(
            {
                "id": str(found.pk),
                "action": found.kind,
                "total": found.total,
                "done": found.done,
                "skipped": found.skipped,
                "failed": found.failed,
                "problem": found.problem or None,
                "state": _state(found),
            }
        )
    template = "history/_bulk_progress.html" if is_htmx(request) else "history/bulk_detail.html"
    context = {"bulk": found, "state": _state(found), "may_act": request.membership.may_launch}
    return render(request, template, context | {"query": RunFilters.from_query(request.GET).to_query()})


@may_act_required
@require_POST
def bulk_stop(request: TeamRequest, bulk_id: UUID) -> HttpResponse:
    """Stop the action."""
    found = _get(request, bulk_id)
    bulk.bulk_stop(bulk=found)
    audit_note(request, f"action {found.pk}")
    if wants_json(request):
        return JsonResponse({"id": str(found.pk), "url": reverse("bulk-detail", args=[found.pk])})
    return go_to(request, reverse("bulk-detail", args=[found.pk]))


def _get(request: TeamRequest, bulk_id: UUID) -> BulkAction:
    found = BulkAction.objects.select_related("by").filter(team=request.team, pk=bulk_id).first()
    if found is None:
        raise Http404("There is no such action in your team.")
    return found


def _state(found: BulkAction) -> str:
    if found.stopped_at:
        return "stopped"
    return "done" if found.finished_at else "running"
