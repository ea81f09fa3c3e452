"""Every read about workers."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from dashboard.worker.models import Worker

SILENT_AFTER = timedelta(seconds=15)
"""Three heartbeats."""


def workers_alive() -> int:
    """How many workers have not stopped and were heard of lately."""
    return Worker.objects.filter(stopped_at=None, heartbeat_at__gt=Now() - SILENT_AFTER).count()
