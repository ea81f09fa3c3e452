"""A person's own pages: profile, password, sessions, and tokens for programs."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.http import go_to, json_errors, wants_json
from dashboard.teams import api_tokens, people, selectors, services
from dashboard.teams.access import member_required, people_only
from dashboard.teams.audit import audit_note
from dashboard.teams.forms import PasswordForm, ProfileForm, TokenForm
from dashboard.teams.middleware import TeamRequest
from dashboard.teams.models import ApiToken, Role, Scope
from dashboard.teams.openid.claims import openid_name
from dashboard.teams.passwords import limits_hashing
from dashboard.teams.time_zones import time_zones
from dashboard.teams.user_agents import browser_words


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@people_only
def profile(request: TeamRequest) -> HttpResponse:
    """A person's name, time zone and theme; POST changes them."""
    user = request.user
    if request.method != "POST":
        initial = {"full_name": user.get_full_name(), "time_zone": user.time_zone, "theme": user.theme}
        return _profile_page(request, profile=ProfileForm(initial=initial))
    form = ProfileForm(request.POST)
    if not form.is_valid():
        return json_errors(form.errors) if wants_json(request) else _profile_page(request, profile=form, status=422)
    services.profile_change(user=user, **form.cleaned_data)
    if wants_json(request):
        return JsonResponse({"id": user.pk, "url": reverse("profile")})
    messages.success(request, "Saved.")
    return go_to(request, reverse("profile"))


@never_cache
@require_POST
@people_only
@limits_hashing
def password_change(request: TeamRequest) -> HttpResponse:
    """Set a new password, and sign out everywhere else."""
    form = PasswordForm(request.POST, user=request.user)
    if not form.is_valid():
        return json_errors(form.errors) if wants_json(request) else _profile_page(request, password=form, status=422)
    services.password_set(user=request.user, password=form.cleaned_data["new_password"])
    update_session_auth_hash(request, request.user)
    people.sessions_end(user=request.user, except_key=request.session.session_key)
    if wants_json(request):
        return JsonResponse({"id": request.user.pk, "url": reverse("profile")})
    messages.success(request, "Your password is changed. You are signed out everywhere else.")
    return go_to(request, reverse("profile"))


@require_POST
@people_only
def session_end(request: TeamRequest, name: str) -> HttpResponse:
    """End another session."""
    ended = [key for key, _ in people.sessions_of(request.user) if _session_name(key) == name]
    if not ended:
        raise Http404("There is no such session.")
    services.session_end(key=ended[0])
    if wants_json(request):
        return JsonResponse({"id": name, "ended": True})
    messages.success(request, "That session has ended.")
    return go_to(request, reverse("profile"))


@never_cache
@member_required
@require_http_methods(["GET", "HEAD", "POST"])
@people_only
def token_list(request: TeamRequest) -> HttpResponse:
    """The person's tokens, or everybody's for admins; POST makes one and shows it, once."""
    if request.method != "POST":
        if wants_json(request):
            return JsonResponse({"tokens": [_token_document(token) for token in _tokens(request)]})
        return _token_page(request, TokenForm())
    form = TokenForm(request.POST)
    if form.is_valid():
        given = {name: form.cleaned_data[name] for name in ("name", "scopes")} | {"lifetime": form.lifetime()}
        if not form.cleaned_data["service"]:
            made, text = api_tokens.token_make(team=request.team, user=request.user, **given)
        elif request.membership.is_admin:
            made, text = api_tokens.service_token_make(team=request.team, by=request.user, **given)
        else:
            raise PermissionDenied("Only admins make tokens that belong to the team.")
        kind = "service " if made.user.is_service else ""
        audit_note(request, f"{kind}{made.name}: {', '.join(made.scopes)}")
        if wants_json(request):
            document = _token_document(made) | {"url": reverse("token-list"), "token": text}
            return JsonResponse(document, status=201)
        return _token_page(request, TokenForm(), new_token=text, new_name=made.name)
    return json_errors(form.errors) if wants_json(request) else _token_page(request, form, status=422)


@member_required
@require_POST
@people_only
def token_revoke(request: TeamRequest, token_id: UUID) -> HttpResponse:
    """Make a token stop working at once. Doing it twice changes nothing."""
    revoked = api_tokens.token_revoke(team=request.team, token_id=token_id, by=request.membership)
    if revoked is None:
        raise Http404("There is no such token.")
    audit_note(request, f"{revoked.name}, of {revoked.user.username}")
    if wants_json(request):
        return JsonResponse({"id": str(token_id), "revoked": True})
    messages.success(request, "The token is revoked.")
    return go_to(request, reverse("token-list"))


def _tokens(request: TeamRequest) -> list[ApiToken]:
    return list(selectors.token_list(request.team, request.user, everybodys=request.membership.is_admin))


def _token_document(token: ApiToken) -> dict[str, Any]:
    moments = ("created_at", "expires_at", "last_used_at", "revoked_at")
    return {
        "id": str(token.pk),
        "name": token.name,
        "by": token.user.username,
        "service": token.user.is_service,
        "made_by": token.created_by.username if token.created_by else None,
        "hint": token.hint,
        "scopes": token.scopes,
        **{name: moment.isoformat() if (moment := getattr(token, name)) else None for name in moments},
    }


def _token_page(request: TeamRequest, form: TokenForm, *, status: int = 200, **more: str) -> HttpResponse:
    form.offer(api_tokens.scopes_for(Role(request.membership.role)))
    context = {
        "tokens": _tokens(request),
        "form": form,
        "is_admin": request.membership.is_admin,
        "scopes": Scope.choices,
    }
    return render(request, "teams/tokens.html", context | more, status=status)


def _profile_page(
    request: TeamRequest,
    *,
    profile: ProfileForm | None = None,
    password: PasswordForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user = request.user
    initial = {"full_name": user.get_full_name(), "time_zone": user.time_zone, "theme": user.theme}
    context = {
        "form": profile or ProfileForm(initial=initial),
        "password": password or PasswordForm(user=user),
        "sessions": [
            {
                "name": _session_name(key),
                "is_this": key == request.session.session_key,
                "about": (about := session.get_decoded().get(services.SESSION_ABOUT, {})),
                "browser": browser_words(about.get("agent", "")),
                "ends": session.expire_date,
            }
            for key, session in people.sessions_of(user)
        ],
        "memberships": selectors.person_memberships(user),
        "time_zones": sorted(time_zones()),
        "roles": Role,
        "openid_name": openid_name(),
        "is_connected": bool(openid_name()) and user.identities.exists(),
    }
    return render(request, "teams/profile.html", context, status=status)


def _session_name(key: str) -> str:
    """A session's name on a page: its key would sign anybody in."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]
