"""Workers and what waits for them as pieces of HTML, the same for pages, polling and WebSocket pushes."""

from __future__ import annotations

from html import escape
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from dashboard.addresses import page_address
from dashboard.monitoring.banners import WorkerBanner, list_notice, run_notice
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


def run_notice_html(run: Run) -> SafeString:
    """The worker banner of a run's page; no query for a run that has ended."""
    return _notice_html(None if run.is_terminal else run_notice(run, live_workers()))


def list_notice_html() -> SafeString:
    """The worker banner of a list of runs."""
    return _notice_html(list_notice(live_workers()))


def _notice_html(notice: WorkerBanner | None) -> SafeString:
    """A note about workers on a page of runs; empty while they do their work."""
    note = ""
    if notice is not None:
        note = (
            f'<p class="note" data-tone="attention">\n<strong>{escape(notice.title)}</strong> {escape(notice.text)}'
            f' <a href="{page_address("workers")}">Workers</a>\n</p>\n'
        )
    return SafeString(f'<div id="work-notice" class="notice-slot">\n{note}</div>\n')
