"""Every write about form links."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.launch.models import Preset
from dashboard.runs.models import ParentKind, Run
from dashboard.runs.services import AlreadyLaunched, LaunchOrder, run_launch
from dashboard.sharing.form_links.selectors import form_links_open
from dashboard.sharing.models import FormLink, ShareLink
from dashboard.teams.models import Team, User
from dashboard.teams.tokens import token_create, token_hash

RESULT_LASTS: Final = timedelta(days=30)
"""How long the sender of a form may see its run."""
NAME_CHARS: Final = 60
HOUR: Final = timedelta(hours=1)


class FormClosed(Exception):
    """The link was used up, revoked or has expired meanwhile. Nothing was launched."""


class TooManyLaunches(Exception):
    """The link has reached its limit of runs in this hour. Nothing was launched."""


@dataclass(frozen=True)
class FormOrder:
    """A new form link, and what it shows of its runs: `shown` holds the columns of `WhatIsShown`."""

    name: str
    shown: dict[str, Any]
    max_launches: int | None = None
    max_per_hour: int | None = None
    password: str = ""
    note: str = ""


def form_link_create(*, preset: Preset, by: User, lifetime: timedelta | None, order: FormOrder) -> tuple[FormLink, str]:
    """Make a form link. Returns it with its token, which is not stored and cannot be shown again.

    Args:
        lifetime: how long it works; None for until it is revoked.
    """
    token, hashed = token_create()
    link = FormLink.objects.create(
        preset=preset,
        token_hash=hashed,
        created_by=by,
        name=(order.name or preset.name)[:NAME_CHARS],
        expires_at=timezone.now() + lifetime if lifetime is not None else None,
        max_launches=order.max_launches,
        max_per_hour=order.max_per_hour,
        password=make_password(order.password) if order.password else "",
        note=order.note,
        **order.shown,
    )
    return link, token


def form_launch(*, link: FormLink, order: LaunchOrder, key: UUID) -> str:
    """Launch the form, once for each `key`. Returns the token of the share link to the run.

    The same form gets the same token again, because it derives from the link, the key and this installation's secret.

    Raises:
        FormClosed, TooManyLaunches: nothing was launched.
    """
    token = _result_token(link, key)
    if ShareLink.objects.filter(token_hash=token_hash(token)).exists():
        return token
    with transaction.atomic():
        # Locked, so that the second of two launches counts the first.
        now = form_links_open().select_for_update(of=("self",)).filter(pk=link.pk).first()
        if now is None or now.created_by is None:
            raise FormClosed
        if ShareLink.objects.filter(token_hash=token_hash(token)).exists():
            return token  # a double click: the other one was faster
        if now.is_used_up:
            raise FormClosed
        if now.max_per_hour is not None and _launched_lately(now) >= now.max_per_hour:
            raise TooManyLaunches
        order = replace(order, link_for=now.name, parent_kind=ParentKind.FORM, parent=None, launch_key=key)
        try:
            run = run_launch(team=now.preset.team, by=now.created_by, order=order)
        except AlreadyLaunched:
            raise FormClosed from None  # the key of another form, which must not be revealed here
        _share(now, run, token)
        FormLink.objects.filter(pk=now.pk).update(launches=F("launches") + 1, last_launched_at=Now())
    return token


def form_link_revoke(link: FormLink) -> None:
    """Make a form stop working at once; the runs it has launched stay shared until their own links are revoked."""
    FormLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now())


def form_links_revoke(*, team: Team, person: str) -> int:
    """Make all forms of a person stop working; returns how many still worked."""
    found = FormLink.objects.filter(preset__team=team, created_by__username=person, revoked_at=None)
    return found.update(revoked_at=timezone.now())


def _share(link: FormLink, run: Run, token: str) -> None:
    ShareLink.objects.create(
        team_id=run.team_id,
        run=run,
        form_link=link,
        token_hash=token_hash(token),
        created_by=link.created_by,
        expires_at=timezone.now() + RESULT_LASTS,
        show=link.show,
        keys=link.keys,
        redact=link.redact,
        redact_kinds=link.redact_kinds,
        redact_patterns=link.redact_patterns,
    )


def _launched_lately(link: FormLink) -> int:
    return ShareLink.objects.filter(form_link=link, created_at__gt=Now() - HOUR).count()


def _result_token(link: FormLink, key: UUID) -> str:
    digest = hmac.digest(settings.SECRET_KEY.encode(), f"form link {link.pk} {key}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
