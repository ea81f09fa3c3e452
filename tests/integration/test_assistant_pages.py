"""Assistants as pages and JSON; two of one graph have distinct titles everywhere."""

from __future__ import annotations

import html
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.history.filters import RunFilters
from dashboard.history.insights import insights
from dashboard.runs.models import Run
from dashboard.runs.related import runs_related
from dashboard.runs.statuses import RunStatus
from dashboard.servers.models import Assistant, Server, ServerCheck
from dashboard.servers.selectors import assistant_titles
from dashboard.servers.services import AssistantFound, server_seen, server_unreachable
from dashboard.teams.models import Role, Team
from tests.factories import make_run, make_server, make_team, make_user
from tests.words import flat

pytestmark = pytest.mark.django_db

JSON = {"accept": "application/json"}
SCHEMA = {"type": "object", "properties": {"zeta": {"type": "string", "title": "Topic"}, "alpha": {"type": "integer"}}}
GRAPH = {
    "nodes": [{"id": name} for name in ("__start__", "plan", "write", "__end__")],
    "edges": [
        {"source": "__start__", "target": "plan"},
        {"source": "plan", "target": "write", "conditional": True},
        {"source": "write", "target": "__end__"},
    ],
}
DEFAULT, TUNED = uuid.UUID(int=1), uuid.UUID(int=2)


def found(assistant_id: uuid.UUID, name: str, graph_id: str = "report", **more: Any) -> AssistantFound:
    return AssistantFound(assistant_id=assistant_id, graph_id=graph_id, name=name, **more)


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def server(team: Team) -> Server:
    server = make_server(team, name="Samples")
    server_seen(
        server=server,
        version="1",
        assistants=[
            found(
                DEFAULT,
                "report",
                schemas={"input_schema": SCHEMA},
                description="Plans a report.",
                version=3,
                graph=GRAPH,
            ),
            found(TUNED, "Weekly", schemas={"input_schema": SCHEMA}, settings={"context": {"tone": "plain"}}),
        ],
    )
    return server


@pytest.fixture
def browser(team: Team) -> Client:
    client = Client()
    client.force_login(make_user(team, role=Role.MEMBER))
    return client


def test_a_person_who_has_not_chosen_sees_what_there_is_to_launch(team: Team, server: Server) -> None:
    browser = Client()
    browser.force_login(make_user(team))

    bare = browser.get("/launch/").content.decode()
    (weekly,) = re.findall(rf'href="(/launch/\?assistant_id=Weekly[^"]*&amp;server={server.pk})"', bare)
    assert "Plans a report." in bare

    chosen = browser.get(html.unescape(weekly)).content.decode()
    assert 'name="input/zeta"' in chosen
    assert "to-choose" not in chosen
    assert "to-choose" not in browser.get("/launch/?input=%7B%7D").content.decode(), "a link brings its own input"


def test_the_list_as_json_has_the_schemas_in_the_servers_order(browser: Client, server: Server) -> None:
    (first, second) = browser.get("/assistants/", headers=JSON).json()["assistants"]

    assert (first["id"], first["name"], first["graph_id"]) == (str(TUNED), "Weekly", "report")
    assert (second["description"], second["version"]) == ("Plans a report.", 3)
    assert second["server"] == {"id": str(server.pk), "name": "Samples"}
    assert list(second["input_schema"]["properties"]) == ["zeta", "alpha"]
    assert second["context_schema"] is None
    assert second["seen_at"]


def test_only_what_changed_is_written_again(server: Server) -> None:
    """Schemas are large, and asked for every half minute."""
    described = {"input_schema": SCHEMA | {"description": "Plans a report.\n\nThen writes it."}}
    first = found(DEFAULT, "report", schemas=described)
    server_seen(server=server, version="1", assistants=[first])
    assistant = Assistant.objects.get()
    seen_at = assistant.seen_at

    with CaptureQueriesContext(connection) as asked:
        server_seen(server=server, version="1", assistants=[first])
    assistant.refresh_from_db()
    assert not [one["sql"] for one in asked.captured_queries if '"schemas_text" =' in one["sql"]]
    assert (assistant.about, assistant.seen_at > seen_at) == ("Plans a report.", True)

    server_seen(server=server, version="1", assistants=[found(DEFAULT, "report", description="Rewrites.")])
    assistant.refresh_from_db()
    assert (assistant.about, assistant.schemas) == ("Rewrites.", described)


def test_strangers_see_none(server: Server) -> None:
    stranger = Client()
    stranger.force_login(make_user(make_team()))

    assert stranger.get("/assistants/", headers=JSON).json() == {"assistants": []}
    assert stranger.get(f"/assistants/{server.pk}/{DEFAULT}/").status_code == 404
    assert stranger.post("/assistants/refresh/", headers=JSON).json()["servers"] == []


def test_runs_of_two_assistants_of_one_graph_are_distinguished(browser: Client, team: Team, server: Server) -> None:
    by = make_user(team)
    plain = make_run(server=server, by=by, assistant_id="report")
    same = make_run(server=server, by=by, assistant_id=str(DEFAULT))
    tuned = make_run(server=server, by=by, assistant_id=str(TUNED))

    page = browser.get("/runs/").content.decode()
    weekly = browser.get(f"/runs/?assistant={TUNED}").content.decode()
    report = browser.get("/runs/?assistant=report").content.decode()

    assert (plain.assistant_label, same.assistant_label, tuned.assistant_label) == ("report", "report", "Weekly")
    assert f'<option value="{TUNED}">Weekly</option>' in page
    assert page.count('<option value="report">report</option>') == 1
    assert str(TUNED) not in page.replace(f'value="{TUNED}"', "")
    assert "Assistant: Weekly" in weekly
    assert (f"run-{tuned.pk}-row" in weekly, f"run-{plain.pk}-row" in weekly) == (True, False)
    assert all(f"run-{run.pk}-row" in report for run in (plain, same))
    assert f"run-{tuned.pk}-row" not in report
    assert "Weekly" in browser.get(f"/runs/{tuned.pk}/").content.decode()


