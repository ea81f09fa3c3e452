"""From a change's commit to the HTML at every open run page; the baseline is a bare LISTEN in the same place."""

from __future__ import annotations

import time

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client

from dashboard.runs.events import EventKind
from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.runs.transitions import event_append
from dashboard.teams.models import User
from tests.bench.measuring import clock, percentile, table
from tests.bench.pages import MARKER
from tests.bench.programs import Program, Web
from tests.factories import make_run, make_team, make_user

pytestmark = pytest.mark.django_db(transaction=True)

BARE_CHANNEL = "bench_bare"
CHANGES = {1: 60, 100: 20, 1_000: 9}
"""How many changes are made for so many open pages."""
WANTED = {(100, 95): 50.0}
"""Milliseconds, by pages and percentile."""
LAST_MS = {1_000: 150.0}
"""When the last page has it."""
ALONE_S = 0.3
"""Before each change: those that come faster than ten a second are bundled, and wait for each other."""


def test_push(database_url: str) -> None:
    with table("Push, commit of a change to HTML at the open pages") as figures, Web(database_url) as web:
        bare = _bare(database_url)
        for percent in (50, 99):
            figures.figure(f"bare LISTEN, p{percent}", percentile(bare, percent) * 1000, "ms")
        for pages, changes in CHANGES.items():
            team = make_team()
            run, user = make_run(team=team, status=RunStatus.RUNNING), make_user(team)
            took, renders, last = _pushed(web, run, user, pages, changes)
            for percent in (50, 95, 99):
                ours, listened = percentile(took, percent) * 1000, percentile(bare, percent) * 1000
                wanted = WANTED.get((pages, percent))
                figures.ratio(f"{pages:,} open, p{percent}", ours, listened, "ms", than="bare LISTEN", below=wanted)
            late, most = percentile(last, 50) * 1000, LAST_MS.get(pages)
            wanted_ms = f"under {most:g} ms" if most else ""
            what = f"{pages:,} open, the last one has it, p50"
            figures.figure(what, late, "ms", wanted=wanted_ms, is_met=not most or late < most)
            once = renders / changes
            figures.figure(f"{pages:,} open, renders per change", once, wanted="1", is_met=once == 1)


def _bare(database_url: str) -> list[float]:
    """Seconds from a commit until a bare listener has the notice."""
    found = []
    with Program("-m", "tests.bench.pages", "listen", BARE_CHANNEL, database_url=database_url) as listener:
        assert listener.ask("1") == "open"
        for change in range(1, CHANGES[1] + 1):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_notify(%s, %s)", [BARE_CHANNEL, MARKER.format(change)])
                committed_at = clock()
            found.append(listener.hear()[0] - committed_at)
    return found


def _pushed(web: Web, run: Run, user: User, pages: int, changes: int) -> tuple[list[float], int, list[float]]:
    """Seconds to each page for each change, how many renderings they took, and seconds to the last page of each."""
    found: list[float] = []
    last: list[float] = []
    client = Client()
    client.force_login(user)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    with Program("-m", "tests.bench.pages", str(web.port), f"/ws/runs/{run.pk}/", cookie) as browser:
        assert browser.ask(str(pages)) == "open"
        before = web.renders()
        for change in range(1, changes + 1):
            time.sleep(ALONE_S)
            with transaction.atomic():
                event_append(run, EventKind.WARNING, {"message": MARKER.format(change)})
                committed_at = clock()
            reached = browser.hear()
            assert len(reached) == pages
            found += [at - committed_at for at in reached]
            last.append(max(reached) - committed_at)
        renders = web.renders() - before
    return found, renders, last
