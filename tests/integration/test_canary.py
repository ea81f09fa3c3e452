"""A secret that somebody types is sent to its server, and found nowhere else in clear: pages, JSON, logs, database."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from dashboard.env import Mail, OpenID
from dashboard.local.ports import free_port
from dashboard.runs.models import Run
from dashboard.servers.models import Server
from dashboard.teams.models import Role
from tests.asynchronous import in_db, run_in, working
from tests.factories import make_team, make_user
from tests.integration.test_access import ROWS, addresses
from tests.oidc_provider import oidc_provider
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"Accept": "application/json"}
KEY, SERVER_HEADER, RUN_HEADER, PASSWORD, LINK_PASSWORD, PROVIDER_SECRET, MAIL_PASSWORD = (
    f"canary-{place}-7f3a9c"
    for place in ("key", "server-header", "run-header", "password", "link-password", "provider-secret", "mail-password")
)
CANARIES = (KEY, SERVER_HEADER, RUN_HEADER, PASSWORD, LINK_PASSWORD, PROVIDER_SECRET, MAIL_PASSWORD)


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


@pytest.fixture
def connected(settings: Any) -> Iterator[str]:
    """An installation with a provider of OpenID Connect, and with a mail server that is away."""
    with oidc_provider() as issuer:
        openid = OpenID(issuer, "runboard", PROVIDER_SECRET, "Example", ("openid",), "groups", ())
        mail = Mail("127.0.0.1", free_port(), "runboard", MAIL_PASSWORD, "", "runboard@example.org")
        settings.ENV = replace(settings.ENV, openid=openid, mail=mail)
        settings.EMAIL_HOST, settings.EMAIL_PORT = mail.host, mail.port
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = mail.user, mail.password
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.INSTALLED_APPS = [
            *settings.INSTALLED_APPS,
            "dashboard.teams.openid.allauth.Accounts",
            "dashboard.teams.openid.allauth.SocialAccounts",
        ]
        cache.clear()
        yield issuer


def sign_in_with_the_provider(subject: str) -> int:
    """The answer to somebody who comes back from the provider, which was given our secret."""
    browser = Client()
    there = httpx.post(browser.get("/accounts/openid/").headers["Location"], data={"sub": subject})
    back = urlsplit(there.headers["Location"])
    return browser.get(f"{back.path}?{back.query}").status_code


async def test_secrets_go_where_they_belong_and_nowhere_else(
    scripted: ScriptedServer, caplog: pytest.LogCaptureFixture, connected: str
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
    assert await in_db(sign_in_with_the_provider, "grace") == 403, "in no team, so far it went"
    unsent = await in_db(
        client.post, "/people/invitations/", {"role": "viewer", "email": "b@example.org"}, headers=JSON
    )
    assert (unsent.status_code, found_in(unsent.content.decode())) == (422, [])
    assert await in_db(everything_shown, client, objects) == {}
    assert await in_db(everything_stored) == {}
    assert found_in(caplog.text) == []
