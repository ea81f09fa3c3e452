"""Runs that go on at a server while the worker that launched them is gone, for tests of the next worker."""

from __future__ import annotations

from dashboard.runs.models import Run
from dashboard.runs.statuses import ENDS
from tests.asynchronous import in_db, kill, run_in, working
from tests.factories import make_run, make_server, make_team
from tests.scripted_server import ScriptedRun, ScriptedServer


async def left_alone(server: ScriptedServer) -> tuple[Run, ScriptedRun]:
    """A run that goes on at the server, and whose worker was killed."""
    async with working() as worker:
        team = await in_db(make_team)
        ours = await in_db(make_server, team, url=server.url)
        run = await in_db(make_run, team=team, server=ours)
        remote = await server.run_created()
        await run_in(run, "running")
        await kill(worker)
    return run, remote


async def lease_ends(run: Run) -> None:
    """Its lease has run out: the next worker takes it at once."""
    await in_db(Run.objects.filter(pk=run.pk).update, lease_expires_at="2020-01-01T00:00:00Z")


async def adopted(run: Run) -> Run:
    """The run once the next worker has found out how it ended."""
    await lease_ends(run)
    async with working():
        return await run_in(run, *ENDS)
