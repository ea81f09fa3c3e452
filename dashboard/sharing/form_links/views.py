"""The page of a form link, for somebody without an account. An ordinary share link shows its run.

Exempt from the CSRF check for the reason of share pages: without a referrer browsers send no origin, and anybody who
could forge a POST knows the token, and with it may launch anyway.
"""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from dashboard.http import SeeOther, fields_only, json_errors, wants_json
from dashboard.sharing.access import is_passed
from dashboard.sharing.form_links import services
from dashboard.sharing.form_links.forms import StrangersForm
from dashboard.sharing.form_links.selectors import form_link_open
from dashboard.sharing.models import FormLink
from dashboard.sharing.passwords import password_given, password_page, share_cookie
from dashboard.sharing.views import gone, private
from dashboard.teams.audit import audit_write
from dashboard.web.bodies import takes_files

TOO_MANY = "This form was sent too often in the last hour. What you typed is still here: try again later."


@takes_files
@csrf_exempt
@login_not_required
@never_cache
@fields_only
@require_http_methods(["GET", "HEAD", "POST"])
def form_link_page(request: HttpRequest, token: str) -> HttpResponseBase:
    """The form; POST launches what was filled in, and leads to its run."""
    link = form_link_open(token)
    if link is None:
        return gone(request)
    if link.password and not is_passed(link.pk, share_cookie(request), "password"):
        is_given = request.method == "POST" and "password" in request.POST
        page = reverse("form-link-page", args=[token])
        return private(password_given(request, link.pk, link.password, page) if is_given else password_page(request))
    if request.method == "POST":
        return private(_posted(request, link))
    if link.is_used_up:
        return gone(request)
    return private(_page(request, link, StrangersForm(link)))


def _posted(request: HttpRequest, link: FormLink) -> HttpResponse:
    form = StrangersForm(link, request.POST, request.FILES)
    if action := request.POST.get("do"):
        form.act(action)
        return _page(request, link, form)
    order = form.order()
    if order is None:
        if wants_json(request):
            return json_errors(form.launch.errors)
        return _page(request, link, form, status=422)
    try:
        token = services.form_launch(link=link, order=order, key=_key(request))
    except services.FormClosed:
        return gone(request)
    except services.TooManyLaunches:
        return _too_many(request, link, form)
    url = reverse("share-page", args=[token])
    said = f"{link.name}: form link {link.pk} of preset {link.preset_id}"
    audit_write(team=link.preset.team, by=None, action="form-link-page", object=said, request=request)
    if wants_json(request):
        return JsonResponse({"url": request.build_absolute_uri(url)}, status=201, headers={"Location": url})
    return SeeOther(url)


def _too_many(request: HttpRequest, link: FormLink, form: StrangersForm) -> HttpResponse:
    if wants_json(request):
        response: HttpResponse = JsonResponse({"error": TOO_MANY}, status=429)
    else:
        form.problems.append(TOO_MANY)
        response = _page(request, link, form, status=429)
    response.headers["Retry-After"] = "600"
    return response


def _page(request: HttpRequest, link: FormLink, form: StrangersForm, *, status: int = 200) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"name": link.name, "description": link.preset.description}, status=status)
    context = {"link": link, "form": form, "launch_key": _key(request)}
    return render(request, "sharing/form_page.html", context, status=status)


def _key(request: HttpRequest) -> uuid.UUID:
    """The key of the posted form, which launches once however often it is sent; a new one for a new form."""
    try:
        return uuid.UUID(request.POST.get("launch_key", ""))
    except ValueError:
        return uuid.uuid4()
