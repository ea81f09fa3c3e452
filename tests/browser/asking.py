"""Runs that ask something, for the pages where a person answers."""

from __future__ import annotations

import json
from typing import Any

from dashboard.runs.models import Run
from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team, User
from tests.browser.steps import finish, start
from tests.factories import make_run

ANSWER = {
    "type": "object",
    "properties": {
        "decision": {"type": "string", "enum": ["approve", "reject"]},
        "comment": {"type": "string", "title": "Comment"},
    },
    "required": ["decision"],
}


def asks(*values: Any, schema: Any = None) -> Outcome:
    interrupts = [{"id": f"q{place}", "value": value, "response_schema": schema} for place, value in enumerate(values)]
    body = json.dumps({"__interrupt__": interrupts}).encode()
    return Outcome(RunStatus.NEEDS_INPUT, body=body, ending={"interrupts": interrupts, "next": ["ask"]})


def waiting_run(team: Team, user: User, outcome: Outcome, **more: Any) -> Run:
    run = make_run(team=team, by=user, server=team.servers.get(), **more)
    finish(start(run), outcome)
    return run
