"""Every read about form links."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from dashboard.launch.models import Preset
from dashboard.sharing.models import FormLink
from dashboard.teams.models import Membership, Team
from dashboard.teams.tokens import token_hash

MOST = 200
"""The most in one list; a team has few of them."""
IS_OPEN = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=Now()))
IS_LEFT = Q(max_launches=None) | Q(launches__lt=F("max_launches"))


def form_links_open() -> QuerySet[FormLink]:
    """The working links: not revoked or expired, with an existing server and a maker who is still in the team."""
    maker = Membership.objects.filter(team=OuterRef("preset__team"), user=OuterRef("created_by"), is_active=True)
    found = FormLink.objects.filter(IS_OPEN, Exists(maker), preset__server__removed_at=None)
    return found.select_related("preset__team", "preset__server", "created_by")


def form_link_open(token: str) -> FormLink | None:
    """The open link of this token, also when used up; None for unknown, expired and revoked ones alike."""
    return form_links_open().filter(token_hash=token_hash(token)).first()


def form_links_of(preset: Preset) -> QuerySet[FormLink]:
    """The preset's form links, newest first."""
    return FormLink.objects.filter(preset=preset).select_related("created_by")


def team_form_links(team: Team, *, person: str = "", ended: bool = True) -> list[FormLink]:
    """The team's form links, newest first."""
    found = FormLink.objects.filter(preset__team=team).select_related("preset", "created_by")
    if person:
        found = found.filter(created_by__username=person)
    return list((found if ended else found.filter(IS_OPEN, IS_LEFT))[:MOST])


def form_link_get(team: Team, link_id: UUID) -> FormLink | None:
    """One of the team's form links, or None."""
    return FormLink.objects.filter(preset__team=team, pk=link_id).first()


def form_link_document(link: FormLink) -> dict[str, Any]:
    """A form link for programs."""
    return {
        "id": str(link.pk),
        "preset": str(link.preset_id),
        "name": link.name,
        "show": list(link.show),
        "redact": list(link.redact),
        "redact_kinds": list(link.redact_kinds),
        "created_by": link.created_by.username if link.created_by else None,
        "created_at": link.created_at.isoformat(),
        "expires_at": link.expires_at.isoformat() if link.expires_at else None,
        "max_launches": link.max_launches,
        "max_per_hour": link.max_per_hour,
        "launches": link.launches,
        "last_launched_at": link.last_launched_at.isoformat() if link.last_launched_at else None,
        "revoked_at": link.revoked_at.isoformat() if link.revoked_at else None,
    }
