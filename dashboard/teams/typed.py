"""What was typed into a form whose sender turned out to be signed out: it comes back once they have signed in.

It waits in the sign-in form itself, so that nothing of strangers is kept here, and then in the session, encrypted,
because it may hold secrets. Showing it again does nothing: it has to be sent again.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from dashboard.teams.encryption import SecretUnreadable, secrets_decrypt, secrets_encrypt
from dashboard.teams.forms import SignInForm

FIELD = "typed"
NOT_TYPED = {"csrfmiddlewaretoken"}


def sign_in_and_keep(request: HttpRequest) -> HttpResponse:
    """The sign-in form in place of the answer to a POST, with what was sent inside; 401."""
    typed = request.POST.copy()
    for name in NOT_TYPED:
        typed.pop(name, None)
    context = {
        "form": SignInForm(request),
        "next": request.path,
        FIELD: typed.urlencode(),
        "was_signed_out": True,
    }
    return render(request, "teams/login.html", context, status=401)


def typed_take(request: HttpRequest, path: str) -> QueryDict | None:
    """What was typed into the form at `path` before its sender signed in, once."""
    kept = request.session.pop(_key(path), None)
    if kept is None:
        return None
    try:
        return QueryDict(secrets_decrypt(kept.encode())[FIELD])
    except SecretUnreadable:  # the keys were changed meanwhile
        return None


def _key(path: str) -> str:
    return f"typed {path}"


class SignIn(LoginView):
    """Django's own, and what was typed goes on to where it was typed."""

    template_name = "teams/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {FIELD: self.request.POST.get(FIELD, "")}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        if typed := self.request.POST.get(FIELD):
            kept = secrets_encrypt({FIELD: typed}).decode()
            self.request.session[_key(self.get_redirect_url() or "")] = kept
        return response
