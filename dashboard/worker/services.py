"""Every write about workers themselves; their writes about runs are in `runs/leases.py`."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.db.models.functions import Now

from dashboard.worker.models import Worker

FORGET_AFTER = timedelta(days=7)


def worker_start(*, concurrency: int) -> Worker:
    """Report a new worker, mark workers of this machine that died silently, and remove old rows."""
    for other in Worker.objects.filter(host=socket.gethostname(), stopped_at=None):
        if not Path(f"/proc/{other.pid}").exists():
            # If it lives after all (in a container with its own process numbers), its next heartbeat takes this back.
            Worker.objects.filter(pk=other.pk).update(stopped_at=Now())
    Worker.objects.filter(heartbeat_at__lt=Now() - FORGET_AFTER).delete()
    return Worker.objects.create(host=socket.gethostname(), pid=os.getpid(), concurrency=concurrency)


def worker_beat(*, worker_id: UUID, held: int) -> None:
    """Store that the worker is alive and how many runs it holds."""
    Worker.objects.filter(pk=worker_id).update(heartbeat_at=Now(), held=held, stopped_at=None)


def worker_stopping(*, worker_id: UUID) -> None:
    """Store that the worker takes no more runs."""
    Worker.objects.filter(pk=worker_id).update(stopping_at=Now())


def worker_stop(*, worker_id: UUID) -> None:
    """Store that the worker has ended as requested."""
    Worker.objects.filter(pk=worker_id).update(stopped_at=Now(), heartbeat_at=Now(), held=0)
