"""A final state of any size costs a web process a few pieces of it, however it is asked for."""

from __future__ import annotations

import asyncio
import hashlib
import urllib.request
from collections.abc import Callable

import pytest

from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.sharing.services import share_create
from tests.asynchronous import eventually, in_db
from tests.factories import make_run, make_user
from tests.integration.programs import Programs, health
from tests.integration.test_worker_memory import high_water_mark, noise, short_keys

pytestmark = pytest.mark.django_db(transaction=True)

MB = 1_000_000


def shared(body: bytes) -> tuple[Run, str]:
    """A run with this final state, and the token of its share link."""
    run = make_run(status=RunStatus.SUCCEEDED, body=body)
    return run, share_create(run=run, by=make_user(run.team), lifetime=None)[1]


def fetched(url: str) -> tuple[int, str]:
    """The size and the hash of what is there, read in pieces."""
    size, digest = 0, hashlib.sha256()
    with urllib.request.urlopen(url, timeout=60) as answer:
        while piece := answer.read(MB):
            size += len(piece)
            digest.update(piece)
    return size, digest.hexdigest()


@pytest.mark.parametrize("make", [noise, pytest.param(short_keys, marks=pytest.mark.slow)])
async def test_showing_and_downloading_a_large_state_is_cheap(programs: Programs, make: Callable[[int], bytes]) -> None:
    body = make(100 * MB)
    (_, token), (_, small) = await in_db(shared, body), await in_db(shared, b"{}")
    url = programs.web()
    await eventually(lambda: health(url), "the web process answers", deadline_s=30)
    pid = programs.pids()[-1]
    for path in (f"{url}/s/{small}/", f"{url}/s/{small}/result.json"):
        await asyncio.to_thread(fetched, path)
    idle = high_water_mark(pid)

    page, _ = await asyncio.to_thread(fetched, f"{url}/s/{token}/")
    downloads = await asyncio.gather(*(asyncio.to_thread(fetched, f"{url}/s/{token}/result.json") for _ in range(2)))
    peak = high_water_mark(pid)

    assert page < 200_000
    assert downloads == [(len(body), hashlib.sha256(body).hexdigest())] * 2
    assert peak - idle < 0.5 * len(body)
