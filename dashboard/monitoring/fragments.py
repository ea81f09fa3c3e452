"""Workers and what waits for them as pieces of HTML, the same for pages, polling and WebSocket pushes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from dashboard.monitoring.banners import list_notice, run_notice
from dashboard.monitoring.diagnosis import diagnose, how_to_start
from dashboard.monitoring.selectors import live_workers, work_state
from dashboard.runs.models import Run


def workers_context(*, hears_changes: bool) -> dict[str, Any]:
    """The context of the Workers page. `hears_changes`: whether this web process gets changes from the database."""
    state = work_state(for_members=True)
    is_local = settings.ENV.debug
    return {
        "state": state,
        "findings": diagnose(state, hears_changes=hears_changes, is_local=is_local),
        "hears_changes": hears_changes,
        "how_to_start": how_to_start(is_local=is_local),
    }


def workers_html(*, hears_changes: bool) -> str:
    """The part of that page that changes."""
    return render_to_string("monitoring/_state.html", workers_context(hears_changes=hears_changes))


def run_notice_html(run: Run) -> str:
    """The worker banner of a run's page."""
    return render_to_string("monitoring/_notice.html", {"notice": run_notice(run, live_workers())})


def list_notice_html() -> str:
    """The worker banner of a list of runs."""
    return render_to_string("monitoring/_notice.html", {"notice": list_notice(live_workers())})
