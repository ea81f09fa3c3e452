"""Making links to several runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from dashboard.history.filters import RunFilters
from dashboard.servers.models import Server
from dashboard.sharing.models import RunSet, SetKind, ShareLink
from dashboard.sharing.services import ShareOrder, link_make
from dashboard.sharing.sets.selectors import run_ids_that_match, runs_of
from dashboard.sharing.sets.shown import run_row
from dashboard.sharing.shown import SharedRun
from dashboard.teams.models import Team, User

FROZEN_ROWS: Final = 200
"""How many runs a frozen view keeps."""


@dataclass(frozen=True)
class SetOrder:
    """The runs of a new link. See `RunSet` for the fields; `is_frozen` keeps the rows of a view as they are."""

    kind: SetKind
    name: str
    run_ids: list[UUID] = field(default_factory=list)
    server: Server | None = None
    thread_id: str = ""
    query: str = ""
    is_frozen: bool = False


def set_share(
    *, team: Team, by: User, lifetime: timedelta | None, runs: SetOrder, order: ShareOrder
) -> tuple[ShareLink, str]:
    """Make a link to several runs. Returns it with its token, which is not stored and cannot be shown again."""
    with transaction.atomic():
        link, token = link_make(team=team.pk, run=None, by=by, lifetime=lifetime, order=order)
        run_ids, rows = runs.run_ids, ""
        if runs.kind == SetKind.VIEW and runs.is_frozen:
            run_ids = run_ids_that_match(team, RunFilters.from_text(runs.query), FROZEN_ROWS)
            kept = [run_row(SharedRun(link, run)) for run in runs_of(team.pk, run_ids)]
            rows = json.dumps(kept, ensure_ascii=False)
        RunSet.objects.create(
            link=link,
            kind=runs.kind,
            name=runs.name,
            run_ids=run_ids,
            server=runs.server,
            thread_id=runs.thread_id,
            query=runs.query,
            rows_json=rows,
        )
    return link, token
