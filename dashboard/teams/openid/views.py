"""Sign-in with an OpenID Connect provider: to it, and back. Without a provider these addresses do not exist."""

from __future__ import annotations

import logging
import time
from threading import BoundedSemaphore
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from dashboard.env import OpenID
from dashboard.http import client_address, refusal
from dashboard.teams import people, selectors
from dashboard.teams.access import people_only
from dashboard.teams.audit import audit_write
from dashboard.teams.middleware import TeamRequest
from dashboard.teams.models import Role, User
from dashboard.teams.openid.claims import Claims, openid, roles_of
from dashboard.teams.openid.people import AccountClosed, groups_apply, person_connect, person_find, person_make
from dashboard.text import clip

if TYPE_CHECKING:
    from types import ModuleType

logger = logging.getLogger("dashboard.sign_in")

_turns = BoundedSemaphore(4)
"""A provider that does not answer must not take every thread and database connection with it."""

STRANGERS_S = 900
"""The lifetime of a session that only leads to the provider: anybody can begin many."""
BUSY = "Many people are signing in right now. Wait a moment and try again."
NOT_REACHED = (
    "%s does not answer as it should. Try again in a moment; your administrator finds the reason in Runboard's log."
)
NOT_BEGUN = "You began in another browser, or too long ago. Begin again."
NOT_SIGNED_IN = "%s did not sign you in."
CONNECT = "Sign in to %s next. From then on you can sign in here with it, too."
CONNECTING, CONNECTING_S = "openid_connect", 600
ANOTHERS = "Your identity at %s belongs to another account here. Sign in with that one, or ask an admin."
CLOSED = "This account is closed. Ask an admin of your team to open it again."
NO_TEAM = (
    "%s knows you, but you are in no team here, and none of your groups leads to one. Ask those who manage the groups "
    "there to add you to one, or an admin of your team for an invitation."
)


@login_not_required
@never_cache
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Lead to the provider."""
    found, provider = _configured()
    following = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(following, {request.get_host()}, require_https=request.is_secure()):
        following = ""
    if not request.user.is_authenticated:
        request.session.set_expiry(STRANGERS_S)
        people.sessions_tidy()
    if not _turns.acquire(timeout=2):
        return refusal(request, 503, BUSY)
    try:
        answer: HttpResponse = provider.begin(request, found, following)
    except provider.ProviderFailed as error:
        logger.warning("the OpenID Connect provider cannot be used: %s", clip(str(error)))
        return _refused(request, 502, NOT_REACHED % found.name)
    finally:
        _turns.release()
    return answer


@login_not_required
@never_cache
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Sign in the person who comes back from the provider, if they may come in."""
    found, provider = _configured()
    state = provider.state_take(request)
    # Some providers forget the state when they refuse somebody, who must still see why.
    if "code" not in request.GET and (state is not None or "error" in request.GET):
        return _refused(request, 403, NOT_SIGNED_IN % found.name)
    if state is None:
        return _refused(request, 400, NOT_BEGUN)
    if not _turns.acquire(timeout=2):
        return refusal(request, 503, BUSY)
    try:
        claims = provider.finish(request, found, state)
    except provider.ProviderFailed as error:
        logger.warning("sign-in with OpenID Connect failed, from %s: %s", client_address(request), clip(str(error)))
        return _refused(request, 502, NOT_REACHED % found.name)
    finally:
        _turns.release()
    return _take_in(request, found, claims, str(state.get("next") or ""))


@never_cache
@require_POST
@people_only
def connect(request: TeamRequest) -> HttpResponse:
    """Begin to connect this account with one at the provider.

    A page with a link, and no redirect: by the Content-Security-Policy a form may lead nowhere else.
    """
    found, _ = _configured()
    request.session[CONNECTING] = [request.user.pk, time.time()]
    link = f"{reverse('openid-start')}?next={reverse('profile')}"
    return refusal(
        request, 200, CONNECT % found.name, title="Connect accounts", link=link, link_label=f"Continue to {found.name}"
    )


def _is_connecting(request: HttpRequest) -> bool:
    """Whether the person began this in the same session a moment ago. True once."""
    who, at = request.session.pop(CONNECTING, None) or (None, 0.0)
    return who is not None and who == request.user.pk and time.time() - at < CONNECTING_S


def _connected(request: HttpRequest, found: OpenID, claims: Claims) -> HttpResponse:
    assert isinstance(request.user, User)
    if not person_connect(request.user, claims):
        return refusal(
            request, 409, ANOTHERS % found.name, title="Not connected", link=reverse("profile"), link_label="Profile"
        )
    if membership := selectors.membership_of(request.user):
        said = f"{request.user.username}, with {found.issuer}"
        audit_write(team=membership.team, by=request.user, action="openid-connect", object=said, request=request)
    messages.success(request, f"You can sign in with {found.name} from now on.")
    return redirect("profile")


def _take_in(request: HttpRequest, found: OpenID, claims: Claims, following: str) -> HttpResponse:
    if _is_connecting(request):
        return _connected(request, found, claims)
    roles = roles_of(claims, found)
    try:
        user = _person(claims, roles, following)
    except AccountClosed:
        logger.warning("sign-in refused, the account is closed: %s", clip(claims.username))
        return _refused(request, 403, CLOSED)
    if user is not None:
        for team, said in groups_apply(user, roles):
            audit_write(team=team, by=user, action="groups", object=said, request=request)
    if user is None or (selectors.membership_of(user) is None and not _is_invited(following)):
        if user is not None:
            people.sessions_end(user=user)
        logger.warning("sign-in refused, in no team: %s", clip(claims.username))
        return _refused(request, 403, NO_TEAM % found.name)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect(following or "run-list")


def _person(claims: Claims, roles: dict[str, Role], following: str) -> User | None:
    """The person; makes an account only for somebody who belongs to a team."""
    known = person_find(claims)
    return person_make(claims) if known is None and (roles or _is_invited(following)) else known


def _is_invited(following: str) -> bool:
    """Whether the sign-in leads to a working invitation."""
    try:
        match = resolve(urlsplit(following).path)
    except Resolver404:
        return False
    return match.url_name == "join" and selectors.invitation_open(match.kwargs["token"]) is not None


def _configured() -> tuple[OpenID, ModuleType]:
    """The provider and the protocol, which is loaded only with a provider."""
    found = openid()
    if found is None:
        raise Http404("No OpenID Connect provider is configured.")
    from dashboard.teams.openid import provider

    return found, provider


def _refused(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
    return refusal(
        request, status, sentence, title="You are not signed in", link=reverse("login"), link_label="Sign in"
    )
