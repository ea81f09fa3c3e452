"""All links of the team, with their makers, what they show, and how often they were opened."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from dashboard.http import go_to, json_errors, wants_json
from dashboard.sharing import selectors, services
from dashboard.sharing.form_links import selectors as form_selectors
from dashboard.sharing.form_links.services import form_link_revoke, form_links_revoke
from dashboard.sharing.models import ShareLink
from dashboard.sharing.selectors import ShareFilters
from dashboard.teams.access import may_act_required, member_required
from dashboard.teams.audit import audit_note
from dashboard.teams.middleware import TeamRequest

NOT_YOURS = "Only an admin of your team may revoke all links of another person."


@never_cache
@member_required
@require_safe
def share_list(request: TeamRequest) -> HttpResponse:
    """The links of the team's runs, newest first."""
    filters = _filters(request.GET)
    found = selectors.share_page(request.team, filters, after=_uuid(request.GET.get("after", "")))
    query = {name: request.GET[name] for name in ("run", "person", "open") if request.GET.get(name)}
    following = f"{reverse('share-list')}?{urlencode(query | {'after': found.after})}" if found.after else None
    # A run has none, and they come before the first page.
    is_first = filters.run is None and "after" not in request.GET
    form_links = (
        form_selectors.team_form_links(request.team, person=filters.person, ended=filters.ended) if is_first else []
    )
    if wants_json(request):
        shares = [selectors.share_document(link) for link in found.links]
        documents = [form_selectors.form_link_document(link) for link in form_links]
        return JsonResponse({"shares": shares, "form_links": documents, "next": following})
    context = {
        "links": found.links,
        "form_links": form_links,
        "is_admin": request.membership.is_admin,
        "next": following,
        "filters": filters,
        "people": selectors.share_people(request.team),
        "may_act": request.membership.may_launch,
        "may_revoke_all": request.membership.is_admin or filters.person in ("", request.user.username),
    }
    return render(request, "sharing/list.html", context)


@may_act_required
@require_POST
def share_revoke(request: TeamRequest, link_id: UUID) -> HttpResponse:
    """Make a link stop working. Doing it twice changes nothing."""
    link = ShareLink.objects.select_related("run").filter(pk=link_id, team=request.team).first()
    form_link = form_selectors.form_link_get(request.team, link_id) if link is None else None
    if link is None and form_link is None:
        raise Http404("Your team has no such link.")
    if link is not None:
        services.link_revoke(link)
        audit_note(request, f"link {link.pk}" + (f" to run {link.run_id}" if link.run_id else ""))
    elif form_link is not None:
        if not request.membership.is_admin:
            raise PermissionDenied("Only an admin of your team may revoke a form.")
        form_link_revoke(form_link)
        audit_note(request, f"{form_link.name}: form link {form_link.pk} of preset {form_link.preset_id}")
    if wants_json(request):
        return JsonResponse({"id": str(link_id), "revoked": True})
    messages.success(request, "The link no longer works.")
    return go_to(request, reverse("share-list"))


@may_act_required
@require_POST
def share_revoke_all(request: TeamRequest) -> HttpResponse:
    """Make all links of a run, or of a person, stop working."""
    filters = _filters(request.POST)
    if filters.run is None and not filters.person:
        return json_errors({"run": ["Name the run or the person whose links to revoke."]})
    if filters.person not in ("", request.user.username) and not request.membership.is_admin:
        raise PermissionDenied(NOT_YOURS)
    count = services.shares_revoke(team=request.team, filters=filters)
    if filters.person and filters.run is None:
        count += form_links_revoke(team=request.team, person=filters.person)
    audit_note(request, f"{count} links of {f'run {filters.run}' if filters.run else filters.person}")
    if wants_json(request):
        return JsonResponse({"revoked": count})
    messages.success(request, f"{count} link{'' if count == 1 else 's'} revoked.")
    return go_to(request, reverse("share-list"))


def _filters(given: Mapping[str, str]) -> ShareFilters:
    run, person = given.get("run", ""), given.get("person", "")[:150].replace("\x00", "")
    # An invalid id matches nothing, instead of everything.
    return ShareFilters(run=(_uuid(run) or UUID(int=0)) if run else None, person=person, ended="open" not in given)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
