"""The audit log: who did what to what, from where. Every change over HTTP gets an entry automatically."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from dashboard.http import client_address, go_to
from dashboard.teams.models import ApiToken, AuditEntry, Team, User
from dashboard.teams.people import sessions_tidy
from dashboard.teams.selectors import membership_of
from dashboard.teams.services import SESSION_ABOUT
from dashboard.text import clip

logger = logging.getLogger(__name__)

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
OWN = {"login", "logout", "sign-in", "openid-connect"}
"""Recorded by `_signed_in` and its like."""


def audit_note(request: HttpRequest, text: str) -> None:
    """Describe what was done, for the entry of this request: "ada, now admin"."""
    request.audit_object = text  # type: ignore[attr-defined]


def audit_nothing(request: HttpRequest) -> None:
    """Leave out this request: it changed nothing, or is a POST because of its size."""
    request.audit_nothing = True  # type: ignore[attr-defined]


def refused_back(request: HttpRequest, sentence: str, url: str) -> HttpResponse:
    """Back to a page that says why nothing was done. The log gets no entry, although the response is a redirect."""
    audit_nothing(request)
    messages.error(request, sentence)
    return go_to(request, url)


def audit_write(
    *, team: Team, by: User | None, action: str, object: str, request: HttpRequest, token: ApiToken | None = None
) -> None:
    """Add an entry."""
    AuditEntry.objects.create(
        team_id=team.pk,
        by_id=by.pk if by else None,
        by=by.username if by else "",
        action=action[:100],
        object=object[:500].replace("\x00", ""),
        address=client_address(request),
        token=token.name if token else "",
    )


def audit_request(request: HttpRequest, response: HttpResponse) -> None:
    """Add the entry of a request that changed something.

    The change stands, whatever happens to its entry: one that Postgres refuses goes to the server's log instead.
    """
    match = request.resolver_match
    team: Team | None = getattr(request, "team", None)
    if match is None or team is None or request.method in SAFE or response.status_code >= 400:
        return
    if match.url_name in OWN or getattr(request, "audit_nothing", False):
        return
    user = request.user if isinstance(request.user, User) else None
    token: ApiToken | None = getattr(request, "token", None)
    action, about = match.url_name or match.route, _object(request, response, match.kwargs)
    try:
        audit_write(team=team, by=user, action=action, object=about, request=request, token=token)
    except DatabaseError as error:
        logger.error(
            "An entry of the audit log could not be written: %s %s, team %s, by %s, from %s (%s)",
            action,
            about,
            team,
            user or (token.name if token else "nobody signed in"),
            client_address(request),
            type(error).__name__,
        )


def _object(request: HttpRequest, response: HttpResponse, kwargs: dict[str, Any]) -> str:
    """The object of the change: in the view's words, else its ids, else the address it leads to."""
    if noted := getattr(request, "audit_object", ""):
        return str(noted)
    if kwargs:
        return " ".join(str(value) for value in kwargs.values())
    made = response.headers.get("Location") or response.headers.get("HX-Redirect") or ""
    return urlsplit(made).path or request.path


def _signed_in(sender: object, request: HttpRequest, user: User, **_: Any) -> None:
    request.session[SESSION_ABOUT] = {
        "address": client_address(request),
        "agent": clip(request.headers.get("User-Agent", "")),
        "at": timezone.now().isoformat(),
    }
    request.session.set_expiry(None)  # a stranger's session that led to a provider was short
    sessions_tidy()
    _of_account(request, user, "login")


def _signed_out(sender: object, request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        _of_account(request, user, "logout")


def _of_account(request: HttpRequest, user: User, action: str) -> None:
    membership = membership_of(user)
    if membership is not None:
        audit_write(team=membership.team, by=user, action=action, object=user.username, request=request)


def connect() -> None:
    """Record who signs in and out."""
    user_logged_in.connect(_signed_in, dispatch_uid="audit")
    user_logged_out.connect(_signed_out, dispatch_uid="audit")
