"""Asks for the password of a link, and lets the browser remember it."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.hashers import check_password
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from dashboard.http import SeeOther, client_address, wants_json
from dashboard.sharing.access import COOKIE, pass_give
from dashboard.teams.passwords import limits_hashing
from dashboard.teams.throttle import throttle_failed, throttle_succeeded, throttle_wait_s

ASKS = "This link asks for a password."
WRONG = "This is not the password of the link. Ask the person who sent it."


def share_cookie(request: HttpRequest) -> str:
    """The browser's cookie for the requested link; "" without one."""
    return request.COOKIES.get(COOKIE, "")


def password_page(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    """The page that asks for it."""
    if wants_json(request):
        body = {"errors": {"password": [error]}} if error else {"error": ASKS}
        return JsonResponse(body, status=status if error else 401)
    return render(request, "sharing/password.html", {"error": error}, status=status)


@limits_hashing
def password_given(request: HttpRequest, link_id: UUID, password: str, page: str) -> HttpResponse:
    """The response to a password: the page that it opens, or an error.

    Args:
        password: the link's, hashed.
        page: the address of the link.
    """
    name, address = f"share {link_id}", client_address(request)
    if wait_s := throttle_wait_s(name, address):
        response = password_page(request, error=f"Too many attempts. Wait {wait_s} s.", status=429)
        response.headers["Retry-After"] = str(wait_s)
        return response
    if not check_password(request.POST.get("password", ""), password):
        throttle_failed(name, address)
        return password_page(request, error=WRONG, status=422)
    throttle_succeeded(name)
    response = SeeOther(page)
    pass_give(response, link_id, page, share_cookie(request), password=True)
    return response
