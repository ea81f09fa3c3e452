"""A run of the list for programs."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from dashboard.runs.rows import ListedRun
from dashboard.runs.selectors import run_question


def run_item(run: ListedRun) -> dict[str, Any]:
    """The run as `GET /runs/` gives it. Holds no header value."""
    took = run.finished_at - run.started_at if run.finished_at and run.started_at else None
    return {
        "id": str(run.pk),
        "url": reverse("run-detail", args=[run.pk]),
        "name": run.name,
        "summary": run.summary,
        "outcome_text": run.outcome_text,
        "status": run.status,
        "assistant_id": run.assistant_id,
        "assistant_name": run.assistant_name or None,
        "graph_id": run.graph_id or None,
        "server": {"id": str(run.server_id), "name": run.server.name},
        "thread_id": run.remote_thread_id,
        "run_id": run.remote_run_id,
        "error": {"type": run.error_type, "node": run.error_node or None} if run.error_type else None,
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "duration_s": took.total_seconds() if took else None,
        "launched_by": run.launched_by.username if run.launched_by else None,
        "parent": str(run.parent_id) if run.parent_id else None,
        "batch": str(run.batch_id) if run.batch_id else None,
        "question": run_question(run),
        "tags": run.tags,
        "starred": run.is_starred,
    }
