"""Links to several runs: comparisons, threads and lists. What one shows is what it says, of its own runs alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.outcomes import RunError
from dashboard.runs.statuses import RunStatus
from dashboard.servers.models import Server
from dashboard.sharing.models import ShareLink
from dashboard.teams.models import User
from tests.factories import make_run, make_server, make_team, make_user
from tests.words import flat

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}
THREAD = "7f1c0000-0000-4000-8000-000000000001"
CANARIES = ("Canary", "canary")
NAME, MAIL = "Canary Jones", "canary.jones@example.org"
HIDE = {
    "show": ["result", "messages", "input", "steps", "parameters"],
    "redact": ["/customer"],
    "redact_kinds": ["email"],
}


@pytest.fixture
def server() -> Server:
    return make_server(make_team(), name="secret-server")


@pytest.fixture
def person(server: Server) -> User:
    return make_user(server.team, username="ada")


@pytest.fixture
def browser(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def run_with_messages(server: Server, person: User, *said: str, number: int = 1, **more: Any) -> Run:
    """A run on the thread that has said this so far; its state holds a canary, and so does every word about it."""
    messages = [
        {"type": "human" if at % 2 == 0 else "ai", "content": text, "id": str(at)} for at, text in enumerate(said)
    ]
    state = {"messages": messages, "answer": f"answer {number} to {NAME} at {MAIL}", "customer": NAME}
    return make_run(
        server=server,
        by=person,
        status=RunStatus.SUCCEEDED,
        body=json.dumps(state).encode(),
        thread=ThreadChoice.EXISTING,
        thread_id=THREAD,
        params={"input": {"topic": f"topic {number}, {MAIL}", "customer": NAME}, "metadata": {"of": MAIL}},
        **more,
    )


@pytest.fixture
def runs(server: Server, person: User) -> list[Run]:
    """Two runs on one thread, of which only the first has the customer at the place that is hidden."""
    first = run_with_messages(server, person, "Hello", f"I am with {NAME}", name="Case one")
    second = run_with_messages(server, person, "Hello", f"I am with {NAME}", f"And {MAIL}?", "Gone home", number=2)
    Run.objects.filter(pk=second.pk).update(name=f"Case of {NAME}")
    return [first, second]


def share(browser: Client, what: list[tuple[str, str]], **fields: Any) -> str:
    """Make a link; returns its path."""
    made = browser.post("/shares/new/", {**_fields(what), **fields}, headers=JSON)
    assert made.status_code == 201, made.content
    return str(made.json()["url"]).removeprefix("http://testserver")


def _fields(what: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in what:
        found.setdefault(name, []).append(value)
    return found


def both(runs: list[Run]) -> list[tuple[str, str]]:
    return [("runs", str(run.pk)) for run in runs]


def thread(server: Server) -> list[tuple[str, str]]:
    return [("server", str(server.pk)), ("thread", THREAD)]


def doors(path: str, runs: list[Run]) -> Iterator[tuple[str, str]]:
    """Everything that a link answers to a stranger."""
    stranger = Client()
    for end in ("", "live/"):
        yield end, flat(stranger.get(path + end))
    yield "json", flat(stranger.get(path, headers=JSON))
    for run in runs:
        for end in ("", "live/", "result.json", "state/", "state/?path=/answer", "state/?as=raw", "state/?q=jones"):
            yield end, flat(stranger.get(f"{path}runs/{run.pk}/{end}"))
        yield "json", flat(stranger.get(f"{path}runs/{run.pk}/", headers=JSON))


@pytest.mark.parametrize("kind", ["comparison", "thread", "live", "frozen"])
def test_what_is_hidden_is_at_no_door(browser: Client, server: Server, runs: list[Run], kind: str) -> None:
    whats = {"comparison": both(runs), "thread": thread(server)}
    path = share(browser, whats.get(kind, [("query", "")]), **HIDE, mode=kind if kind == "frozen" else "live")

    for door, said in doors(path, runs):
        assert not any(canary in said for canary in CANARIES), (kind, door)
        assert "secret-server" not in said
        assert not re.search(r"\bada\b", said.replace("Shared by ada", ""))
    page = Client().get(path)
    assert "Case one" in page.content.decode()
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in page.headers["Cache-Control"]
    assert Client().get(f"{path}runs/{runs[0].pk}/").status_code == 200


def test_a_comparison_shows_what_differs_in_the_parts_it_shows(browser: Client, runs: list[Run]) -> None:
    shown = flat(Client().get(share(browser, both(runs), show=["result"])))
    status_only = flat(Client().get(share(browser, both(runs), show=["status"])))

    assert 'id="differs-state"' in shown
    assert "answer 2" in shown
    for left_out in ("Gone home", "topic 2", 'id="differs-parameters"', "secret-server", "Launched by"):
        assert left_out not in shown
    assert "answer 2" not in status_only
    assert "Case one" in status_only


def test_a_thread_shows_what_each_run_added_and_follows(browser: Client, server: Server, runs: list[Run]) -> None:
    path = share(browser, thread(server), show=["messages"])
    before = flat(Client().get(path))

    run_with_messages(
        server,
        make_user(server.team),
        "Hello",
        f"I am with {NAME}",
        f"And {MAIL}?",
        "Gone home",
        "Sure?",
        "Yes",
        number=3,
    )

    after = flat(Client().get(path))
    assert before.count("Hello") == 1
    assert "Gone home" in before
    assert "Sure?" not in before
    assert "Sure?" in after
    assert "answer 1" not in after


def test_a_live_list_follows_and_a_frozen_one_stays(browser: Client, server: Server, person: User) -> None:
    first = make_run(server=server, by=person, name="First", tags=["weekly"], status=RunStatus.RUNNING)
    query = [("query", urlencode({"tag": "weekly"}))]
    live, frozen = share(browser, query, mode="live"), share(browser, query, mode="frozen", name="As of Monday")
    second = make_run(server=server, by=person, name="Second", tags=["weekly"])
    other = make_run(server=server, by=person, name="Other")
    Run.objects.filter(pk=first.pk).update(name="Renamed")

    live_page, frozen_page = (flat(Client().get(path)) for path in (live, frozen))

    assert ("Renamed" in live_page, "Second" in live_page, "Other" in live_page) == (True, True, False)
    assert ("First" in frozen_page, "Renamed" in frozen_page, "Second" in frozen_page) == (True, False, False)
    assert "As of Monday" in frozen_page
    assert "weekly" not in live_page
    for path, run, status in ((live, second, 200), (frozen, second, 404), (live, other, 404), (frozen, first, 200)):
        assert Client().get(f"{path}runs/{run.pk}/").status_code == status
    first.delete()
    assert "First" not in flat(Client().get(frozen))


def test_a_list_says_what_a_run_was_about_only_where_that_is_shown(browser: Client, runs: list[Run]) -> None:
    said = {
        tuple(show): flat(Client().get(share(browser, [("query", "")], show=show)))
        for show in (["status"], ["input"], ["result", "messages"], ["messages"])
    }

    assert [("topic 1" in html) for html in said.values()] == [False, True, False, False]
    assert [("Gone home" in html) for html in said.values()] == [False, False, True, True]


def test_a_line_is_cut_only_after_what_is_hidden_was_taken_out(browser: Client, server: Server, person: User) -> None:
    text = "x " * 70 + MAIL
    body = json.dumps({"answer": text}).encode()
    make_run(server=server, by=person, status=RunStatus.SUCCEEDED, body=body, params={"input": {"topic": text}})
    make_run(server=server, by=person, status=RunStatus.FAILED, error=RunError("ValueError", text), name="Failed")

    page = Client().get(share(browser, [("query", "")], show=["input", "result"], redact_kinds=["email"]))

    assert "canary" not in page.content.decode()


def test_a_page_of_a_list_leads_to_the_next(browser: Client, server: Server, person: User) -> None:
    for number in range(30):
        make_run(server=server, by=person, name=f"Run number {number}.")
    path = share(browser, [("query", "")])

    first = Client().get(path, headers=JSON).json()
    second = Client().get(first["next"], headers=JSON).json()

    names = [run["title"] for run in first["runs"] + second["runs"]]
    assert names == [f"Run number {number}." for number in range(29, -1, -1)]
    assert second["next"] is None
    assert "Run number 4." in flat(Client().get(first["next"]))


def test_only_runs_of_ones_own_team_can_be_shared(browser: Client, runs: list[Run]) -> None:
    foreign = make_run(status=RunStatus.SUCCEEDED)
    for what in (
        [("runs", str(runs[0].pk)), ("runs", str(foreign.pk))],
        [("runs", str(runs[0].pk))],
        [("runs", "nonsense"), ("runs", str(runs[0].pk))],
        [("server", str(foreign.server_id)), ("thread", str(foreign.remote_thread_id))],
        [("server", str(runs[0].server_id)), ("thread", "nonsense")],
        [("show", "result")],
    ):
        for address in ("/shares/new/", "/shares/new/preview/"):
            assert browser.post(address, _fields(what), headers=JSON).status_code == 404, what
    assert not ShareLink.objects.exists()


def test_a_link_to_several_is_listed_and_goes_with_its_run_or_alone(
    browser: Client, server: Server, runs: list[Run]
) -> None:
    paths = [share(browser, what) for what in (both(runs), thread(server), [("query", "")])]
    listed = browser.get("/shares/", headers=JSON).json()["shares"]
    page = flat(browser.get("/shares/"))

    browser.post("/shares/revoke/", {"run": str(runs[0].pk)})

    assert [one["set"]["kind"] for one in listed] == ["view", "thread", "comparison"]
    assert f"/threads/{server.pk}/{THREAD}/" in page
    assert [Client().get(path).status_code for path in paths] == [404, 404, 200]
    browser.post(f"/shares/{listed[0]['id']}/revoke/")
    assert Client().get(paths[2]).status_code == 404


def test_password_views_and_audience_hold_for_every_run_of_it(browser: Client, runs: list[Run]) -> None:
    locked = share(browser, both(runs), password="noon")
    once = share(browser, both(runs), max_views=1)
    inner = share(browser, both(runs), audience="team")
    one = f"runs/{runs[0].pk}/"

    reader, other = Client(), Client()
    assert "password" in flat(reader.get(locked))
    assert reader.get(locked + one).status_code == 404
    reader.post(locked, {"password": "noon"})
    assert reader.get(locked + one).status_code == 200

    assert [reader.get(once + end).status_code for end in ("", one, "")] == [200, 200, 200]
    assert [other.get(once + end).status_code for end in ("", one)] == [404, 404]

    assert other.get(inner + one).status_code == 404
    assert browser.get(inner + one).status_code == 200


def test_the_panel_previews_marks_and_keeps_what_was_typed(browser: Client, runs: list[Run]) -> None:
    fields = {"runs": [str(run.pk) for run in runs], "show": ["result"], "redact_kinds": ["email"], "name": "Two cases"}

    preview = flat(browser.post("/shares/new/preview/", fields, headers={"HX-Request": "true"}))
    wrong = browser.post("/shares/new/", fields | {"keys": "nowhere"})
    made = browser.post("/shares/new/", fields)

    assert "<del>canary.jones@example.org</del>" in preview
    assert "Final state · Case one" in preview
    assert wrong.status_code == 422
    assert 'value="Two cases"' in wrong.content.decode()
    assert str(runs[1].pk) in wrong.content.decode()
    assert "/s/" in made.content.decode()
    assert "Two cases" in flat(Client().get(share(browser, both(runs), name="Two cases")))


def test_the_pages_of_the_team_lead_to_the_panel(browser: Client, server: Server, runs: list[Run]) -> None:
    for page in (f"/runs/compare/?a={runs[0].pk}&b={runs[1].pk}", f"/threads/{server.pk}/{THREAD}/", "/runs/?tag=x"):
        assert "/shares/new/?" in flat(browser.get(page))
    for query in (urlencode(both(runs)), urlencode(thread(server)), "query=tag%3Dx"):
        assert browser.get(f"/shares/new/?{query}").status_code == 200
