"""Setting a password without the old one, by a link that an admin made."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.http import go_to, json_errors, refusal, wants_json
from dashboard.teams import password_links, selectors
from dashboard.teams.access import admin_required, people_only
from dashboard.teams.audit import audit_note, audit_write
from dashboard.teams.forms import NewPasswordForm
from dashboard.teams.middleware import TeamRequest
from dashboard.teams.passwords import limits_hashing
from dashboard.teams.people_views import people_page

NO_LINK = (
    "It was used, has expired, was replaced by a newer one, or part of it is missing. Ask the sender for a new one."
)


@never_cache
@admin_required
@require_POST
@people_only
def member_password_link(request: TeamRequest, user_id: int) -> HttpResponse:
    """Make a link by which a person of the team sets a new password, and show it, once."""
    membership = selectors.team_memberships(request.team).filter(user_id=user_id, is_active=True).first()
    if membership is None:
        raise Http404("There is no such person in your team, or they are deactivated.")
    person = membership.user
    audit_note(request, f"password link for {person.username}")
    try:
        token = password_links.password_link_make(user=person, team=request.team, by=request.user)
    except password_links.InSeveralTeams as error:
        if wants_json(request):
            return JsonResponse({"errors": {"user": [str(error)]}}, status=409)
        return people_page(request, problem=str(error), status=409)
    url = request.build_absolute_uri(reverse("password-reset", args=[token]))
    if wants_json(request):
        return JsonResponse({"id": person.pk, "url": url}, status=201)
    label = f"Link for {person} to set a new password, once, within 24 hours"
    return people_page(request, new_url=url, new_label=label)


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limits_hashing
def password_reset(request: HttpRequest, token: str) -> HttpResponse:
    """Set a new password by link."""
    link = password_links.password_link_open(token)
    if link is None:
        return _no_link(request)
    form = NewPasswordForm(request.POST if request.method == "POST" else None, user=link.user)
    if request.method != "POST" or not form.is_valid():
        if request.method == "POST" and wants_json(request):
            return json_errors(form.errors)
        context = {"form": form, "person": link.user}
        return render(request, "teams/password_reset.html", context, status=422 if form.errors else 200)
    if not password_links.password_link_use(link=link, password=form.cleaned_data["new_password"]):
        return _no_link(request)
    membership = selectors.membership_of(link.user)
    team = link.team or (membership.team if membership else None)
    if team is not None:
        audit_write(team=team, by=link.user, action="password-reset", object=link.user.username, request=request)
    if wants_json(request):
        return JsonResponse({"id": link.user_id, "url": reverse("login")})
    messages.success(request, "Your new password is set. Sign in with it.")
    return go_to(request, reverse("login"))


def _no_link(request: HttpRequest) -> HttpResponse:
    return refusal(request, 404, NO_LINK, title="This link does not work", link="", is_private="yes")
