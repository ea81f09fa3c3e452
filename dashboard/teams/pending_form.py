"""What was typed into a form that could not be taken: its sender was signed out, or had signed in anew elsewhere.

It comes back, after signing in where that is needed. Until then it waits in the sign-in form itself, so that nothing of
strangers is kept here, and then in the session, encrypted, because it may hold secrets. Showing it again does nothing:
it has to be sent again.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render

from dashboard.teams.encryption import SecretUnreadable, secrets_decrypt, secrets_encrypt
from dashboard.teams.forms import SignInForm

FIELD = "typed"
NOT_TYPED = {"csrfmiddlewaretoken"}


def sign_in_and_keep(request: HttpRequest) -> HttpResponse:
    """The sign-in form in place of the answer to a POST, with what was sent inside; 401."""
    context = {
        "form": SignInForm(request),
        "next": request.path,
        FIELD: _typed(request),
        "was_signed_out": True,
    }
    return render(request, "teams/login.html", context, status=401)


def show_again(request: HttpRequest) -> HttpResponse:
    """Back to the form, with what was sent in it."""
    _keep(request, request.path, _typed(request))
    return redirect(request.path)


def keeps_typed(request: HttpRequest) -> bool:
    """Whether the view that this was sent to shows what was typed again."""
    view = request.resolver_match.func if request.resolver_match else None
    return request.method == "POST" and getattr(view, "keeps_typed", False)


def typed_take(request: HttpRequest, path: str) -> QueryDict | None:
    """What was typed into the form at `path` and could not be taken, once."""
    kept = request.session.pop(_key(path), None)
    if kept is None:
        return None
    try:
        return QueryDict(secrets_decrypt(kept.encode())[FIELD])
    except SecretUnreadable:  # the keys were changed meanwhile
        return None


def _typed(request: HttpRequest) -> str:
    typed = request.POST.copy()
    for name in NOT_TYPED:
        typed.pop(name, None)
    return typed.urlencode()


def _keep(request: HttpRequest, path: str, typed: str) -> None:
    request.session[_key(path)] = secrets_encrypt({FIELD: typed}).decode()


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
            _keep(self.request, self.get_redirect_url() or "", typed)
        return response
