"""Signing in by link. The password form is Django's own LoginView, see urls.py."""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from dashboard.teams import services


@login_not_required
@never_cache
def sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in by a one-time link; a used or old one leads to the password form with a sentence."""
    if request.method == "HEAD":  # a link preview must not use the link up
        return HttpResponse()
    user = services.sign_in_link_use(token=token)
    if user is None:
        return render(request, "teams/link_used.html", status=410)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("run-list")
