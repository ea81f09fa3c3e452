"""Runs for programs."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from dashboard.runs.models import Run
from dashboard.runs.selectors import run_question


def run_row_document(run: Run) -> dict[str, Any]:
    """A run as lists give it. Needs `launched_by`, `server` and `answer`."""
    return {
        "id": str(run.pk),
        "url": reverse("run-detail", args=[run.pk]),
        "name": run.name,
        "title": run.title,
        "status": run.status,
        "question": run_question(run),
        "assistant_id": run.assistant_id,
        "assistant": run.assistant_label,
        "graph_id": run.graph_id or None,
        "server": {"id": str(run.server_id), "name": run.server.name},
        "thread_id": run.remote_thread_id,
        "run_id": run.remote_run_id,
        "launched_by": run.launched_by.username if run.launched_by else None,
        "tags": run.tags,
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }
