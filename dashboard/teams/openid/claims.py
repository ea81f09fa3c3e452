"""What an OpenID Connect provider says about somebody, and whether there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from dashboard.env import OpenID
from dashboard.teams.api_tokens import SERVICE
from dashboard.teams.models import Role
from dashboard.text import is_seen

RANK = [Role.VIEWER, Role.MEMBER, Role.ADMIN]


def openid() -> OpenID | None:
    """The provider of this installation; None when none is configured."""
    found: OpenID | None = settings.ENV.openid
    return found


def openid_name() -> str:
    """The label of its button; "" without one."""
    found = openid()
    return found.name if found else ""


class ClaimsUnusable(Exception):
    """The provider's claims do not identify anybody."""


@dataclass(frozen=True)
class Claims:
    """Somebody at the provider. `email` is empty unless the provider says that it is verified."""

    issuer: str
    subject: str
    email: str
    username: str
    full_name: str
    groups: frozenset[str]


def claims_read(found: OpenID, said: Mapping[str, Any]) -> Claims:
    """Read the claims of an ID token and of the userinfo answer.

    Raises:
        ClaimsUnusable: they hold no usable `sub`.
    """
    subject = said.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or "\x00" in subject:
        raise ClaimsUnusable("the provider says no sub")
    email = _text(said, "email", 254) if said.get("email_verified") in (True, "true") else ""
    try:
        validate_email(email)
    except ValidationError:
        email = ""
    return Claims(
        issuer=found.issuer,
        subject=subject,
        email=email,
        username=_text(said, "preferred_username", 150) or _text(said, "email", 254).split("@")[0],
        full_name=_name(_text(said, "name", 150)),
        groups=frozenset(_groups(said.get(found.groups_claim))),
    )


def roles_of(claims: Claims, found: OpenID) -> dict[str, Role]:
    """The role in each team, by its slug, that somebody's groups give: the highest, where several do."""
    roles: dict[str, Role] = {}
    for group, team, role in found.groups:
        if group in claims.groups:
            roles[team] = max(roles.get(team, Role.VIEWER), Role(role), key=RANK.index)
    return roles


def _name(text: str) -> str:
    """Somebody's name; "" for one that looks like one of our services, or is invisible."""
    return "" if text.lower().startswith(SERVICE.strip()) or not is_seen(text) else text


def _text(said: Mapping[str, Any], name: str, most: int) -> str:
    value = said.get(name)
    return value.replace("\x00", "").strip()[:most] if isinstance(value, str) else ""


def _groups(said: object) -> list[str]:
    """A list of names, or one name; anything else is no group."""
    return [name for name in (said if isinstance(said, list) else [said]) if isinstance(name, str)]
