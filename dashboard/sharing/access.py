"""Decides who may see what a link shows, before anything of its run is read."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.http import HttpResponseBase

from dashboard.sharing.models import Audience, ShareLink
from dashboard.sharing.selectors import share_open
from dashboard.teams.models import Membership, User
from dashboard.teams.selectors import is_still_signed_in

COOKIE: Final = "runboard_share"
LIVE_COOKIE: Final = "runboard_share_live"
"""The same pass, for the page with what belongs to it and for its socket."""
COOKIE_AGE_S: Final = 24 * 3600
_SALT: Final = "dashboard.sharing.pass"


class Door(Enum):
    """The result of opening a link."""

    OPEN = "open"
    PASSWORD = "password"  # noqa: S105 - a name
    SIGN_IN = "sign in"
    CLOSED = "closed"


def share_door(link: ShareLink, user: User | AnonymousUser | None, cookie: str) -> Door:
    """Whether this person, with this cookie for the link, may see what it shows.

    `CLOSED` must look like an unknown link.
    """
    if link.audience != Audience.ANYONE:
        if user is None or isinstance(user, AnonymousUser) or not user.is_authenticated or not user.is_active:
            return Door.SIGN_IN
        if link.audience == Audience.TEAM and not _is_member(user, link):
            return Door.CLOSED
    if link.password and not is_passed(link.pk, cookie, "password"):
        return Door.PASSWORD
    return Door.OPEN


def may_go_on(link: ShareLink, user: User | AnonymousUser | None, cookie: str) -> bool:
    """Whether an open page may still get updates: also when the link is used up by now."""
    if share_door(link, user, cookie) is not Door.OPEN:
        return False
    return not link.is_used_up or is_passed(link.pk, cookie, "seen")


def share_going_on(token: str, user: User, session_key: str | None, cookie: str) -> ShareLink | None:
    """The link of an open page while it may get updates; None when it must close."""
    link = share_open(token)
    if link is None or not may_go_on(link, user, cookie):
        return None
    is_known = link.audience == Audience.ANYONE or is_still_signed_in(user, session_key)
    return link if is_known else None


def _is_member(user: User, link: ShareLink) -> bool:
    return Membership.objects.filter(user_id=user.pk, team_id=link.team_id, is_active=True).exists()


def pass_give(response: HttpResponseBase, link_id: UUID, page: str, cookie: str, **more: bool) -> None:
    """Let the browser keep a proof about this link: that it knows the password, or has opened it."""
    known = {**_read(link_id, cookie), **more, "link": str(link_id)}
    for name, path in ((COOKIE, page), (LIVE_COOKIE, f"/ws{page}")):
        # Strict cookies are missing when the link is opened from a mail.
        response.set_cookie(
            name, signing.dumps(known, salt=_SALT), max_age=COOKIE_AGE_S, path=path, httponly=True, samesite="Lax"
        )


def is_passed(link_id: UUID, cookie: str, what: str) -> bool:
    """Whether the browser has this proof about the link."""
    return bool(_read(link_id, cookie).get(what))


def _read(link_id: UUID, cookie: str) -> dict[str, Any]:
    try:
        known = signing.loads(cookie, salt=_SALT, max_age=COOKIE_AGE_S) if cookie else {}
    except signing.BadSignature:
        return {}
    return known if isinstance(known, dict) and known.get("link") == str(link_id) else {}
