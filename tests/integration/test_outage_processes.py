"""Postgres is stopped under real processes, with the connection pools that tests in one process go without."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from dashboard.runs.models import Run
from tests.asynchronous import eventually, in_db
from tests.factories import make_run, make_server, make_team, make_user
from tests.integration.programs import Programs, health
from tests.scripted_server import ScriptedServer
from tests.sockets import Socket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("postgres_comes_back")]

RECOVERY_S = 10.0
START_S = 30.0
STORED_S = 30.0
RUNS = 200


class Page:
    """An open run page, as a browser has it: its socket brings it in pieces, and is opened again when it breaks."""

    def __init__(self, web: str, run: Run, cookie: str) -> None:
        self.shown = b""
        self._address = urlsplit(web).port or 0, f"/ws/runs/{run.pk}/", cookie
        self._living = asyncio.create_task(self._live())

    async def _live(self) -> None:
        while True:
            socket = Socket(*self._address)
            try:
                await socket.open()
                while True:
                    self.shown += await socket.text()
            except (OSError, EOFError):
                await asyncio.sleep(1)
            finally:
                socket.close()

    async def shows(self, words: bytes) -> bool:
        """Whether its socket has brought them."""
        return words in self.shown

    async def close(self) -> None:
        self._living.cancel()
        await asyncio.gather(self._living, return_exceptions=True)


async def open_page(web: str, run: Run) -> Page:
    def sign_in() -> str:
        client = Client()
        client.force_login(make_user(run.team))
        return f"sessionid={client.cookies['sessionid'].value}"

    return Page(web, run, await in_db(sign_in))


async def healthy(url: str) -> bool:
    return (await health(url)).get("status") == "ok"


@pytest.mark.parametrize("away_s", [15.0, pytest.param(60.0, marks=pytest.mark.slow)])
async def test_results_and_an_open_page_survive_an_outage_of_postgres(
    scripted: ScriptedServer, programs: Programs, postgres: Any, away_s: float
) -> None:
    team = await in_db(make_team)
    server = await in_db(make_server, team, url=scripted.url)
    by = await in_db(make_user, team)
    web, worker = programs.web(), programs.worker()
    runs = await in_db(lambda: [make_run(team=team, server=server, by=by) for _ in range(RUNS)])
    running = Run.objects.filter(status="running")
    await eventually(lambda: in_db(lambda: running.count() == RUNS), "all are running", deadline_s=START_S)
    await eventually(lambda: healthy(web), "web and worker are well", deadline_s=START_S)
    page = await open_page(web, runs[-1])
    await eventually(lambda: page.shows(b"Running"), "the page shows its run")

    await in_db(connections.close_all)
    await in_db(postgres.stop)
    away_until = time.monotonic() + away_s
    for remote in scripted.created:
        remote.finish({"run": remote.payload["metadata"]["runboard_run_id"]})
    spool = settings.ENV.data_dir / "spool"
    await eventually(lambda: in_db(lambda: waiting(spool) == RUNS), "all outcomes wait on disk", deadline_s=away_s)
    worker.kill()
    programs.worker()
    while time.monotonic() < away_until:
        said = await health(web)
        assert (said.get("http"), said.get("database")) == (503, False), said
        await asyncio.sleep(1)
    await in_db(postgres.start)
    back_at = time.monotonic()

    await eventually(lambda: healthy(web), "web and worker are well again", deadline_s=RECOVERY_S)
    succeeded = Run.objects.filter(status="succeeded")
    await eventually(lambda: in_db(lambda: succeeded.count() == RUNS), "all results are stored", deadline_s=STORED_S)
    await eventually(lambda: page.shows(b"Succeeded"), "the page shows the end without having been reloaded")
    print(f"all stored and shown {time.monotonic() - back_at:.1f} s after Postgres was back")
    await page.close()
    other = await in_db(make_run, team=team, server=server)
    (await scripted.run_created(RUNS + 1)).finish({})
    await eventually(lambda: in_db(succeeded.filter(pk=other.pk).exists), "a new run works", deadline_s=RECOVERY_S)

    for run in await in_db(lambda: list(Run.objects.filter(pk__in=[run.pk for run in runs]).select_related("result"))):
        assert json.loads(run.result.body) == {"run": str(run.pk)}
    assert len(scripted.created) == scripted.count("wait") == RUNS + 1
    await eventually(lambda: in_db(lambda: waiting(spool) == 0), "nothing is left on disk", deadline_s=STORED_S)


def waiting(spool: Path) -> int:
    """How many outcomes wait on disk."""
    return len(list(spool.glob("*.outcome")))
