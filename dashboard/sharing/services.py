"""Every write about share links."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from dashboard.runs.models import Run
from dashboard.runs.services import run_look_again
from dashboard.sharing.models import ShareLink
from dashboard.teams.models import User
from dashboard.teams.tokens import token_create


def share_create(*, run: Run, by: User, lifetime: timedelta | None) -> tuple[ShareLink, str]:
    """Make a link to the run. Returns it with its token, which is not stored and cannot be shown again.

    Args:
        lifetime: how long it works; None for until it is revoked.
    """
    token, hashed = token_create()
    expires_at = timezone.now() + lifetime if lifetime is not None else None
    return ShareLink.objects.create(run=run, created_by=by, token_hash=hashed, expires_at=expires_at), token


def share_revoke(*, run: Run, link_id: UUID) -> bool:
    """Make a link stop working at once; one that had stopped stays so. False when it is none of this run's."""
    link = ShareLink.objects.filter(run=run, pk=link_id)
    with transaction.atomic():
        if link.filter(revoked_at=None).update(revoked_at=timezone.now()):
            run_look_again(run)
            return True
    return link.exists()
