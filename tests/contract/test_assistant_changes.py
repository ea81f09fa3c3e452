"""Assistants are made, changed, taken back and deleted on the real server, as an admin asks for it in the browser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from dashboard.langgraph import get_client
from dashboard.servers.models import Assistant, AssistantChange
from dashboard.teams.models import Role
from tests.asynchronous import eventually, in_db, working
from tests.factories import make_server, make_team, make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("coroutine_connections", "static_files")]

JSON = {"accept": "application/json"}


async def test_the_life_of_an_assistant(langgraph_url: str) -> None:
    team = await in_db(make_team)
    server = await in_db(make_server, team, url=langgraph_url)
    client = Client()
    await in_db(client.force_login, await in_db(make_user, team, role=Role.ADMIN))

    async def do(address: str, **fields: str) -> Any:
        answer = await in_db(client.post, f"/assistants/{server.pk}/{address}", fields, headers=JSON)
        assert answer.status_code == 202, answer.content
        change = answer.json()["change"]

        async def done() -> AssistantChange | None:
            found: AssistantChange = await in_db(AssistantChange.objects.get, pk=change)
            return found if found.finished_at else None

        assert (await eventually(done, "the change done")).problem == ""
        return answer.json()["id"]

    async def known(**where: Any) -> Assistant:
        async def look() -> Assistant | None:
            return await in_db(Assistant.objects.filter(server=server, **where).first)

        return await eventually(look, f"an assistant {where}")

    async with working():
        default = await known(graph_id="echo", name="echo")
        made = await do(f"{default.assistant_id}/copy/", name="Loud", context=json.dumps({"tone": "loud"}))
        loud = await known(name="Loud")
        await do(f"{made}/edit/", name="Louder", description="", context=json.dumps({"tone": "louder"}))
        changed = await known(name="Louder", version=2)
        await do(f"{made}/version/", version="1")
        async with get_client(langgraph_url) as remote:
            back: Any = await remote.assistants.get(made)
        await do(f"{made}/delete/")

        async def gone() -> bool:
            return not await in_db(Assistant.objects.filter(server=server, assistant_id=made).exists)

        await eventually(gone, "the assistant gone")

    assert (str(loud.assistant_id), loud.graph_id, loud.settings) == (made, "echo", {"context": {"tone": "loud"}})
    assert changed.settings == {"context": {"tone": "louder"}}
    assert back["version"] == 1  # the dev server takes its config back, not its context
