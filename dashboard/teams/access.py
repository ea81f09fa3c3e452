"""Who may do what, decided before any template."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase

from dashboard.teams.middleware import TeamRequest

View = Callable[..., HttpResponseBase]


def member_required(view: View) -> View:
    """Only people in a team; others get 403."""

    @wraps(view)
    def guarded(request: TeamRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.membership is None:
            raise PermissionDenied("You do not belong to a team yet. Ask an admin to add you.")
        return view(request, *args, **kwargs)

    return guarded


def people_only(view: View) -> View:
    """Mark a view that tokens cannot use: accounts, and tokens themselves."""
    view.people_only = True  # type: ignore[attr-defined]
    return view


def may_act_required(view: View) -> View:
    """Only people who may launch, cancel and share; viewers get 403."""

    @wraps(view)
    @member_required
    def guarded(request: TeamRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.membership.may_launch:
            raise PermissionDenied("You may read this team's runs, but not launch, cancel or share them.")
        return view(request, *args, **kwargs)

    return guarded


def admin_required(view: View) -> View:
    """Only the team's admins; others get 403."""

    @wraps(view)
    @member_required
    def guarded(request: TeamRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.membership.is_admin:
            raise PermissionDenied("Only an admin of your team may do this.")
        return view(request, *args, **kwargs)

    return guarded
