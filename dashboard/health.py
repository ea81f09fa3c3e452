"""`/healthz`: whether this installation can do its work."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.live.listener import listener_is_up
from dashboard.worker.selectors import workers_alive


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, a worker is alive and this process hears changes; else 503 and what is wrong."""
    try:
        workers = workers_alive()
        database = True
    except (DatabaseError, InterfaceError):
        workers, database = 0, False
    listener = listener_is_up()
    healthy = database and workers > 0 and listener
    return JsonResponse(
        {"status": "ok" if healthy else "unavailable", "database": database, "workers": workers, "listener": listener},
        status=200 if healthy else 503,
    )
