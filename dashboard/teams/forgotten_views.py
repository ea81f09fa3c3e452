"""A forgotten password, by mail: the answer is the same and equally quick for every name."""

from __future__ import annotations

from functools import partial

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dashboard.http import client_address, json_errors, refusal, wants_json
from dashboard.teams import mail, password_links
from dashboard.teams.forms import ForgottenForm
from dashboard.teams.throttle import throttle_failed, throttle_wait_s

ABOUT = "forgotten"
TOO_MANY = "Too many attempts from this address. Wait %d s, then try again."
TEXT = """Somebody, perhaps you, has forgotten the password of {name} at Runboard.

This link sets a new one. It works once, for 24 hours:
{url}

If it was not you, do nothing: your password stays as it is.
"""


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password_forgotten(request: HttpRequest) -> HttpResponse:
    """Mail a link to a person who has an address here."""
    if not mail.mail_is_configured():
        raise Http404("This Runboard cannot send mail.")
    form = ForgottenForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        address = client_address(request)
        if wait_s := throttle_wait_s(None, address, about=ABOUT):
            refused = refusal(request, 429, TOO_MANY % wait_s)
            refused.headers["Retry-After"] = str(wait_s)
            return refused
        throttle_failed(None, address, about=ABOUT)
        url = request.build_absolute_uri(reverse("password-reset", args=["TOKEN"]))
        mail.later(partial(_send, form.cleaned_data["name"], url))
        if wants_json(request):
            return JsonResponse({"sent": True}, status=202)
        return render(request, "teams/forgotten.html", {"is_sent": True})
    if request.method == "POST" and wants_json(request):
        return json_errors(form.errors)
    return render(request, "teams/forgotten.html", {"form": form}, status=422 if form.errors else 200)


def _send(name: str, url: str) -> None:
    found = password_links.password_link_by_name(name)
    if found is not None:
        user, token = found
        text = TEXT.format(name=user.username, url=url.replace("TOKEN", token))
        mail.mail_send(to=user.email, subject="A new password for Runboard", text=text)
