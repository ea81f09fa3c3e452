"""Signing in by link. The password form is Django's own LoginView, see urls.py."""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

from dashboard.http import refusal
from dashboard.teams import services

LINK_USED = "Sign-in links work once. Restart Runboard for a new one, or sign in with your password."


@login_not_required
@never_cache
def sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in by a one-time link; a used or old one leads to the password form with a sentence."""
    if request.method == "HEAD":  # a link preview must not use the link up
        return HttpResponse()
    user = services.sign_in_link_use(token=token)
    if user is None:
        title = "This sign-in link was used or has expired"
        return refusal(request, 410, LINK_USED, title=title, link=reverse("login"), link_label="Sign in")
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("run-list")
