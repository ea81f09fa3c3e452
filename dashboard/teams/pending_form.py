"""Keeps form input that could not be accepted: its sender was signed out, or had signed in again elsewhere.

It comes back after the sign-in. Until then it waits in the sign-in form itself, so that nothing of
strangers is kept here, and then in the session, encrypted, because it may hold secrets. Showing it again does nothing:
it has to be sent again.
"""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render

from dashboard.teams.encryption import SecretUnreadable, secrets_decrypt, secrets_encrypt
from dashboard.teams.forms import SignInForm
from dashboard.teams.openid.claims import openid_name

FIELD = "typed"
NOT_TYPED = {"csrfmiddlewaretoken"}
COMES_BACK_CHARS = 100_000
PACKED_CHARS = 48_000
"""Fits into what strangers may send."""


def sign_in_and_keep(request: HttpRequest) -> HttpResponse:
    """The sign-in form in answer to a POST, with its fields inside; 401."""
    typed = _pack(_typed(request))
    context = {
        "form": SignInForm(request),
        "next": request.path,
        FIELD: typed,
        "was_signed_out": True,
        "is_too_large": not typed,
        "openid_name": openid_name(),
    }
    return render(request, "teams/login.html", context, status=401)


def show_again(request: HttpRequest) -> HttpResponse:
    """Back to the form, filled in again."""
    _keep(request, request.path, _typed(request))
    return redirect(request.path)


def keeps_typed(request: HttpRequest) -> bool:
    """Whether the view of this POST can show its input again."""
    view = request.resolver_match.func if request.resolver_match else None
    return request.method == "POST" and getattr(view, "keeps_typed", False)


def typed_take(request: HttpRequest, path: str) -> QueryDict | None:
    """The input that was kept for the form at `path`, once."""
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


def _pack(typed: str) -> str:
    """`typed`, packed for the sign-in form; "" when it is too large to come back from there."""
    if len(typed) > COMES_BACK_CHARS:
        return ""
    packed = urlsafe_b64encode(zlib.compress(typed.encode())).decode()
    return packed if len(packed) <= PACKED_CHARS else ""


def _unpack(packed: str) -> str:
    """The packed input; "" for anything else."""
    try:
        inflate = zlib.decompressobj()
        return inflate.decompress(urlsafe_b64decode(packed.encode()), COMES_BACK_CHARS).decode()
    except (ValueError, zlib.error):
        return ""


def _keep(request: HttpRequest, path: str, typed: str) -> None:
    request.session[_key(path)] = secrets_encrypt({FIELD: typed}).decode()


def typed_carry(request: HttpRequest, path: str) -> None:
    """Keep the input from the sign-in form for the form at `path`, now that its sender has signed in."""
    if typed := _unpack(request.POST.get(FIELD, "")):
        _keep(request, path, typed)


def _key(path: str) -> str:
    return f"typed {path}"
