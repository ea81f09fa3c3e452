"""Large final states through a real worker process: it needs a few times their size in memory, whatever they hold.

Each state comes three times: as the answer, in the thread's state, which has the same values again, and on its way into
Postgres. As Python objects the hostile ones would take ten to thirty times their size.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.runs.models import Run, RunResult
from tests.asynchronous import eventually, in_db
from tests.factories import make_run, make_server, make_team
from tests.integration.programs import Programs
from tests.scripted_server import VerbatimServer

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = 4
DEADLINE_S = 240.0
MB = 1_000_000


def short_keys(size: int) -> bytes:
    return b"{" + b",".join(b'"k%d":%d' % (number, number % 10) for number in range(size // 12)) + b"}"


def small_lists(size: int) -> bytes:
    return b'{"rows":[' + b"[1,{},[]]," * (size // 10) + b'1],"__error__":0,"__interrupt__":[]}'


def noise(size: int) -> bytes:
    letters = bytes(byte % 64 + 35 if byte % 64 != 57 else 97 for byte in range(256))
    return b'{"noise":"' + random.Random(1).randbytes(size).translate(letters) + b'"}'


def one_question(size: int) -> bytes:
    return b'{"__interrupt__":[{"value":[' + b"[1]," * (size // 4) + b'1],"id":"q1"}]}'


def high_water_mark(pid: int) -> int:
    """The most memory a process has ever held, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024


async def ended(run: Run) -> Run:
    async def look() -> bool:
        return await in_db(Run.objects.filter(pk=run.pk, finished_at__isnull=False).exists)

    await eventually(look, "the run has ended", deadline_s=DEADLINE_S)
    return await in_db(Run.objects.get, pk=run.pk)


@pytest.mark.parametrize(
    ("make", "megabytes", "status"),
    [
        (short_keys, 24, "succeeded"),
        (one_question, 24, "needs_input"),
        pytest.param(short_keys, 64, "succeeded", marks=pytest.mark.slow),
        pytest.param(small_lists, 24, "succeeded", marks=pytest.mark.slow),
        pytest.param(noise, 200, "succeeded", marks=pytest.mark.slow),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
async def test_a_worker_needs_less_than_four_times_the_state(
    programs: Programs, make: Callable[[int], bytes], megabytes: int, status: str
) -> None:
    body = make(megabytes * MB)
    documents = {"small": b"{}", "large": body}
    async with VerbatimServer(lambda payload: documents[payload["input"]["size"]]) as server:
        process = programs.worker()
        team = await in_db(make_team)
        ours = await in_db(make_server, team, url=server.url)

        async def launch(size: str) -> Run:
            return await in_db(make_run, team=team, server=ours, params={"input": {"size": size}})

        await ended(await launch("small"))
        idle = high_water_mark(process.pid)
        run = await ended(await launch("large"))
        peak = high_water_mark(process.pid)
        after = await ended(await launch("small"))

    assert (run.status, after.status) == (status, "succeeded")
    assert peak - idle < TIMES * len(body)
    stored = await in_db(RunResult.objects.values_list("size_bytes", "sha256").get, run=run)
    assert (stored[0], bytes(stored[1])) == (len(body), hashlib.sha256(body).digest())
