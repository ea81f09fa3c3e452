"""A secret that somebody types is sent to its server, and found nowhere else in clear: pages, JSON, logs, database."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from dashboard.runs.models import Run
from dashboard.servers.models import Server
from dashboard.teams.models import Role
from tests.asynchronous import in_db, run_in, working
from tests.factories import make_team, make_user
from tests.integration.test_access import ROWS, addresses
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"Accept": "application/json"}
KEY, SERVER_HEADER, RUN_HEADER, PASSWORD, LINK_PASSWORD = (
    f"canary-{place}-7f3a9c" for place in ("key", "server-header", "run-header", "password", "link-password")
)
CANARIES = (KEY, SERVER_HEADER, RUN_HEADER, PASSWORD, LINK_PASSWORD)


def found_in(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text or canary.encode().hex() in text]


def everything_stored() -> dict[str, list[str]]:
    """The tables with a canary in them."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT string_agg(t::text, chr(10)) FROM "{table}" t')
            if here := found_in(cursor.fetchone()[0] or ""):
                found[table] = here
    return found


def everything_shown(client: Client, objects: dict[str, Any]) -> dict[str, list[str]]:
    """The addresses that show a canary, asked for as a page and as JSON."""
    found = {}
    for name, pattern in addresses().items():
        wanted = pattern.pattern.converters
        if ROWS[name].get is None or not set(wanted) <= set(objects):
            continue
        path = reverse(name, kwargs={part: objects[part] for part in wanted})
        for headers in ({}, JSON):
            answer = client.get(path, {"from": str(objects["run_id"])}, headers=headers)
            content = b"".join(answer) if answer.streaming else answer.content
            if here := found_in(content.decode("utf-8", "replace") + str(answer.headers)):
                found[f"{path} {headers}"] = here
    return found


async def test_secrets_go_where_they_belong_and_nowhere_else(
    scripted: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    team = await in_db(make_team)
    admin = await in_db(make_user, team, role=Role.ADMIN, username="ada")
    await in_db(admin.set_password, PASSWORD)
    await in_db(admin.save)
    client = Client()

    def fill_in() -> Run:
        assert client.post("/accounts/login/", {"username": "ada", "password": PASSWORD}).status_code == 302
        server = {"name": "Samples", "url": scripted.url, "api_key": KEY, "allow_private": "on"}
        answer = client.post("/servers/", {**server, "headers": f'{{"X-Team": "{SERVER_HEADER}"}}'}, headers=JSON)
        assert answer.status_code == 201, answer.content
        launch = {"assistant_id": "chat", "input": "{}", "headers": f'{{"Authorization": "{RUN_HEADER}"}}'}
        answer = client.post("/launch/", launch, headers=JSON)
        assert answer.status_code == 201, answer.content
        return Run.objects.get(pk=answer.json()["id"])

    async with working():
        run = await in_db(fill_in)
        remote = await scripted.run_created()
        sent = " ".join(value for request in scripted.requests for _, value in request.raw_headers)
        remote.finish({"whole": 1})
        await run_in(run, "succeeded")

    share = {"show": ["result", "parameters"], "password": LINK_PASSWORD}
    assert (await in_db(client.post, f"/runs/{run.pk}/shares/", share, headers=JSON)).status_code == 201
    objects = {"run_id": run.pk, "server_id": (await in_db(Server.objects.get)).pk, "kind": "curl"}
    objects |= {"thread_id": run.remote_thread_id}
    assert {canary for canary in CANARIES if canary in sent} == {KEY, SERVER_HEADER, RUN_HEADER}
    assert await in_db(everything_shown, client, objects) == {}
    assert await in_db(everything_stored) == {}
    assert found_in(caplog.text) == []
