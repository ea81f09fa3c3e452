"""Signing in with a password: throttled by name and by address, at most two hashes at once."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import method_decorator

from dashboard.http import client_address, is_for_a_program
from dashboard.teams.forms import SignInForm
from dashboard.teams.mail import mail_is_configured
from dashboard.teams.openid.claims import openid_name
from dashboard.teams.passwords import limits_hashing
from dashboard.teams.pending_form import FIELD, typed_carry
from dashboard.teams.throttle import throttle_failed, throttle_succeeded, throttle_wait_s
from dashboard.text import clip

logger = logging.getLogger("dashboard.sign_in")

TOO_MANY = "Too many attempts with this name or from this address. Wait %d s, then try again."


class SignIn(LoginView):
    """Django's own; also passes pending form input on."""

    template_name = "teams/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    @method_decorator(login_not_required)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return super().dispatch(request, *args, **kwargs)
        return limits_hashing(super().dispatch)(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name, address = request.POST.get("username", ""), client_address(request)
        wait_s = throttle_wait_s(name, address)
        if not wait_s:
            return super().post(request, *args, **kwargs)
        logger.warning("sign-in refused for %d s: %r from %s", wait_s, clip(name), address)
        form = SignInForm(request, {"username": name})
        form.errors.clear()
        form.add_error(None, TOO_MANY % wait_s)
        response = self.render_to_response(self.get_context_data(form=form))
        response.status_code = 429
        response.headers["Retry-After"] = str(wait_s)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            FIELD: self.request.POST.get(FIELD, ""),
            "openid_name": openid_name(),
            "sends_mail": mail_is_configured(),
        }

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        throttle_succeeded(self.request.POST.get("username", ""))
        response = super().form_valid(form)
        typed_carry(self.request, self.get_redirect_url() or "")
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        name, address = self.request.POST.get("username", ""), client_address(self.request)
        if name and self.request.POST.get("password"):
            throttle_failed(name, address)
            logger.warning("sign-in failed: %r from %s", clip(name), address)
        response = super().form_invalid(form)
        if is_for_a_program(self.request):
            response.status_code = 422
        return response
