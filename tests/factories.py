"""Plain functions that make rows for tests. Runs go through the real services, so that what they make could exist."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

from django.db.models import Q

from dashboard.runs import leases, outcomes, services
from dashboard.runs.leases import Lease, lease_of
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.outcomes import Outcome, RunError
from dashboard.runs.services import LaunchOrder
from dashboard.runs.statuses import ENDS, RunStatus
from dashboard.servers.models import Server
from dashboard.servers.services import server_register
from dashboard.teams.models import Membership, Role, Team, User

_numbers = itertools.count(1)


def make_team(name: str = "") -> Team:
    number = next(_numbers)
    return Team.objects.create(name=name or f"Team {number}", slug=f"team-{number}-{uuid.uuid4().hex[:6]}")


def make_user(team: Team | None = None, *, role: Role = Role.MEMBER, username: str = "", password: str = "") -> User:
    user = User(username=username or f"person-{next(_numbers)}")
    if password:
        user.set_password(password)
    user.save()
    if team is not None:
        Membership.objects.create(team=team, user=user, role=role)
    return user


def make_server(team: Team, *, url: str = "http://127.0.0.1:9", name: str = "") -> Server:
    return server_register(team=team, name=name or f"server-{next(_numbers)}", url=url)


def make_run(
    *,
    team: Team | None = None,
    by: User | None = None,
    server: Server | None = None,
    status: RunStatus = RunStatus.QUEUED,
    body: bytes | None = None,
    error: RunError | None = None,
    ending: dict[str, Any] | None = None,
    thread: ThreadChoice = ThreadChoice.NEW,
    thread_id: str | None = None,
    params: dict[str, Any] | None = None,
    **order: Any,
) -> Run:
    """A run in `status`, brought there by the steps a worker takes."""
    team = team or (server.team if server else make_team())
    by = by or make_user(team)
    server = server or make_server(team)
    run = services.run_launch(
        team=team,
        by=by,
        order=LaunchOrder(
            server=server,
            assistant_id=order.pop("assistant_id", "chat"),
            thread_choice=thread,
            thread_id=thread_id,
            params={"input": {"topic": "tides"}} if params is None else params,
            **order,
        ),
    )
    if status != RunStatus.QUEUED:
        _advance(run, by, status, Outcome(status, error=error, body=body, ending=ending or {}))
    run.refresh_from_db()
    return run


def claim(run: Run) -> Lease:
    """The run is `starting`. A claim that names its run: claiming the oldest would take other runs of the test away."""
    return lease_of(leases._take(uuid.uuid4(), 1, Q(pk=run.pk), leases._claim)[0])


def _advance(run: Run, by: User, status: RunStatus, outcome: Outcome) -> None:
    lease = claim(run)
    if status == RunStatus.STARTING:
        return
    leases.run_sending(lease)
    leases.run_created_on_server(
        lease,
        remote_run_id=str(uuid.uuid4()),
        remote_thread_id=run.remote_thread_id or str(uuid.uuid4()),
        starts_later=status == RunStatus.SCHEDULED,
    )
    if status == RunStatus.CANCELLING:
        services.run_cancel(run=run, by=by)
    if status in ENDS:
        outcomes.run_finish(lease, outcome)
