"""Every read about share links."""

from __future__ import annotations

from django.db.models import QuerySet

from dashboard.runs.models import Run
from dashboard.sharing.models import ShareLink
from dashboard.teams.tokens import token_hash


def share_open(token: str) -> ShareLink | None:
    """The open link of this token with its run, or None: unknown, expired and revoked are told apart to nobody."""
    link = (
        ShareLink.objects.select_related("run__server", "run__launched_by", "run__cancel_requested_by", "created_by")
        .filter(token_hash=token_hash(token))
        .first()
    )
    return link if link is not None and link.is_open else None


def share_list(run: Run) -> QuerySet[ShareLink]:
    """The run's links, newest first."""
    return ShareLink.objects.filter(run=run).select_related("created_by")
