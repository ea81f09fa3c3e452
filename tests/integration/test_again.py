"""Nothing is typed twice: again at once, with edits and what they change, forks, code, and threads to continue."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from django.test import Client

from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.servers.models import Server
from dashboard.servers.services import AssistantFound, server_seen
from dashboard.steps.models import Step
from dashboard.teams.encryption import secrets_decrypt
from dashboard.teams.models import Role, Team, User
from tests.factories import make_run, make_server, make_team, make_user
from tests.page_forms import controls
from tests.words import flat

pytestmark = pytest.mark.django_db

JSON = {"accept": "application/json"}
HTMX = {"HX-Request": "true"}
PARAMS = {
    "input": {"topic": "tides", "sections": [{"heading": "low"}], "large": 2**60},
    "config": {"recursion_limit": 7, "configurable": {"user": "ada"}},
    "interrupt_before": ["review"],
    "metadata": {"b": 1, "a": 2},
    "durability": "sync",
}


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def ada(team: Team) -> User:
    return make_user(team)


@pytest.fixture
def run(team: Team, ada: User) -> Run:
    server = make_server(team)
    return make_run(server=server, by=ada, params=PARAMS, name="Tides", tags=["weekly"], headers={"X-Token": "hunter2"})


@pytest.fixture
def browser(ada: User) -> Client:
    return signed_in(ada)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def made(answer: Any) -> Run:
    assert answer.status_code == 201, answer.content
    return Run.objects.select_related("request").get(pk=answer.json()["id"])


def test_the_same_again_carries_everything_and_a_double_click_launches_once(browser: Client, run: Run) -> None:
    key = str(uuid.uuid4())

    first = made(browser.post(f"/runs/{run.pk}/again/", {"launch_key": key}, headers=JSON))
    second = made(browser.post(f"/runs/{run.pk}/again/", {"launch_key": key}, headers=JSON))

    assert first == second
    assert (first.name, first.tags, first.parent_id, first.parent_kind) == ("Tides", ["weekly"], run.pk, "again")
    assert first.remote_thread_id != run.remote_thread_id
    assert {k: v for k, v in first.request.params.items() if k != "if_not_exists"} == PARAMS | {"headers": ["X-Token"]}
    assert secrets_decrypt(first.request.secret_headers) == {"X-Token": "hunter2"}
    assert browser.get(f"/runs/{run.pk}/again/").status_code == 405


def test_secrets_of_another_person_are_not_launched_with(team: Team, run: Run) -> None:
    answer = signed_in(make_user(team)).post(f"/runs/{run.pk}/again/", headers=JSON)

    assert answer.status_code == 422
    assert "X-Token" in answer.json()["errors"]["headers"][0]
    assert Run.objects.count() == 1


def test_strangers_and_viewers_launch_nothing_again(team: Team, run: Run) -> None:
    stranger, viewer = signed_in(make_user(make_team())), signed_in(make_user(team, role=Role.VIEWER))

    for client, status in ((stranger, 404), (viewer, 403)):
        assert client.post(f"/runs/{run.pk}/again/", headers=JSON).status_code == status
    assert stranger.get(f"/runs/{run.pk}/code/").status_code == 404
    assert stranger.get(f"/runs/{run.pk}/as/python/").status_code == 404


def edited(run: Run, **fields: str) -> dict[str, str]:
    """What the form sends when it was opened from the run and `fields` were changed."""
    return {
        "assistant_id": run.assistant_id,
        "parent": str(run.pk),
        "name": run.name,
        "tags": "weekly",
        "thread": "new",
        "input": json.dumps(PARAMS["input"]),
        "config": json.dumps(PARAMS["config"]),
        "metadata": json.dumps(PARAMS["metadata"]),
        "interrupt_before": "review",
        "durability": "sync",
        "headers": '{"X-Token": "••••••"}',
        **fields,
    }


@pytest.mark.parametrize(
    ("fields", "differs"),
    [
        ({}, []),
        ({"input": '{"topic": "gales", "sections": [{"heading": "low"}], "large": 1152921504606846976}'}, ["topic"]),
        (
            {"input": '{"topic": "tides", "sections": [], "large": 1152921504606846976, "new": 1}'},
            ["sections", "new"],
        ),
        ({"config": "", "durability": "exit"}, ["durability", "config recursion_limit", "config configurable user"]),
        ({"name": "Other", "tags": ""}, ["name", "tags"]),
        ({"thread": "stateless", "headers": ""}, ["thread", "headers"]),
        ({"assistant_id": "report"}, ["assistant"]),
    ],
)
def test_the_band_names_what_differs_and_the_run_remembers_the_kind(
    browser: Client, run: Run, fields: dict[str, str], differs: list[str]
) -> None:
    differences = browser.post("/launch/differences/", edited(run, **fields), headers=JSON).json()
    launched = made(browser.post("/launch/", edited(run, **fields), headers=JSON))

    assert (differences["fields"], differences["is_known"]) == (differs, True)
    assert (launched.parent_id, launched.parent_kind) == (run.pk, "edit" if differs else "again")


def test_the_band_says_what_was_and_what_is(browser: Client, run: Run) -> None:
    fields = edited(run, input=json.dumps({"topic": "g" * 90, "sections": [], "large": None}), headers="", tags="")

    changes = browser.post("/launch/differences/", fields, headers=JSON).json()["changes"]
    fragment = browser.post("/launch/differences/", fields, headers=HTMX).content.decode()

    assert changes == [
        {"field": "topic", "was": "tides", "now": "g" * 59 + "…"},
        {"field": "sections", "was": '[{"heading": "low"}]', "now": "[]"},
        {"field": "large", "was": "1152921504606846976", "now": "null"},
        {"field": "tags", "was": "weekly", "now": "nothing"},
        {"field": "headers", "was": "", "now": ""},
    ]
    assert "<bdi>tides</bdi> → <bdi>ggg" in fragment
    assert "X-Token" not in fragment


def test_the_band_is_a_fragment_and_a_page(browser: Client, run: Run) -> None:
    fields = edited(run, input='{"topic": "gales"}')

    page = browser.get(f"/launch/?from={run.pk}").content.decode()
    fragment = browser.post("/launch/differences/", fields, headers=HTMX).content.decode()
    whole = browser.post("/launch/differences/", fields).content.decode()
    broken = browser.post("/launch/differences/", edited(run, input="{"), headers=HTMX).content.decode()

    assert "Nothing differs from" in page
    assert ("<html" in fragment, "topic" in fragment, "Differs from" in fragment) == (False, True, True)
    assert "<html" in whole
    assert "once everything is readable" in broken
    assert browser.get("/launch/differences/").status_code == 405
    assert Run.objects.count() == 1


def test_what_the_schema_no_longer_takes_is_marked(browser: Client, run: Run) -> None:
    schema = {"type": "object", "properties": {"topic": {"type": "integer"}}, "required": ["audience"]}
    found = AssistantFound(uuid.uuid4(), "chat", "chat", schemas={"input_schema": schema})
    server_seen(server=run.server, version="1", assistants=[found])

    page = browser.get(f"/launch/?from={run.pk}").content.decode()

    assert "schema no longer takes" in page
    assert "<bdi>topic</bdi>" in page


def test_a_fork_starts_at_a_checkpoint_of_the_runs_thread(browser: Client, team: Team, ada: User) -> None:
    done = make_run(server=make_server(team), by=ada, params=PARAMS, status=RunStatus.SUCCEEDED, body=b"{}")
    checkpoint = "1ef4a1b2-0000-6000-8000-000000000001"

    page = browser.get(f"/launch/?from={done.pk}&checkpoint_id={checkpoint}").content.decode()
    fields = {"assistant_id": "chat", "parent": str(done.pk), "thread": "existing", "checkpoint_id": checkpoint}
    forked = made(browser.post("/launch/", fields | {"thread_id": str(done.remote_thread_id)}, headers=JSON))

    assert checkpoint in page
    assert str(done.remote_thread_id) in page
    assert "tides" not in page[page.index('id="id_input"') :][:400]
    assert (forked.parent_kind, forked.remote_thread_id) == ("fork", done.remote_thread_id)


def report_with(run: Run, properties: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": properties, "required": ["topic"]}
    found = AssistantFound(uuid.uuid4(), "chat", "chat", schemas={"input_schema": schema})
    server_seen(server=run.server, version="1", assistants=[found])


CHECKPOINT = "1ef4a1b2-0000-6000-8000-000000000001"
TOPIC = {"topic": {"type": "string"}}


def forked_run(team: Team, ada: User, properties: dict[str, Any]) -> Run:
    done = make_run(server=make_server(team), by=ada, params=PARAMS, status=RunStatus.SUCCEEDED, body=b"{}")
    report_with(done, properties)
    Step.objects.create(run=done, index=0, node="write", status="done", checkpoint_id=CHECKPOINT)
    return done


def test_the_page_of_a_fork_says_where_it_starts_in_one_band(browser: Client, team: Team, ada: User) -> None:
    done = forked_run(team, ada, TOPIC)

    page = browser.get(f"/launch/?from={done.pk}&checkpoint_id={CHECKPOINT}").content.decode()
    sent = controls(page)
    fragment = browser.post("/launch/differences/", sent, headers=HTMX).content.decode()
    edits = browser.post("/launch/differences/", sent | {"input/topic": "gales", "name": "x"}, headers=HTMX)
    forked = made(browser.post("/launch/", sent, headers=JSON))

    for html in (page, fragment):
        words = " ".join(re.sub(r"<[^>]+>", "", html).split())
        assert f"Forks {done.title} at step write (1ef4a1b2-0000); leave the input empty to run the" in words
        assert "Nothing differs from" not in html
        assert "Besides" not in html
    assert 'id="advanced">' in page
    assert page.count("goes on from a checkpoint") == 0
    assert sent["input_view"] == "form"
    words = " ".join(re.sub(r"<[^>]+>", "", edits.content.decode()).split())
    assert "with an input, the graph starts over" in words
    assert "Besides, name: nothing → x" in words
    assert (forked.parent_kind, forked.request.params.get("input")) == ("fork", None)
    assert forked.request.params["checkpoint_id"] == CHECKPOINT


def test_a_fork_does_not_send_the_defaults_of_a_form(browser: Client, team: Team, ada: User) -> None:
    done = forked_run(team, ada, TOPIC | {"tone": {"type": "string", "default": "plain"}})

    page = browser.get(f"/launch/?from={done.pk}&checkpoint_id={CHECKPOINT}").content.decode()
    forked = made(browser.post("/launch/", controls(page), headers=JSON))

    assert forked.request.params.get("input") is None


def test_code_holds_the_whole_call_and_no_secret(browser: Client, run: Run) -> None:
    Server.objects.filter(pk=run.server_id).update(url="https://langgraph.example.org")
    texts = {kind: browser.get(f"/runs/{run.pk}/as/{kind}/").content.decode() for kind in CODES}
    page = browser.get(f"/runs/{run.pk}/code/").content.decode()

    for kind, text in texts.items():
        assert "hunter2" not in text + page, kind
        assert "tides" in text, kind
        assert str(2**60) in text, kind
    assert "os.environ['X_TOKEN']" in texts["python"]
    assert "process.env.X_TOKEN" in texts["javascript"]
    assert '-H "X-Token: $X_TOKEN"' in texts["curl"]
    assert "interruptBefore" in texts["javascript"]
    assert "9007199254740991" in page
    assert browser.get(f"/runs/{run.pk}/as/cobol/").status_code == 404


CODES = ("python", "javascript", "curl", "json", "link")


def test_the_link_opens_the_filled_form_and_launches_nothing(browser: Client, run: Run) -> None:
    link = browser.get(f"/runs/{run.pk}/as/link/").content.decode().strip()

    page = browser.get(link.removeprefix("http://testserver")).content.decode()

    assert link.startswith("http://testserver/launch/?")
    for word in ("tides", "review", "recursion_limit", "weekly"):
        assert word in page
    assert "X-Token" not in link
    assert Run.objects.count() == 1


def test_a_filled_form_becomes_code_without_a_launch(browser: Client, run: Run) -> None:
    answer = browser.post("/launch/code/", edited(run, parent="", headers=""), headers=JSON)
    wrong = browser.post("/launch/code/", edited(run, input="{"), headers=JSON)

    assert set(answer.json()) == set(CODES)
    assert wrong.status_code == 422
    assert Run.objects.count() == 1


def test_threads_are_found_by_what_was_asked_there(browser: Client, team: Team, ada: User) -> None:
    server = make_server(team)
    thread = str(uuid.uuid4())
    for text in ("tides", "gales in march"):
        make_run(
            server=server,
            by=ada,
            thread="existing",  # type: ignore[arg-type]
            thread_id=thread,
            params={"input": {"messages": [{"role": "user", "content": text}]}},
            status=RunStatus.SUCCEEDED,
            body=b"{}",
        )
    busy = make_run(server=server, by=ada, params={"input": {"topic": "buoys"}}, status=RunStatus.RUNNING)

    everything = browser.get("/launch/threads/", headers=JSON).json()["threads"]
    gales = browser.get("/launch/threads/?thread_q=gales march", headers=JSON).json()["threads"]
    earlier = browser.get("/launch/threads/?thread_q=tides", headers=JSON).json()["threads"]
    fragment = flat(browser.get("/launch/threads/?thread_q=buoys", headers=HTMX))

    assert [found["thread_id"] for found in everything] == [busy.remote_thread_id, thread]
    assert [(found["thread_id"], found["runs"], found["is_busy"]) for found in gales] == [(thread, 2, False)]
    assert [found["thread_id"] for found in earlier] == [thread]
    assert "busy: running" in fragment
    asked = make_run(server=server, by=ada, status=RunStatus.NEEDS_INPUT, body=b'{"__interrupt__": [{"value": "ok?"}]}')
    named = browser.get(f"/launch/threads/?thread_id={asked.remote_thread_id}", headers=HTMX).content.decode()
    assert named.count("A question is open there") == 1
    assert signed_in(make_user(make_team())).get("/launch/threads/", headers=JSON).json() == {"threads": []}


def test_a_link_lists_what_the_form_does_not_have(browser: Client, team: Team) -> None:
    make_server(team)

    page = browser.get(
        "/launch/?assistant_id=chat&topic=x&input/topic=tides&input_view=form&headers={}"
    ).content.decode()
    clean = browser.get("/launch/?assistant_id=chat&input/topic=tides&given/input/topic=value").content.decode()

    assert "so they are left out: topic." in page
    assert "Headers are secrets" in page
    assert "left out:" not in clean


def test_a_json_body_is_refused_with_a_sentence(browser: Client) -> None:
    answer = browser.post("/launch/", "{}", content_type="application/json")

    assert (answer.status_code, list(answer.json()["errors"])) == (415, ["body"])


def test_a_typed_run_id_is_said_to_be_replaced(browser: Client, team: Team) -> None:
    make_server(team)
    fields = {"assistant_id": "chat", "metadata": '{"runboard_run_id": "mine"}'}

    answer = browser.post("/launch/", fields, headers=JSON)

    assert answer.status_code == 201
    assert "replaces it" in answer.json()["warnings"]["metadata"][0]
