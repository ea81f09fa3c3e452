"""Checks of servers: requested in the web process, done by a worker, reported in sentences."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from dashboard.servers import services
from dashboard.servers.models import Assistant, Server, ServerCheck
from tests.asynchronous import eventually, in_db, working
from tests.factories import make_run, make_server, make_team, make_user
from tests.scripted_server import Fault, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)


async def findings_of(server: Server) -> dict[str, dict[str, Any]]:
    """What the next check of the server finds, by key."""
    check = await in_db(services.server_check_request, server=server, by=None)

    async def finished() -> ServerCheck | None:
        found: ServerCheck = await in_db(ServerCheck.objects.get, pk=check.pk)
        return found if found.finished_at else None

    done = await eventually(finished, "the check finished")
    return {finding["key"]: finding for finding in done.findings}


async def test_a_check_reports_what_the_server_is_and_keeps_its_assistants(scripted: ScriptedServer) -> None:
    server = await in_db(make_server, await in_db(make_team), url=scripted.url)

    async with working():
        found = await findings_of(server)

    await in_db(server.refresh_from_db)
    assert found["reach"]["tone"] == "success"
    assert found["version"]["title"].startswith("LangGraph API")
    assert found["heartbeats"]["title"] == "No heartbeat yet"
    assert found["assistants"]["tone"] == "success"
    assert server.problem == ""
    assert await in_db(Assistant.objects.filter(server=server).exists)


async def test_a_heartbeat_of_a_run_is_remembered(scripted: ScriptedServer, quick_worker: None) -> None:
    server = await in_db(make_server, await in_db(make_team), url=scripted.url)
    await in_db(make_run, server=server, by=await in_db(make_user, server.team))

    async with working():
        await scripted.run_created()

        async def heard() -> bool:
            found = await findings_of(server)
            return bool(found["heartbeats"]["title"] == "It sends heartbeats")

        await eventually(heard, "a heartbeat")


@pytest.mark.parametrize(
    ("fault", "title"),
    [
        (Fault(status=401, detail="no key"), "It refuses Runboard"),
        (Fault(status=403, detail="wrong key"), "It refuses Runboard"),
        (Fault(status=404, detail="Not Found"), "Something answers, but it is no LangGraph server"),
        (Fault(status=200, body=b"<h1>hello</h1>"), "Something answers, but it is no LangGraph server"),
    ],
)
async def test_what_is_wrong_is_said_with_what_to_do(scripted: ScriptedServer, fault: Fault, title: str) -> None:
    server = await in_db(make_server, await in_db(make_team), url=scripted.url)
    scripted.script("info", fault, times=None)

    async with working():
        found = await findings_of(server)

    assert list(found) == ["reach"]
    assert found["reach"]["title"] == title
    assert found["reach"]["do"]


async def test_a_private_address_that_is_not_allowed_is_named(scripted: ScriptedServer) -> None:
    server = await in_db(make_server, await in_db(make_team), url=scripted.url)
    await in_db(Server.objects.filter(pk=server.pk).update, allow_private=False)

    async with working():
        found = await findings_of(server)

    assert found["reach"]["title"] == "Its address is private"
    assert "127.0.0.1 is a loopback address" in found["reach"]["text"]
    assert scripted.requests == []


async def test_schemas_that_do_not_come_are_named_and_the_last_known_form_stays(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await in_db(make_server, await in_db(make_team), url=scripted.url)
    async with working():
        await findings_of(server)
        before = await in_db(lambda: list(Assistant.objects.filter(server=server).values_list("schemas_text")))
        scripted.script("schemas", Fault(status=500), times=None)
        found = await findings_of(server)

    after = await in_db(lambda: list(Assistant.objects.filter(server=server).values_list("schemas_text")))
    assert found["schemas"]["tone"] == "attention"
    assert "typing_extensions" in found["schemas"]["do"]
    assert before == after != []


def test_a_check_that_is_open_is_not_asked_for_twice_and_is_taken_once() -> None:
    server = make_server(make_team())

    first = services.server_check_request(server=server, by=None)
    second = services.server_check_request(server=server, by=None)
    taken = [services.server_check_claim(), services.server_check_claim()]

    assert first.pk == second.pk
    assert [check.pk if check else None for check in taken] == [first.pk, None]


def test_a_check_whose_worker_died_is_taken_by_another() -> None:
    check = services.server_check_request(server=make_server(make_team()), by=None)
    services.server_check_claim()
    ServerCheck.objects.filter(pk=check.pk).update(claimed_at=Now() - timedelta(minutes=2))

    again = services.server_check_claim()
    services.server_check_finish(check=check, findings=[{"key": "first"}])
    services.server_check_finish(check=check, findings=[{"key": "second"}])

    assert again is not None
    check.refresh_from_db()
    assert check.findings == [{"key": "first"}]


def test_what_people_changed_of_a_registered_server_survives_the_next_start() -> None:
    team = make_team()
    server = services.server_register(team=team, name="LangGraph", url="http://127.0.0.1:1", api_key="k")
    Server.objects.filter(pk=server.pk).update(name="Samples", max_runs=3, url="http://127.0.0.1:2")

    same = services.server_register(team=team, name="LangGraph", url="http://127.0.0.1:1", api_key="k")
    moved = services.server_register(team=team, name="LangGraph", url="http://127.0.0.1:5", api_key="k")

    assert (same.pk, same.name, same.url, same.max_runs) == (server.pk, "Samples", "http://127.0.0.1:2", 3)
    assert (moved.pk, moved.name, moved.url, moved.max_runs) == (server.pk, "Samples", "http://127.0.0.1:5", 3)
    assert moved.allow_private
