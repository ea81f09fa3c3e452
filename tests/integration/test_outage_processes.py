"""Postgres is stopped under real processes, with the connection pools that tests in one process go without."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from dashboard.local.ports import free_port
from dashboard.local.tether import tethered
from tests.asynchronous import eventually, in_db, run_in
from tests.factories import make_run, make_server, make_team
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
AWAY_S = 12.0
RECOVERY_S = 10.0


@pytest.fixture
def web_and_worker(database_url: str, postgres: Any) -> Iterator[str]:
    """The address of a web process; a worker runs beside it."""
    port = free_port()
    commands = [
        [sys.executable, "manage.py", "run_worker"],
        [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "dashboard.asgi:application"],
    ]
    started = [
        subprocess.Popen(
            tethered(command, on_parent_death=signal.SIGKILL),
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": database_url},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for command in commands
    ]
    yield f"http://127.0.0.1:{port}"
    for process in started:
        process.kill()
        process.wait(10)
    postgres.start()
    connections.close_all()


def health(url: str) -> dict[str, Any]:
    """What /healthz says; {} while nobody answers there."""
    try:
        with urllib.request.urlopen(url + "/healthz", timeout=8) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as refused:
        return dict(json.load(refused))
    except OSError:
        return {}


async def healthy(url: str) -> bool:
    return (await asyncio.to_thread(health, url)).get("status") == "ok"


async def test_web_and_worker_recover_by_themselves_within_ten_seconds(
    scripted: ScriptedServer, web_and_worker: str, postgres: Any
) -> None:
    team = await in_db(make_team)
    server = await in_db(make_server, team, url=scripted.url)
    run = await in_db(make_run, team=team, server=server)
    remote = await scripted.run_created(timeout_s=20)
    await run_in(run, "running")
    await eventually(lambda: healthy(web_and_worker), "web and worker are well", deadline_s=20)

    await in_db(connections.close_all)
    await in_db(postgres.stop)
    remote.finish({"kept": 1})
    away_until = time.monotonic() + AWAY_S
    while time.monotonic() < away_until:
        said = await asyncio.to_thread(health, web_and_worker)
        assert said.get("database") is False, said
    await in_db(postgres.start)

    await eventually(lambda: healthy(web_and_worker), "web and worker are well again", deadline_s=RECOVERY_S)
    ended = await run_in(run, "succeeded", deadline_s=RECOVERY_S)
    other = await in_db(make_run, team=team, server=server)
    (await scripted.run_created(2)).finish({})
    await run_in(other, "succeeded", deadline_s=RECOVERY_S)

    assert json.loads(ended.result.body) == {"kept": 1}
    assert len(scripted.created) == 2
