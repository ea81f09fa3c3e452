"""Saved views: filters under a name, as tabs above the list."""

from __future__ import annotations

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.history import services
from dashboard.history.choices import begin_of_team, chosen_for
from dashboard.history.filters import RunFilters
from dashboard.history.models import SavedView
from dashboard.history.selectors import filter_choices
from dashboard.history.tabs import tabs, views_of
from dashboard.http import go_to, json_errors, wants_json
from dashboard.teams.access import member_required
from dashboard.teams.audit import audit_note, refused_back
from dashboard.teams.middleware import TeamRequest

NOT_YOURS = "Only the person who made it and admins can remove a team view."


@never_cache
@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def view_list(request: TeamRequest) -> HttpResponse:
    """The saved views of a person; POST saves another."""
    if request.method == "POST":
        return _save(request)
    views = views_of(request.team, request.user)
    if wants_json(request):
        return JsonResponse({"views": [_document(view) for view in views]})
    chosen = chosen_for(request.team, request.user)
    begins = next((view for view in views if view.pk == chosen.view_id), None)
    names = filter_choices(request.team).names if views else {}
    rows = [(view, [words for words, _ in RunFilters.from_text(view.query).chips(names)]) for view in views]
    context = {"views": rows, "membership": request.membership, "chosen": chosen, "begins": begins}
    return render(request, "history/views.html", context | {"teams_begin": begin_of_team(request.team)})


def _save(request: TeamRequest) -> HttpResponse:
    form = request.POST
    scope = form.get("scope") or "mine"
    if scope == "team" and not request.membership.may_launch:
        return _refused(request, {"scope": ["Viewers can only save views of their own."]}, form.get("query", ""))
    try:
        view = services.view_save(
            team=request.team, by=request.user, name=form.get("name", ""), scope=scope, query=form.get("query", "")
        )
    except services.BadView as error:
        return _refused(request, {error.field: [str(error)]}, form.get("query", ""))
    url = f"{reverse('run-list')}?{view.query}"
    if wants_json(request):
        return JsonResponse({"id": view.pk, "url": url}, status=201)
    return go_to(request, url)


def _refused(request: TeamRequest, errors: dict[str, list[str]], query: str) -> HttpResponse:
    if wants_json(request):
        return json_errors(errors)
    said = " ".join(sentence for sentences in errors.values() for sentence in sentences)
    return refused_back(request, said, f"{reverse('run-list')}?{query}")


@never_cache
@member_required
@require_safe
def view_counts(request: TeamRequest) -> HttpResponse:
    """The tabs with the number of runs in each, fetched after the page."""
    zone = timezone.get_current_timezone_name()
    shown = tabs(request.team, request.user, request.GET.get("current", ""), zone=zone, with_counts=True)
    return render(request, "history/_tabs.html", {"tabs": shown})


@member_required
@require_POST
def view_delete(request: TeamRequest, view_id: int) -> HttpResponse:
    """Remove one's own view; admins may remove the team's, too."""
    view = next((view for view in views_of(request.team, request.user) if view.pk == view_id), None)
    if view is None:
        raise Http404("There is no such view.")
    if not services.view_delete(view=view, membership=request.membership):
        if wants_json(request):
            return JsonResponse({"error": NOT_YOURS}, status=403)
        return refused_back(request, NOT_YOURS, reverse("view-list"))
    audit_note(request, view.name)
    if wants_json(request):
        return JsonResponse({"id": view_id})
    return go_to(request, reverse("view-list"))


def _document(view: SavedView) -> dict[str, object]:
    url = f"{reverse('run-list')}?{view.query}"
    return {"id": view.pk, "name": view.name, "scope": view.scope, "query": view.query, "url": url}