def test_titles_are_as_short_as_they_can_be_and_never_the_same(server: Server, team: Team) -> None:
    other = make_server(team, name="Other")
    server_seen(
        server=other,
        version="1",
        assistants=[
            found(DEFAULT, "report"),
            found(uuid.UUID(int=3 << 96), "Twin"),
            found(uuid.UUID(int=4 << 96), "Twin"),
        ],
    )

    titles = sorted(assistant_titles(Assistant.objects.select_related("server")).values())

    assert titles == [
        "Twin · report · Other · 00000003",
        "Twin · report · Other · 00000004",
        "Weekly · report",
        "report · Other",
        "report · Samples",
    ]


def test_the_page_shows_what_it_is_and_how_its_runs_go(browser: Client, team: Team, server: Server) -> None:
    by = make_user(team)
    for status in (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED, RunStatus.SUCCEEDED, RunStatus.FAILED):
        make_run(server=server, by=by, assistant_id=str(TUNED), status=status, name=f"run that {status}")

    page = browser.get(f"/assistants/{server.pk}/{TUNED}/").content.decode()

    assert "Weekly · report" in page
    assert "75%" in page
    assert "run that failed" in page
    assert "Topic" in page
    assert "tone" in page
    assert f"assistant_id={TUNED}" in page


def test_its_graph_is_drawn_where_the_server_gives_one(browser: Client, server: Server) -> None:
    drawn = browser.get(f"/assistants/{server.pk}/{DEFAULT}/").content.decode()
    without = browser.get(f"/assistants/{server.pk}/{TUNED}/").content.decode()

    assert 'data-node="plan"' in drawn
    assert "has not run" not in drawn
    assert "graph-svg" not in without


def test_a_graphs_name_leads_to_what_it_means(browser: Client, server: Server) -> None:
    assert browser.get(f"/assistants/{server.pk}/report/", headers=JSON).json()["id"] == str(DEFAULT)
    assert browser.get(f"/assistants/{server.pk}/nothing/").status_code == 404


def test_the_search_finds_by_every_word_that_is_shown(browser: Client, server: Server) -> None:
    htmx = {"HX-Request": "true"}

    hit = browser.get("/assistants/?q=plans report", headers=htmx).content.decode()
    miss = browser.get("/assistants/?q=zebra", headers=htmx).content.decode()

    assert (hit.count('class="assistant-card"'), "<html" in hit) == (1, False)
    assert "No assistant matches" in miss


def test_what_a_silent_server_offered_still_opens_and_says_how_old_it_is(browser: Client, server: Server) -> None:
    server_unreachable(server=server, problem="could not be reached")
    Assistant.objects.update(seen_at=timezone.now() - timedelta(hours=3))

    listed = browser.get("/assistants/").content.decode()
    page = browser.get(f"/assistants/{server.pk}/report/").content.decode()

    assert "Samples does not" in listed
    assert "heard" in listed
    assert "Its server does not answer" in page
    assert "3 h ago" in page
    assert browser.get(f"/launch/?server={server.pk}&assistant_id=report").status_code == 200


def test_a_refresh_asks_every_server_of_the_team_once(browser: Client, server: Server, team: Team) -> None:
    make_server(make_team())

    first = browser.post("/assistants/refresh/", headers=JSON)
    browser.post("/assistants/refresh/", headers=JSON)

    assert (first.status_code, first.json()["servers"]) == (202, [str(server.pk)])
    assert ServerCheck.objects.count() == 1
    assert browser.get("/assistants/refresh/").status_code == 405


def test_viewers_look_and_do_not_refresh(server: Server, team: Team) -> None:
    viewer = Client()
    viewer.force_login(make_user(team, role=Role.VIEWER))

    assert viewer.get("/assistants/").status_code == 200
    assert viewer.post("/assistants/refresh/", headers=JSON).status_code == 403


def test_a_run_launched_by_the_graphs_name_belongs_to_those_launched_by_id(
    browser: Client, team: Team, server: Server
) -> None:
    """The server's own assistant of a graph is launched by either, and is one assistant on every page."""
    launched = {"server": server, "by": make_user(team)}
    by_id = [make_run(**launched, assistant_id=str(DEFAULT), status=RunStatus.SUCCEEDED, body=b"{}") for _ in range(3)]
    Run.objects.update(started_at=F("finished_at") - timedelta(seconds=20))
    by_name = make_run(**launched, assistant_id="report", status=RunStatus.SUCCEEDED, body=b"{}")

    comparison = browser.get(f"/runs/compare/?a={by_name.pk}&b=last", follow=True)
    page = flat(comparison)

    assert comparison.redirect_chain == [(f"/runs/compare/?a={by_id[-1].pk}&b={by_name.pk}", 302)]
    assert '<td dir="auto">report</td><td dir="auto">report</td>' in page
    assert str(DEFAULT) not in page
    assert browser.get(f"/runs/{by_name.pk}.json").json()["usual_s"] == 20.0
    assert [related.run for related in runs_related(by_name)] == by_id[::-1]
    assert [line.name for line in insights(team, RunFilters(), "24h").assistants] == ["report"]
