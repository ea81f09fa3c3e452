"""Every read about share links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from dashboard.runs.models import Run, WaitState
from dashboard.runs.selectors import NOT_ON_PAGE, ON_PAGE, no_answer_yet, run_for_page
from dashboard.sharing.models import ShareLink
from dashboard.teams.models import Team
from dashboard.teams.tokens import token_hash

PAGE = 50
ANSWERS_MAX = 50
"""The most answers, one after the other, to what a form's run asks."""
IS_OPEN = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=Now()))


def share_open(token: str) -> ShareLink | None:
    """The open link of this token with what it shows; None for unknown, expired and revoked ones alike."""
    found = ShareLink.objects.filter(IS_OPEN, token_hash=token_hash(token))
    on_page = [f"run__{name}" for name in ON_PAGE]
    shown = found.select_related("created_by", "run_set__server", *on_page)
    link = shown.defer(*(f"run__{name}" for name in NOT_ON_PAGE)).first()
    if link is not None:
        link.token = token
        if link.run is not None:
            no_answer_yet(link.run)
        _follow_answers(link)
    return link


def _follow_answers(link: ShareLink) -> None:
    """Let the link of a form's run show the run that goes on: what it asks, the team answers, and its sender waits."""
    while link.form_link_id and (run := link.run) and run.wait_state == WaitState.ANSWERED:
        answer = getattr(run, "answer", None)
        found = run_for_page(answer.pk) if answer and answer.team_id == link.team_id else None
        if found is None or len(link.earlier) == ANSWERS_MAX:
            return
        link.earlier, link.run = (*link.earlier, run), found


def share_get(link_id: UUID) -> ShareLink | None:
    """An open link by its id, with its run."""
    return ShareLink.objects.filter(IS_OPEN, pk=link_id).first()


def share_list(run: Run) -> QuerySet[ShareLink]:
    """The run's links, newest first."""
    return ShareLink.objects.filter(run=run).select_related("created_by")


@dataclass(frozen=True)
class ShareFilters:
    """Which links of a team to list: of one run, or by one person. `ended`: also those that no longer work."""

    run: UUID | None = None
    person: str = ""
    ended: bool = True


@dataclass(frozen=True)
class SharePage:
    """Some links of a team, and the last one before the next page; None when there is no more."""

    links: list[ShareLink]
    after: UUID | None


def team_shares(team: Team, filters: ShareFilters) -> QuerySet[ShareLink]:
    """The links of a team, newest first."""
    found = ShareLink.objects.filter(team=team).select_related("run", "run_set__server", "created_by")
    if filters.run is not None:
        found = found.filter(Q(run=filters.run) | _of_several(filters.run))
    if filters.person:
        found = found.filter(created_by__username=filters.person)
    return found if filters.ended else found.filter(IS_OPEN)


def _of_several(run_id: UUID) -> Q:
    """Links to several runs that include this one, except live views, which nobody can know."""
    place = Run.objects.filter(pk=run_id).values_list("server_id", "remote_thread_id").first()
    chosen = Q(run_set__run_ids__contains=[run_id])
    if place is None or not place[1]:
        return chosen
    return chosen | Q(run_set__server_id=place[0], run_set__thread_id=place[1])


def share_page(team: Team, filters: ShareFilters, *, after: UUID | None = None) -> SharePage:
    """PAGE links, after the link `after`."""
    found = team_shares(team, filters).order_by("-created_at", "-pk")
    last = (
        team_shares(team, ShareFilters()).filter(pk=after).values_list("created_at", flat=True).first()
        if after
        else None
    )
    if after is not None and last is not None:
        found = found.filter(Q(created_at__lt=last) | Q(created_at=last, pk__lt=after))
    links = list(found[: PAGE + 1])
    return SharePage(links[:PAGE], links[PAGE - 1].pk if len(links) > PAGE else None)


def share_people(team: Team) -> list[str]:
    """The people who made links to the team's runs."""
    names = ShareLink.objects.filter(team=team, created_by__isnull=False).values_list("created_by__username")
    return sorted(name for (name,) in names.distinct()[:500])


def share_document(link: ShareLink) -> dict[str, Any]:
    """A link for programs. The address is not stored, so it cannot be shown again."""
    return {
        "id": str(link.pk),
        "run": str(link.run_id) if link.run_id else None,
        "set": {"kind": link.several.kind, "name": link.several.name} if link.several else None,
        "show": list(link.show),
        "keys": list(link.keys),
        "redact": list(link.redact),
        "redact_kinds": list(link.redact_kinds),
        "redact_patterns": list(link.redact_patterns),
        "created_by": link.created_by.username if link.created_by else None,
        "created_at": link.created_at.isoformat(),
        "expires_at": link.expires_at.isoformat() if link.expires_at else None,
        "max_views": link.max_views,
        "views": link.views,
        "last_viewed_at": link.last_viewed_at.isoformat() if link.last_viewed_at else None,
        "revoked_at": link.revoked_at.isoformat() if link.revoked_at else None,
        "password": bool(link.password),
        "audience": link.audience,
        "unfurl": link.unfurl,
        "note": link.note,
    }
