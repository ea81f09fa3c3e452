"""Who is in a team, and joining, leaving and switching teams."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.http import go_to, json_errors, refusal, wants_json
from dashboard.teams import mail, people, selectors
from dashboard.teams.access import admin_required, member_required, people_only
from dashboard.teams.audit import audit_note, audit_write
from dashboard.teams.forms import InviteForm, JoinForm, MailedInviteForm, MemberForm, TeamForm
from dashboard.teams.middleware import TeamRequest
from dashboard.teams.models import Invitation, Role, User
from dashboard.teams.passwords import limits_hashing
from dashboard.text import clip

NO_INVITATION = (
    "It was used or revoked, has expired, or part of it is missing. If you used it yourself, sign in. Otherwise ask "
    "the sender for a new one."
)
IN_TEAM = "You are in this team already."
INVITED = """{by} invites you to the team {team} at Runboard, as {role}.

This link works once, for seven days:
{url}
"""

logger = logging.getLogger(__name__)


@never_cache
@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def people_list(request: TeamRequest) -> HttpResponseBase:
    """Everybody in the team, and for admins its invitations; POST invites."""
    if request.method == "POST":
        return invitation_create(request)
    if wants_json(request):
        return JsonResponse({"people": [_document(m) for m in selectors.team_memberships(request.team)]})
    return people_page(request)


@never_cache
@admin_required
@require_POST
def invitation_create(request: TeamRequest) -> HttpResponse:
    """Make a link by which one person joins, and show it, once."""
    form = _invite_form()(request.POST)
    if not form.is_valid():
        return json_errors(form.errors) if wants_json(request) else people_page(request, form=form, status=422)
    role, email = Role(form.cleaned_data["role"]), form.cleaned_data.get("email", "")
    made, token = people.invitation_create(
        team=request.team, by=request.user, role=role, note=form.cleaned_data["note"], email=email
    )
    audit_note(request, f"invitation {made.pk}, {role}" + (f", sent to {email}" if email else ""))
    url = request.build_absolute_uri(reverse("join", args=[token]))
    if email:
        return _invitation_sent(request, form, made, url)
    if wants_json(request):
        return JsonResponse({"id": made.pk, "url": url}, status=201)
    return people_page(request, new_url=url, new_label=f"Link for one new {role.label}")


def _invitation_sent(request: TeamRequest, form: InviteForm, made: Invitation, url: str) -> HttpResponse:
    """Mail it. Only the owner of that address gets the link, so using it proves the address."""
    text = INVITED.format(by=request.user, team=request.team.name, role=made.role, url=url)
    try:
        mail.mail_send(to=made.email, subject=f"Join {clip(request.team.name)} at Runboard", text=text)
    except mail.MailFailed:
        logger.warning("an invitation could not be sent", exc_info=True)
        people.invitation_revoke(team=request.team, invitation_id=made.pk)
        form.add_error("email", "The mail server did not accept the mail. Try again.")
        return json_errors(form.errors) if wants_json(request) else people_page(request, form=form, status=422)
    if wants_json(request):
        return JsonResponse({"id": made.pk, "url": None, "sent_to": made.email}, status=201)
    messages.success(request, f"The invitation was sent to {made.email}.")
    return go_to(request, reverse("people"))


@admin_required
@require_POST
def invitation_revoke(request: TeamRequest, invitation_id: int) -> HttpResponse:
    """Make an invitation stop working. Doing it twice changes nothing."""
    if not people.invitation_revoke(team=request.team, invitation_id=invitation_id):
        raise Http404("There is no such invitation.")
    audit_note(request, f"invitation {invitation_id}")
    if wants_json(request):
        return JsonResponse({"id": invitation_id, "revoked": True})
    messages.success(request, "The invitation no longer works.")
    return go_to(request, reverse("people"))


@admin_required
@require_POST
def member_change(request: TeamRequest, user_id: int) -> HttpResponse:
    """Change a person's role, or let them in or out."""
    form = MemberForm(request.POST)
    if not form.is_valid():
        return json_errors(form.errors) if wants_json(request) else people_page(request, status=422)
    try:
        membership = people.member_change(
            team=request.team, user_id=user_id, role=form.role_given(), active=form.active_given()
        )
    except people.LastAdmin as error:
        return _last_admin(request, error)
    if membership is None:
        raise Http404("There is no such person in your team.")
    state = Role(membership.role).label.lower() if membership.is_active else "deactivated"
    audit_note(request, f"{membership.user.username}, now {state}")
    if wants_json(request):
        return JsonResponse(_document(membership))
    messages.success(request, f"{membership.user} is {state} now.")
    return go_to(request, reverse("people"))


