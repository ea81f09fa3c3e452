"""Launching a run again without changes, and a launch as code."""

from __future__ import annotations

from dataclasses import asdict, replace
from uuid import UUID

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from dashboard.http import go_to, is_htmx, json_errors, wants_json
from dashboard.launch.code import Call, call_of_order, call_of_run, code_of, codes_of
from dashboard.launch.differences import Difference, difference
from dashboard.launch.filled import filled_form
from dashboard.launch.presets import preset_id_of
from dashboard.runs import services
from dashboard.runs.inheritance import run_inherit
from dashboard.runs.models import ParentKind, Run
from dashboard.runs.selectors import run_get
from dashboard.runs.shortcuts import run_or_404
from dashboard.runs.waiting import NotOpen
from dashboard.teams.access import may_act_required, member_required
from dashboard.teams.audit import audit_nothing, refused_back
from dashboard.teams.encryption import SecretUnreadable
from dashboard.teams.middleware import TeamRequest


@may_act_required
@require_POST
def run_again(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """Launch the same run again at once. A form that is sent twice launches once."""
    run = run_or_404(request, run_id)
    problem = _launch_again(request, run)
    if isinstance(problem, Run):
        url = reverse("run-detail", args=[problem.pk])
        if wants_json(request):
            return JsonResponse({"id": str(problem.pk), "url": url}, status=201, headers={"Location": url})
        return go_to(request, url)
    if wants_json(request):
        return json_errors(problem)
    said = " ".join(sentence for sentences in problem.values() for sentence in sentences)
    return refused_back(request, said, f"{reverse('launch')}?from={run.pk}")


def _launch_again(request: TeamRequest, run: Run) -> Run | dict[str, list[str]]:
    """The new run, or why there is none, by field."""
    if run.server.removed_at is not None:
        return {"server": [f"{run.server.name} was removed: choose another server."]}
    try:
        found = run_inherit(run, ParentKind.AGAIN, by=request.user)
    except SecretUnreadable:
        return {"headers": ["Its header values can no longer be decrypted: type them again."]}
    if found.hidden_headers:
        names = ", ".join(found.hidden_headers)
        return {"headers": [f"The value of {names} is a secret of its launcher: type it, or leave it out."]}
    order = replace(found.order, launch_key=preset_id_of(request.POST.get("launch_key", "")), preset_id=run.preset_id)
    try:
        return services.run_launch(team=request.team, by=request.user, order=order)
    except services.AlreadyLaunched as earlier:
        return earlier.run
    except NotOpen as error:
        return {"command": [str(error)]}


@never_cache
@member_required
@require_safe
def run_code(request: TeamRequest, run_id: UUID) -> HttpResponse:
    """A run as code, in every language."""
    run = run_or_404(request, run_id)
    return _page(request, call_of_run(run), run=run)


@never_cache
@member_required
@require_safe
def run_as(request: TeamRequest, run_id: UUID, kind: str) -> HttpResponse:
    """A run as code in one of them, as plain text."""
    code = code_of(call_of_run(run_or_404(request, run_id)), kind, origin=_origin(request))
    if code is None:
        raise Http404("Choose python, javascript, curl, json or link.")
    return HttpResponse(code.text, content_type="text/plain; charset=utf-8")


@never_cache
@may_act_required
@require_POST
def launch_differences(request: TeamRequest) -> HttpResponse:
    """The differences between a filled form and the run it was made from. Launches nothing."""
    audit_nothing(request)
    filled = filled_form(request)
    run_id = preset_id_of(request.POST.get("parent", ""))
    parent = run_get(request.team, run_id) if run_id else None
    differs = difference(parent, filled.order) if parent else Difference()
    if wants_json(request):
        changes = [asdict(change) for change in differs.changes]
        document = {
            "fields": differs.fields,
            "changes": changes,
            "refused": differs.refused,
            "is_known": differs.is_known,
        }
        return JsonResponse(document)
    context = {"parent": parent, "differs": differs}
    if is_htmx(request):
        return render(request, "launch/_differs.html", context) if parent else HttpResponse(status=204)
    return render(request, "launch/differs_page.html", context)


@never_cache
@may_act_required
@require_POST
def launch_code(request: TeamRequest) -> HttpResponse:
    """What a filled form would send, as code. Launches nothing."""
    audit_nothing(request)
    filled = filled_form(request)
    if filled.order is None:
        if wants_json(request):
            return json_errors(filled.form.errors)
        context = {"problems": filled.form.errors, "what": "written as code"}
        return render(request, "presets/not_yet.html", context, status=422)
    call = call_of_order(filled.order)
    if wants_json(request):
        return JsonResponse({code.key: code.text for code in codes_of(call, origin=_origin(request))})
    return _page(request, call, run=None)


def _page(request: TeamRequest, call: Call, *, run: Run | None) -> HttpResponse:
    context = {"codes": codes_of(call, origin=_origin(request)), "run": run}
    return render(request, "launch/code.html", context)


def _origin(request: TeamRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"
