"""The launch page."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import retarget

from dashboard.http import fields_only, go_to, json_errors, wants_json
from dashboard.launch.actions import form_act, form_parent
from dashboard.launch.documents import Document
from dashboard.launch.filled import NO_SUCH_PRESET, filled_form, posted_form, preset_named
from dashboard.launch.forms import LaunchForm
from dashboard.launch.links import link_problems
from dashboard.launch.picker import assistant_choices
from dashboard.launch.prefill import new_launch_key, prefill_for_fork, prefill_from_query, prefill_from_run
from dashboard.launch.presets import preset_controls, preset_fixed
from dashboard.runs import services
from dashboard.runs.models import Run
from dashboard.teams.access import may_act_required
from dashboard.teams.audit import audit_nothing
from dashboard.teams.middleware import TeamRequest
from dashboard.teams.pending_form import typed_take
from dashboard.web.bodies import takes_files


@takes_files
@never_cache
@may_act_required
@fields_only
@require_http_methods(["GET", "HEAD", "POST"])
def launch(request: TeamRequest) -> HttpResponse:
    """Show the form, prefilled from the address; POST launches."""
    return _launch(request) if request.method == "POST" else _show(request)


launch.keeps_typed = True  # type: ignore[attr-defined]  # read where a POST is refused


def _show(request: TeamRequest) -> HttpResponse:
    initial = {"launch_key": new_launch_key(), "thread": "new"}
    parent = _run_named(request, "from")
    is_fork = parent is not None and bool(request.GET.get("checkpoint_id"))
    typed = typed_take(request, request.path)
    if typed is not None:
        messages.info(request, "Here is what you typed. It has not been launched yet. Check it, then launch it.")
        context = _context(request, _typed_form(request, typed), None)
        return render(request, "launch/page.html", context | {"is_typed": True})
    if parent is not None:
        initial |= prefill_for_fork(parent, by=request.user) if is_fork else prefill_from_run(parent)
    if (preset := preset_named(request)) is not None:
        initial |= preset_controls(preset)
    elif request.GET.get("preset"):
        messages.info(request, NO_SUCH_PRESET)
    initial |= prefill_from_query(request.GET)
    for sentence in link_problems(request.GET):
        messages.warning(request, sentence)
    if initial.get("thread_id") and "thread" not in request.GET and parent is None:
        initial["thread"] = "existing"
    form = LaunchForm(
        team=request.team, by=request.user, initial=initial, controls=request.GET, fixed=preset_fixed(preset)
    )
    if is_fork and not any(name.partition("/")[0] in ("input", "input_view") for name in request.GET):
        form.documents["input"].leave_empty()
    context = _context(request, form, parent)
    # No assistant yet: show those that exist, rather than an empty box for JSON.
    is_unchosen = bool(context["choices"]) and not request.GET
    return render(request, "launch/page.html", context | {"is_unchosen": is_unchosen})


def _typed_form(request: TeamRequest, typed: QueryDict) -> LaunchForm:
    """The form as it was left, to check and send; its launch key still makes it launch once."""
    initial = {name: typed[name] for name in LaunchForm.base_fields if name in typed}
    return LaunchForm(team=request.team, by=request.user, initial=initial, controls=typed)


@takes_files
@never_cache
@may_act_required
@require_POST
def launch_form(request: TeamRequest) -> HttpResponse:
    """The form after one of its buttons: another row, the other view, another assistant. Launches nothing."""
    audit_nothing(request)
    form = posted_form(request)
    done = form_act(form, request.POST)
    if done is None:
        return HttpResponse("This form was damaged in transit. Reload the page.", status=422)
    if done.document is None:
        return render(request, "launch/_form.html", _context(request, form, form_parent(form)))
    if done.is_row and done.document.form is not None:
        return HttpResponse(str(done.document.form))
    return _document(request, form, done.document)


def _document(request: TeamRequest, form: LaunchForm, document: Document) -> HttpResponse:
    """The document in the requested view; all of it, with the switch, where that is impossible."""
    context: dict[str, object] = {"document": document, "form": form}
    if document.view == request.POST.get(f"{document.name}_view"):
        return render(request, "launch/_document_view.html", context)
    context["is_inner"] = document not in form.main_documents()
    return retarget(render(request, "launch/_document.html", context), f"#document-{document.name}")


def _launch(request: TeamRequest) -> HttpResponse:
    if "do" in request.POST:
        audit_nothing(request)
        form = posted_form(request)
        form_act(form, request.POST)
        return render(request, "launch/page.html", _context(request, form, form_parent(form)) | {"is_typed": True})
    filled = filled_form(request)
    form = filled.form
    if filled.order is None:
        if wants_json(request):
            return json_errors(form.errors)
        context = _context(request, form, form.cleaned_data.get("parent"))
        return render(request, "launch/page.html", context, status=422)
    if form.warnings and not wants_json(request) and "anyway" not in request.POST:
        return render(request, "launch/page.html", _context(request, form, form.cleaned_data["parent"]), status=422)
    try:
        run = services.run_launch(team=request.team, by=request.user, order=filled.order)
    except services.AlreadyLaunched as earlier:
        run = earlier.run
        messages.info(
            request, "You sent this form before; here is the run it launched. Launch again starts another one."
        )
    url = reverse("run-detail", args=[run.pk])
    if wants_json(request):
        body: dict[str, object] = {"id": str(run.pk), "url": url}
        if form.warnings:
            body["warnings"] = form.warnings
        return JsonResponse(body, status=201, headers={"Location": url})
    return go_to(request, url)


def _context(request: TeamRequest, form: LaunchForm, parent: Run | None) -> dict[str, object]:
    choices = assistant_choices(request.team, request.user, form.assistants)
    return {
        "form": form,
        "parent": parent,
        "assistant": form.assistant,
        "assistants": choices,
        "choices": choices,
        "chosen": next((choice for choice in choices if choice.is_of(form.assistant)), None),
        "servers": form.servers,
    }


def _run_named(request: TeamRequest, name: str) -> Run | None:
    """The run that the address or the form names; one of another team is not found."""
    text = request.GET.get(name, "") or request.POST.get(name, "")
    if not text:
        return None
    try:
        pk = UUID(text)
    except ValueError:
        return None
    return get_object_or_404(Run.objects.select_related("request"), team=request.team, pk=pk)