@member_required
@require_POST
@people_only
def team_leave(request: TeamRequest) -> HttpResponse:
    """Leave the team."""
    try:
        left = people.team_leave(team=request.team, user=request.user)
    except people.LastAdmin as error:
        return _last_admin(request, error)
    if wants_json(request):
        return JsonResponse({"left": left})
    messages.success(request, f"You have left {request.team.name}.")
    return go_to(request, reverse("team-list"))


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limits_hashing
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Join a team by invitation: with a new account, or with the one that is signed in."""
    invitation = selectors.invitation_open(token)
    if invitation is None:
        title = "This invitation does not work"
        sign_in = {"link": reverse("login"), "link_label": "Sign in"}
        return refusal(request, 404, NO_INVITATION, title=title, is_private="yes", **sign_in)
    signed_in = request.user if isinstance(request.user, User) else None
    if request.method != "POST":
        return _join_page(request, invitation, JoinForm(), signed_in)
    form = JoinForm(request.POST)
    if signed_in is None and not form.is_valid():
        return json_errors(form.errors) if wants_json(request) else _join_page(request, invitation, form, None, 422)
    user = signed_in or form.person()
    try:
        people.invitation_accept(invitation=invitation, user=user)
    except (people.InvitationUsed, people.AlreadyMember, IntegrityError) as error:
        in_team = isinstance(error, people.AlreadyMember)
        return refusal(request, 409, IN_TEAM if in_team else NO_INVITATION, title="You have not joined")
    if signed_in is None:
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    audit_write(
        team=invitation.team, by=user, action="join", object=f"invitation {invitation.pk}, {invitation.role}",
        request=request,
    )  # fmt: skip
    if wants_json(request):
        return JsonResponse({"id": user.pk, "url": reverse("run-list")}, status=201)
    messages.success(request, f"Welcome to {invitation.team.name}.")
    return go_to(request, reverse("run-list"))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@people_only
def team_list(request: TeamRequest) -> HttpResponse:
    """The person's teams; POST makes another, for admins of one."""
    memberships = list(selectors.person_memberships(request.user))
    may_create = request.user.is_superuser or any(membership.is_admin for membership in memberships)
    form = TeamForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not may_create:
            raise PermissionDenied("Only admins can make teams. Ask one to make it and invite you.")
        if form.is_valid():
            team = people.team_create(name=form.cleaned_data["name"], by=request.user)
            audit_note(request, f"team {team.slug}")
            if wants_json(request):
                return JsonResponse({"id": team.slug, "url": reverse("team-list")}, status=201)
            messages.success(request, f"{team.name} was made; you have switched to it.")
            return go_to(request, reverse("people"))
        if wants_json(request):
            return json_errors(form.errors)
    if wants_json(request):
        teams = [
            {"slug": m.team.slug, "name": m.team.name, "role": m.role, "current": m.team == request.team}
            for m in memberships
        ]
        return JsonResponse({"teams": teams})
    context = {"memberships": memberships, "form": form, "may_create": may_create}
    return render(request, "teams/teams.html", context, status=422 if form.errors else 200)


@require_POST
@people_only
def team_switch(request: TeamRequest, slug: str) -> HttpResponse:
    """Work in another of one's teams."""
    membership = selectors.person_memberships(request.user).filter(team__slug=slug).first()
    if membership is None or not people.team_switch(user=request.user, team=membership.team):
        raise Http404("You do not belong to such a team.")
    if wants_json(request):
        return JsonResponse({"id": slug, "url": reverse("run-list")})
    following = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(following, {request.get_host()}, require_https=request.is_secure())
    return go_to(request, following if safe else reverse("run-list"))


def _document(membership: Any) -> dict[str, Any]:
    user = membership.user
    return {
        "id": user.pk,
        "username": user.username,
        "full_name": user.get_full_name(),
        "role": membership.role,
        "active": membership.is_active,
    }


def _last_admin(request: TeamRequest, error: people.LastAdmin) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"errors": {"role": [str(error)]}}, status=409)
    return people_page(request, problem=str(error), status=409)


def people_page(
    request: TeamRequest, *, form: InviteForm | None = None, status: int = 200, **more: str
) -> HttpResponse:
    """The page People. `more`: `problem`, or `new_url` with `new_label`, which are shown above."""
    is_admin = request.membership.is_admin
    context = {
        "memberships": selectors.team_memberships(request.team),
        "invitations": selectors.invitation_list(request.team) if is_admin else (),
        "form": form or _invite_form()(),
        "roles": Role,
        "is_admin": is_admin,
    }
    return render(request, "teams/people.html", context | more, status=status)


def _invite_form() -> type[InviteForm]:
    return MailedInviteForm if mail.mail_is_configured() else InviteForm


def _join_page(
    request: HttpRequest, invitation: Invitation, form: JoinForm, signed_in: User | None, status: int = 200
) -> HttpResponse:
    context = {"invitation": invitation, "form": form, "signed_in": signed_in}
    return render(request, "teams/join.html", context, status=status)
