"""Every write about answer links."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from dashboard.answers.models import AnswerLink
from dashboard.runs.models import Run
from dashboard.teams.models import Team, User
from dashboard.teams.tokens import token_create

A_MINUTE = 60
"""The most requests for one link in a minute."""

COUNT_SQL = """
    UPDATE answers_answerlink SET
        window_count = CASE WHEN window_at > clock_timestamp() - interval '1 minute' THEN window_count + 1 ELSE 1 END,
        window_at = CASE WHEN window_at > clock_timestamp() - interval '1 minute' THEN window_at
                         ELSE clock_timestamp() END
    WHERE id = %s
    RETURNING window_count
"""


class LinkEnded(Exception):
    """The link was used, revoked or has expired meanwhile. Nothing was launched."""


def link_create(
    *, run: Run, by: User, name: str, lifetime: timedelta | None, password: str = ""
) -> tuple[AnswerLink, str]:
    """Make a link. Returns it with its token, which is not stored and cannot be shown again.

    Args:
        lifetime: how long it works; None for until it is used or revoked.
        password: needed to open it; "" for none.
    """
    token, hashed = token_create()
    link = AnswerLink.objects.create(
        run=run,
        created_by=by,
        name=name,
        token_hash=hashed,
        password=make_password(password) if password else "",
        expires_at=timezone.now() + lifetime if lifetime is not None else None,
    )
    return link, token


def link_revoke(*, team: Team, link_id: UUID) -> bool:
    """Make a link stop working at once, if it still works. False when it is not the team's."""
    link = AnswerLink.objects.filter(run__team=team, pk=link_id)
    return bool(link.filter(revoked_at=None, used_at=None).update(revoked_at=Now())) or link.exists()


def link_take(link: AnswerLink) -> None:
    """Use the link up, in the transaction that launches its answer: without a launch, it stays unused.

    Raises:
        LinkEnded: somebody was faster.
    """
    still = AnswerLink.objects.filter(pk=link.pk, used_at=None, revoked_at=None)
    if not still.filter(Q(expires_at=None) | Q(expires_at__gt=Now())).update(used_at=Now()):
        raise LinkEnded


def link_count(link: AnswerLink) -> bool:
    """Count a request. False when there were too many in this minute."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_SQL, [link.pk])
        found = cursor.fetchone()
    return found is None or found[0] <= A_MINUTE
