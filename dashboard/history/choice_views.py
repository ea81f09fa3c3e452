"""Choosing the columns of one's runs page, and its first view."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.history.choices import begin_choose, chosen_for, columns_choose
from dashboard.history.columns import COLUMNS, MOST, RECENT, USUAL, columns_named, columns_of, fields_suggested
from dashboard.history.filters import RunFilters
from dashboard.history.models import SavedView, Scope
from dashboard.history.selectors import run_page
from dashboard.history.tabs import views_of
from dashboard.http import go_to, json_errors, wants_json
from dashboard.teams.access import member_required
from dashboard.teams.audit import audit_nothing, refused_back
from dashboard.teams.middleware import TeamRequest

NONE = "none"
ALL = "all"


@never_cache
@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def view_columns(request: TeamRequest) -> HttpResponse:
    """The columns of one's own runs page; POST chooses them in their order: `column` repeated, `fields` one a line."""
    if request.method == "POST":
        return _choose(request)
    keys = [column.key for column in chosen_for(request.team, request.user).columns] or list(USUAL)
    if wants_json(request):
        return JsonResponse({"columns": keys, "suggested": _suggested(request)})
    return _page(request, keys)


def _choose(request: TeamRequest) -> HttpResponse:
    form = request.POST
    typed = [line.strip() for line in form.get("fields", "").splitlines() if line.strip()]
    keys = list(USUAL) if "usual" in form else list(dict.fromkeys([*form.getlist("column"), *typed]))
    errors: dict[str, list[str]] = {}
    known = {column.key for column in columns_of(keys)} or set(USUAL)
    if wrong := [key for key in typed if not columns_of([key])]:
        errors["fields"] = [f"A field is a path such as input.topic or result.answer: “{wrong[0][:60]}” is none."]
    elif len(keys) > MOST:
        errors["column"] = [f"Choose at most {MOST} columns."]
    elif unknown := [key for key in keys if key not in known]:
        errors["column"] = [f"There is no column “{unknown[0][:60]}”."]
    moved = form.get("up") or form.get("down")
    if moved in keys and not errors:
        audit_nothing(request)
        return _page(request, _moved(keys, moved, -1 if "up" in form else 1), moved=moved)
    if errors:
        return json_errors(errors) if wants_json(request) else _page(request, keys, errors=errors, status=422)
    columns_choose(team=request.team, user=request.user, keys=keys)
    if wants_json(request):
        return JsonResponse({"columns": keys or list(USUAL)})
    return go_to(request, reverse("run-list"))


def _suggested(request: TeamRequest) -> list[str]:
    """Fields of the team's last runs."""
    return fields_suggested(run_page(request.team, RunFilters(), rows=RECENT).runs)


def _moved(keys: list[str], key: str, by: int) -> list[str]:
    """The keys after one of them has moved up or down a place."""
    rest = [other for other in keys if other != key]
    rest.insert(max(0, keys.index(key) + by), key)
    return rest


def _page(
    request: TeamRequest,
    keys: list[str],
    *,
    moved: str = "",
    errors: dict[str, list[str]] | None = None,
    status: int = 200,
) -> HttpResponse:
    """`moved`: the column whose buttons were used last, and keep the focus."""
    suggested = _suggested(request)
    context = {
        "shown": columns_named(keys),
        "columns": [column for column in COLUMNS.values() if column.key not in keys],
        "suggested": [path for path in suggested if path not in keys],
        "fields": request.POST.get("fields", "") if errors else "",
        "moved": moved,
        "went_up": "up" in request.POST,
        "most": MOST,
        "errors": errors or {},
    }
    return render(request, "history/columns.html", context, status=status)


@member_required
@require_POST
def view_default(request: TeamRequest) -> HttpResponse:
    """The first view of the runs page: `view` is an id, `all`, or `none` (the team's choice); `scope` mine or team."""
    named, scope = request.POST.get("view", ""), request.POST.get("scope") or Scope.MINE
    if scope not in Scope.values:
        return json_errors({"scope": ["Choose mine or team."]})
    if not named:
        return json_errors({"view": ["Name a view, all, or none."]})
    if scope == Scope.TEAM and not request.membership.is_admin:
        raise PermissionDenied("Admins choose what the page of the team begins with.")
    view = None if named in (ALL, NONE) else _view(request, named)
    user = None if scope == Scope.TEAM else request.user
    if not begin_choose(team=request.team, user=user, view=view, all_runs=named == ALL):
        sentence = "Only you have this view: save it for the whole team first."
        if wants_json(request):
            return json_errors({"view": [sentence]})
        return refused_back(request, sentence, reverse("view-list"))
    if wants_json(request):
        return JsonResponse({"view": view.pk if view else None, "scope": scope})
    return go_to(request, reverse("view-list"))


def _view(request: TeamRequest, named: str) -> SavedView:
    for view in views_of(request.team, request.user):
        if str(view.pk) == named:
            return view
    raise Http404("There is no such view.")
