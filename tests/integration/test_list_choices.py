"""The columns of a person's runs page, and its first view."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from dashboard.history.models import SavedView
from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.servers.models import Server
from dashboard.teams.models import User
from tests.asynchronous import in_db
from tests.factories import make_run, make_server, make_team, make_user
from tests.integration.live.opening import opened
from tests.words import flat

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


@pytest.fixture
def server() -> Server:
    return make_server(make_team(), name="harbour")


@pytest.fixture
def person(server: Server) -> User:
    return make_user(server.team, username="ada", role="admin")


@pytest.fixture
def browser(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def tidal(server: Server, person: User) -> Run:
    state = {"score": 0.75, "deep": {"er": ["a", "<b>"]}, "dotted.key": "yes"}
    return make_run(
        server=server,
        by=person,
        status=RunStatus.SUCCEEDED,
        body=json.dumps(state).encode(),
        params={"input": {"topic": "tides & ebbs", "n": 7, "none": None}},
        tags=["weekly"],
    )


def heads(html: str) -> list[str]:
    return re.findall(r"<th scope=\"col\"[^>]*>([^<]+)</th>", html)


def choose(browser: Client, *columns: str, fields: str = "") -> int:
    return browser.post("/views/columns/", {"column": columns, "fields": fields}, headers=JSON).status_code


def test_columns_are_those_a_person_chose_with_fields_of_input_and_result(
    browser: Client, server: Server, person: User
) -> None:
    tidal(server, person)
    usual = flat(browser.get("/runs/"))

    chosen = choose(
        browser, "server", "input.topic", "tags", fields="result.score\nresult.deep.er.1\nresult.dotted.key"
    )

    html = flat(browser.get("/runs/"))
    rows = flat(browser.get("/runs/", headers={"HX-Request": "true"}))
    assert heads(usual) == ["Status", "Run", "Assistant", "Launched by", "Launched", "Duration"]
    assert chosen == 200
    assert heads(html) == [
        "Status",
        "Run",
        "Server",
        "input.topic",
        "Tags",
        *map("result.{}".format, ("score", "deep.er.1", "dotted.key")),
    ]
    for part in (html, rows):
        for text in ("harbour", "tides &amp; ebbs", "0.75", "&lt;b&gt;", ">yes</bdi>", "weekly"):
            assert text in part
    other = Client()
    other.force_login(make_user(server.team))
    assert heads(flat(other.get("/runs/"))) == heads(usual)
    assert browser.get("/views/columns/", headers=JSON).json()["columns"][0] == "server"
    assert "input.topic" in browser.get("/views/columns/", headers=JSON).json()["suggested"]
    browser.post("/views/columns/", {"usual": "1", "column": "server"})
    assert heads(flat(browser.get("/runs/"))) == heads(usual)


@pytest.mark.django_db(transaction=True)
async def test_rows_that_are_pushed_have_the_columns_of_the_page() -> None:
    server = await in_db(lambda: make_server(make_team(), name="harbour"))
    person = await in_db(make_user, server.team)
    browser = Client()

    def page() -> str:
        browser.force_login(person)
        assert choose(browser, "input.topic", "server") == 200
        found = re.search(r'data-live-socket="([^"]+)"', flat(browser.get("/runs/?status=active")))
        assert found is not None
        return found[1].replace("&amp;", "&")

    async with opened(await in_db(page), person) as socket:
        await socket.receive_from(timeout=5)
        await in_db(make_run, server=server, by=person, params={"input": {"topic": "springs"}}, name="pushed")
        pushed = await socket.receive_from(timeout=5)

    assert "springs" in pushed
    assert pushed.index("springs") < pushed.index("harbour")
    assert "cell-duration" not in pushed


def test_a_column_is_moved_and_keeps_the_focus_until_the_page_is_saved(browser: Client, server: Server) -> None:
    choose(browser, "server", "input.topic", "tags")

    moved = flat(browser.post("/views/columns/", {"column": ["server", "input.topic", "tags"], "up": "tags"}))
    before = heads(flat(browser.get("/runs/")))
    again = flat(browser.post("/views/columns/", {"column": ["server", "tags", "input.topic"], "up": "tags"}))
    last = flat(browser.post("/views/columns/", {"column": ["tags", "server", "input.topic"], "down": "input.topic"}))

    assert shown(moved) == ["server", "tags", "input.topic"]
    assert re.findall(r'aria-label="([^"]+)" autofocus', moved) == ["Move Tags up"]
    assert before[2:] == ["Server", "input.topic", "Tags"]
    assert shown(again) == ["tags", "server", "input.topic"]
    assert re.findall(r'aria-label="([^"]+)" autofocus', again) == ["Move Tags down"]
    assert shown(last) == ["tags", "server", "input.topic"]


def shown(page: str) -> list[str]:
    return re.findall(r'value="([^"]+)" checked', page)


def test_what_no_run_can_have_is_refused_and_stays_typed(browser: Client, server: Server) -> None:
    wrong = browser.post("/views/columns/", {"column": ["server"], "fields": "input.a\ntopic"})
    many = browser.post(
        "/views/columns/", {"fields": "\n".join(f"input.{number}" for number in range(9))}, headers=JSON
    )

    assert wrong.status_code == 422
    assert "“topic” is none" in wrong.content.decode()
    assert "input.a" in wrong.content.decode()
    assert many.json()["errors"] == {"column": ["Choose at most 8 columns."]}
    assert choose(browser, "nonsense") == 422


def test_documents_that_are_too_large_or_no_json_leave_their_cells_empty(
    browser: Client, server: Server, person: User
) -> None:
    make_run(server=server, by=person, status=RunStatus.SUCCEEDED, body=b"not JSON")
    make_run(server=server, by=person, status=RunStatus.SUCCEEDED, body=b'{"score": "' + b"x" * 300_000 + b'"}')
    make_run(server=server, by=person, params={"input": ["a", "list"]})
    choose(browser, "result.score", "input.1")

    html = flat(browser.get("/runs/"))

    assert ">list</bdi>" in html
    assert "xxxx" not in html


def test_fields_of_the_last_runs_are_offered(browser: Client, server: Server, person: User) -> None:
    tidal(server, person)

    html = flat(browser.get("/views/columns/"))

    for path in ("input.topic", "input.n", "result.score"):
        assert f'value="{path}"' in html
    assert "result.deep" not in html


@pytest.fixture
def views(server: Server, person: User) -> dict[str, SavedView]:
    return {
        scope: SavedView.objects.create(team=server.team, owner=person, name=scope, scope=scope, query=query)
        for scope, query in (("team", "status=failed"), ("mine", "tag=weekly"))
    }


def begin(browser: Client, view: object, scope: str = "mine") -> int:
    return browser.post("/views/default/", {"view": str(view), "scope": scope}, headers=JSON).status_code


def test_the_page_begins_with_ones_own_view_else_with_the_teams(
    browser: Client, server: Server, views: dict[str, SavedView]
) -> None:
    other = Client()
    other.force_login(make_user(server.team))

    def begins(who: Client) -> str:
        answer = who.get("/runs/")
        return answer.headers.get("Location", "")

    assert begins(browser) == begins(other) == ""
    assert begin(browser, views["team"].pk, "team") == 200
    assert begins(browser) == begins(other) == "/runs/?status=failed"
    assert begin(browser, views["mine"].pk) == 200
    assert (begins(browser), begins(other)) == ("/runs/?tag=weekly", "/runs/?status=failed")
    assert begin(other, "all") == 200
    assert begins(other) == ""
    assert begin(other, "none") == 200
    assert begins(other) == "/runs/?status=failed"
    views["team"].delete()
    assert begins(other) == ""


def test_all_runs_are_still_a_click_away_and_programs_are_led_nowhere(
    browser: Client, server: Server, person: User, views: dict[str, SavedView]
) -> None:
    make_run(server=server, by=person, name="a run")
    begin(browser, views["team"].pk)

    page = flat(browser.get("/runs/?status=failed"))

    assert 'href="/runs/?view=all"' in page
    assert '<input type="hidden" name="view" value="all">' in page
    assert "a run" in flat(browser.get("/runs/?view=all"))
    assert browser.get("/runs/", headers=JSON).json()["runs"][0]["name"] == "a run"
    assert browser.get("/runs/", headers={"HX-Request": "true"}).status_code == 200


def test_only_admins_choose_for_the_team_and_only_what_everybody_has(
    browser: Client, server: Server, views: dict[str, SavedView]
) -> None:
    member = Client()
    member.force_login(make_user(server.team))

    assert begin(member, views["team"].pk, "team") == 403
    assert begin(member, views["mine"].pk) == 404
    assert begin(browser, views["mine"].pk, "team") == 422
    assert "the team begins with it" not in flat(browser.get("/views/"))
    begin(browser, views["team"].pk, "team")
    assert "the team begins with it" in flat(member.get("/views/"))
