"""Every write about share links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.runs.models import Run
from dashboard.runs.notifications import ANY_VERSION, RUN_CHANNEL, RunChange, notify
from dashboard.sharing.models import Audience, ShareLink, shown_before
from dashboard.sharing.selectors import IS_OPEN, ShareFilters, team_shares
from dashboard.teams.models import Team, User
from dashboard.teams.tokens import token_create


@dataclass(frozen=True)
class ShareOrder:
    """What a new link shows, hides and requires. See `models.py` for the fields."""

    show: Sequence[str] = ()
    keys: Sequence[str] = ()
    redact: Sequence[str] = ()
    redact_kinds: Sequence[str] = ()
    redact_patterns: Sequence[str] = ()
    max_views: int | None = None
    password: str = ""
    audience: str = Audience.ANYONE
    unfurl: bool = False
    note: str = ""


def share_create(
    *, run: Run, by: User | None, lifetime: timedelta | None, order: ShareOrder | None = None
) -> tuple[ShareLink, str]:
    """Make a link to the run. Returns it with its token, which is not stored and cannot be shown again.

    Args:
        lifetime: how long it works; None for until it is revoked.
        order: None for the whole final state.
    """
    return link_make(
        team=run.team_id, run=run, by=by, lifetime=lifetime, order=order or ShareOrder(show=shown_before())
    )


def link_make(
    *, team: UUID, run: Run | None, by: User | None, lifetime: timedelta | None, order: ShareOrder
) -> tuple[ShareLink, str]:
    """Make a link to a run or, without one, to several that the caller names."""
    token, hashed = token_create()
    expires_at = timezone.now() + lifetime if lifetime is not None else None
    fields = asdict(order)
    fields["password"] = make_password(fields["password"]) if fields["password"] else ""
    link = ShareLink.objects.create(
        team_id=team, run=run, created_by=by, token_hash=hashed, expires_at=expires_at, **fields
    )
    return link, token


def share_viewed(link: ShareLink) -> bool:
    """Count a view. False when the link has reached its limit: then show nothing."""
    left = Q(max_views=None) | Q(views__lt=F("max_views"))
    found = ShareLink.objects.filter(IS_OPEN, left, pk=link.pk)
    return bool(found.update(views=F("views") + 1, last_viewed_at=Now()))


def share_revoke(*, run: Run, link_id: UUID) -> bool:
    """Make a link stop working at once, if it still works. False when it is not this run's."""
    link = ShareLink.objects.filter(run=run, pk=link_id).first()
    if link is not None:
        link_revoke(link)
    return link is not None


def link_revoke(link: ShareLink) -> None:
    """Make a link stop working at once, if it still works."""
    with transaction.atomic():
        if ShareLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now()):
            _look_again(link)


def _look_again(link: ShareLink) -> None:
    """Make the open pages of a link check whether they may go on. They listen for its run, or for the link's own id."""
    notify(RUN_CHANNEL, RunChange(link.run_id or link.pk, link.team_id, ANY_VERSION).to_payload())


def shares_revoke(*, team: Team, filters: ShareFilters) -> int:
    """Make all of these links stop working at once; returns how many still worked."""
    with transaction.atomic():
        found = team_shares(team, filters).filter(IS_OPEN).select_for_update(of=("self",))
        links = list(found)
        ShareLink.objects.filter(pk__in=[link.pk for link in links]).update(revoked_at=timezone.now())
        for link in {link.run_id or link.pk: link for link in links}.values():
            _look_again(link)
    return len(links)
