"""What a link hides reaches nobody at any of its addresses. Every text of a run contains a canary."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from dashboard.runs.models import Run
from dashboard.runs.outcomes import RunError
from dashboard.runs.statuses import RunStatus
from dashboard.sharing.models import ShareLink
from dashboard.sharing.parts import PARTS, parts_shown
from dashboard.steps.models import Step
from dashboard.teams.models import User
from tests.asynchronous import in_db
from tests.factories import make_run, make_team, make_user
from tests.integration.live.opening import opened
from tests.words import flat

JSON = {"Accept": "application/json"}
NAME, MAIL, KEY = "Canary Jones", "canary.jones@example.org", "sk-canary0123456789abcdef"
CANARIES = ("Canary", "canary")
STATE = {
    "customer": {"name": NAME, "email": MAIL, "city": "Bergen"},
    "answer": f"Dear {NAME}, we wrote to {MAIL} with {KEY}.",
    "messages": [
        {"type": "human", "content": f"I am {NAME}, {MAIL}", "id": "1"},
        {
            "type": "ai",
            "content": "Looking.",
            "id": "2",
            "tool_calls": [{"name": "find", "args": {"name": NAME, "q": MAIL}, "id": "c"}],
            "additional_kwargs": {"raw": json.dumps({"name": NAME, "key": KEY})},
        },
        {"type": "tool", "content": json.dumps({"found": NAME}), "tool_call_id": "c", "id": "3"},
    ],
}
EVERYTHING = [part.name for part in PARTS]
HIDE = {"show": EVERYTHING, "redact": ["/customer/name"], "redact_kinds": ["email", "secret"]}


def make_canary(*, status: RunStatus = RunStatus.SUCCEEDED) -> Run:
    error = RunError("ValueError", f"no such customer: {NAME} <{MAIL}>, {KEY}", "find")
    run = make_run(
        status=status,
        body=json.dumps(STATE).encode(),
        error=error if status == RunStatus.FAILED else None,
        name=f"Letter to {NAME} {MAIL}",
        params={"input": {"customer": {"name": NAME}, "text": MAIL}, "metadata": {"who": NAME, "k": KEY}},
    )
    Step.objects.create(
        run=run,
        index=0,
        node="find",
        status="failed",
        error=f"{NAME} {KEY}",
        writes_json=json.dumps({"name": NAME, "answer": f"{NAME} {MAIL}", "messages": STATE["messages"]}),
        writes_bytes=100,
    )
    return run


@pytest.fixture
def run(db: None) -> Run:
    return make_canary()


@pytest.fixture
def person(run: Run) -> User:
    return make_user(run.team)


@pytest.fixture
def browser(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def share(browser: Client, run: Run, **fields: Any) -> str:
    """Make a link; returns its path."""
    made = browser.post(f"/runs/{run.pk}/shares/", fields, headers=JSON)
    assert made.status_code == 201, made.json()
    return str(made.json()["url"]).removeprefix("http://testserver")


def doors(path: str) -> Iterator[tuple[str, str]]:
    """Everything that a link answers to a stranger."""
    for end in ("", "live/", "result.json"):
        yield end, flat(Client().get(path + end))
    for query in (
        "",
        "?path=/answer",
        "?path=/messages",
        "?as=raw",
        "?q=jones",
        "?q=bergen",
        "?path=/customer&as=tree",
    ):
        for how in ({}, JSON, {"HX-Request": "true"}):
            yield f"state/{query}", flat(Client().get(f"{path}state/{query}", headers=how))
    yield "json", flat(Client().get(path, headers=JSON))


@pytest.mark.parametrize("status", [RunStatus.SUCCEEDED, RunStatus.FAILED])
@pytest.mark.parametrize("unfurl", ["", "on"])
def test_what_is_hidden_is_at_no_door(client: Client, db: None, status: RunStatus, unfurl: str) -> None:
    run = make_canary(status=status)
    client.force_login(make_user(run.team))
    path = share(client, run, **HIDE, unfurl=unfurl)

    for door, said in doors(path):
        assert not any(canary in said for canary in CANARIES), door
    html = flat(Client().get(path))
    assert "Bergen" in html
    assert "Looking." in html
    assert "[email hidden]" in html
    assert 'data-step-node="find"' in html
    assert ('property="og:title"' in html) is bool(unfurl)


def test_parts_of_what_is_shown_are_opened_and_searched(browser: Client, run: Run) -> None:
    path, status = share(browser, run, **HIDE), share(browser, run, show="status")

    page = flat(Client().get(path))
    part = Client().get(f"{path}state/?path=/customer", headers=JSON).json()
    found = flat(Client().get(f"{path}state/?q=bergen"))
    none = flat(Client().get(f"{path}state/?q=canary", headers={"HX-Request": "true"}))

    assert f'action="{path}state/"' in page
    assert {one["key"]: one["value"] for one in part["children"]}["email"] == "[email hidden]"
    assert "<mark>Bergen</mark>" in found
    assert "topnav" not in found
    assert "noindex" in found
    assert "<mark>" not in none
    assert Client().get(f"{path}state/?path=/nothing").status_code == 404
    assert Client().get(f"{status}state/").status_code == 404


def test_without_hiding_everything_is_there(browser: Client, run: Run) -> None:
    path = share(browser, run, show=EVERYTHING)

    html = flat(Client().get(path))

    assert NAME in html
    assert KEY in html
    assert Client().get(path + "result.json").json() == STATE


def test_hash_and_size_are_those_of_what_is_shown(browser: Client, run: Run) -> None:
    path = share(browser, run, **HIDE)
    original = bytes(run.result.sha256).hex()

    html, download = flat(Client().get(path)), Client().get(path + "result.json")

    assert original[:12] not in html
    assert download.json()["customer"] == {"name": "[hidden]", "email": "[email hidden]", "city": "Bergen"}


@pytest.mark.parametrize("part", [part for part in PARTS if not part.is_always], ids=lambda part: part.name)
def test_a_link_shows_the_parts_it_names_and_no_other(browser: Client, run: Run, part: Any) -> None:
    path = share(browser, run, show=[part.name])

    html = flat(Client().get(path))

    places = {
        "result": "Bergen",
        "messages": "Looking.",
        "steps": "data-step-node",
        "input": f"run-{run.pk}-given",
        "parameters": f"run-{run.pk}-parameters",
    }
    assert {name for name, words in places.items() if words in html} == {part.name}


def test_a_link_to_the_status_alone_shows_no_more(browser: Client, run: Run) -> None:
    failed = make_canary(status=RunStatus.FAILED)
    client = Client()
    client.force_login(make_user(failed.team))
    path = share(client, failed, show="status")

    html = flat(Client().get(path))

    assert 'data-run-status="failed"' in html
    assert "ValueError" not in html
    assert "Bergen" not in html
    assert Client().get(path + "result.json").status_code == 404


def test_the_panel_promises_what_the_page_shows(browser: Client, run: Run) -> None:
    html = flat(browser.get(f"/runs/{run.pk}/shares/"))

    assert [part.name for part in PARTS if f'data-part="{part.name}"' in html] == EVERYTHING
    assert all(part.promise in html for part in PARTS)
    assert [part.name for part in parts_shown(["input", "steps"])] == ["status", "steps", "input"]


def test_chosen_keys_are_all_of_the_result(browser: Client, run: Run) -> None:
    path = share(browser, run, show=["result", "steps"], keys=["/customer/city"])

    assert Client().get(path + "result.json").json() == {"customer": {"city": "Bergen"}}
    assert KEY not in flat(Client().get(path + "live/"))


def test_a_state_that_cannot_be_looked_through_is_not_shown(
    browser: Client, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.sharing.shown.READ_MAX_BYTES", 10)
    path = share(browser, run, show="result", redact_kinds="email")

    html = flat(Client().get(path))

    assert "too large to remove" in html
    assert "Bergen" not in html
    assert Client().get(path + "result.json").status_code == 404


def test_the_preview_marks_what_would_be_hidden_and_makes_nothing(browser: Client, run: Run) -> None:
    html = flat(browser.post(
        f"/runs/{run.pk}/shares/preview/", HIDE, headers={"HX-Request": "true"}
    ))  # fmt: skip

    assert f'<mark title="hidden"><del>{NAME}</del></mark>' in html
    assert f'<mark title="email hidden"><del>{MAIL}</del></mark>' in html
    assert "e-mail addresses" in html
    assert '<input type="checkbox" name="redact" value="/customer">' in html
    assert not ShareLink.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("show", "everything"),
        ("redact", "customer"),
        ("redact_kinds", "names"),
        ("redact_patterns", "(a+)+"),
        ("keys", "answer"),
        ("max_views", "0"),
        ("audience", "friends"),
        ("expires_in", "-1"),
        ("expires", "soon"),
    ],
)
def test_bad_fields_are_refused_by_name(browser: Client, run: Run, field: str, value: str) -> None:
    refused = browser.post(f"/runs/{run.pk}/shares/", {field: value}, headers=JSON)

    assert refused.status_code == 422
    assert list(refused.json()["errors"]) == [field]


@pytest.mark.django_db(transaction=True)
async def test_what_is_hidden_does_not_come_by_the_socket() -> None:
    run = await in_db(make_canary)

    def link() -> str:
        client = Client()
        client.force_login(make_user(run.team))
        return share(client, run, **HIDE)

    async with opened("/ws" + await in_db(link), None) as socket:
        said = (await socket.receive_output(timeout=10))["text"]

    assert "Bergen" in said
    assert not any(canary in said for canary in CANARIES)


def test_another_teams_runs_cannot_be_previewed(browser: Client) -> None:
    other = make_run(team=make_team())

    assert browser.post(f"/runs/{other.pk}/shares/preview/", HIDE).status_code == 404
