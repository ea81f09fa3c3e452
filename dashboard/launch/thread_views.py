"""Choosing the thread that a launch continues."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from dashboard.http import is_htmx, wants_json
from dashboard.launch.presets import preset_id_of
from dashboard.launch.threads import thread_choices
from dashboard.teams.access import may_act_required
from dashboard.teams.middleware import TeamRequest


@never_cache
@vary_on_headers("HX-Request")
@may_act_required
@require_safe
def launch_threads(request: TeamRequest) -> HttpResponse:
    """The threads that match what is searched for, latest first; htmx gets the list alone."""
    text = request.GET.get("thread_q", "")[:200].strip()
    server_id = preset_id_of(request.GET.get("server", ""))
    choices = thread_choices(request.team, server_id=server_id, text=text)
    if wants_json(request):
        return JsonResponse(
            {
                "threads": [
                    {
                        "thread_id": choice.thread_id,
                        "server": str(choice.server_id),
                        "said": choice.said,
                        "about": choice.about,
                        "runs": choice.runs,
                        "is_busy": choice.is_busy,
                        "asks": choice.asks,
                        "status": choice.latest.status,
                    }
                    for choice in choices
                ]
            }
        )
    chosen = request.GET.get("thread_id", "")[:200].strip()
    if chosen and chosen not in {choice.thread_id for choice in choices}:
        named = thread_choices(request.team, server_id=server_id, text=chosen)
        choices = [choice for choice in named if choice.thread_id == chosen] + choices
    context = {"choices": choices, "text": text, "chosen": chosen}
    return render(request, "launch/_thread_list.html" if is_htmx(request) else "launch/threads.html", context)
