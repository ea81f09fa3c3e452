"""Signing in with a password."""

from __future__ import annotations

from django.contrib.auth.forms import AuthenticationForm


class SignInForm(AuthenticationForm):
    """Django's own, in our words."""

    error_messages = {
        "invalid_login": "User name and password do not belong together. Mind upper and lower case in both.",
        "inactive": "This account is closed. Ask an admin to open it again.",
    }
