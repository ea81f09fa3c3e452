"""Giving what one person looks after to another, for admins."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dashboard.handover.services import belongings_hand_over, belongings_of
from dashboard.http import go_to, json_errors, wants_json
from dashboard.teams import selectors
from dashboard.teams.access import admin_required
from dashboard.teams.audit import audit_note
from dashboard.teams.middleware import TeamRequest
from dashboard.teams.models import Membership, Role, User

NOBODY = "Choose an active member or admin of the team, and not the same person."


@never_cache
@admin_required
@require_http_methods(["GET", "HEAD", "POST"])
def member_hand_over(request: TeamRequest, user_id: int) -> HttpResponse:
    """What a person looks after; POST gives it to the person with the user name `to`."""
    membership = selectors.team_memberships(request.team).filter(user_id=user_id).first()
    if membership is None:
        raise Http404("There is no such person in your team.")
    person = membership.user
    if request.method != "POST":
        return _page(request, person)
    found = _heirs(request, person).filter(user__username=request.POST.get("to", "")[:150].replace("\x00", "")).first()
    if found is None:
        return json_errors({"to": [NOBODY]}) if wants_json(request) else _page(request, person, error=NOBODY)
    given = belongings_hand_over(team=request.team, person=person, to=found.user, by=request.user)
    what = ", ".join(given.words()) or "nothing"
    audit_note(request, f"from {person.username} to {found.user.username}: {what}")
    if wants_json(request):
        return JsonResponse({"id": person.pk, "to": found.user.pk, **vars(given)})
    messages.success(request, f"Handed over to {found.user}: {what}.")
    return go_to(request, reverse("people"))


def _heirs(request: TeamRequest, person: User) -> QuerySet[Membership]:
    """Who can take over: viewers cannot, since they may not launch."""
    active = selectors.team_memberships(request.team).filter(is_active=True).exclude(role=Role.VIEWER)
    return active.exclude(user=person)


def _page(request: TeamRequest, person: User, *, error: str = "") -> HttpResponse:
    context = {
        "person": person,
        "belongings": belongings_of(request.team, person).words(),
        "heirs": [each.user for each in _heirs(request, person)],
        "error": error,
    }
    return render(request, "handover/page.html", context, status=422 if error else 200)
