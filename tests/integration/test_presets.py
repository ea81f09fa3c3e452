"""Presets: who sees them, what they fill in, and that locked fields cannot be forged."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.test import Client

from dashboard.launch.models import Preset
from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.servers.models import Server
from dashboard.servers.services import AssistantFound, server_remove, server_seen
from dashboard.teams.models import Role, Team, User
from tests.factories import make_run, make_server, make_team, make_user

pytestmark = pytest.mark.django_db

JSON = {"accept": "application/json"}
INPUT = {"topic": "tides", "sections": [{"heading": "low"}], "n": 1}


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def server(team: Team) -> Server:
    return make_server(team)


@pytest.fixture
def ada(team: Team) -> User:
    return make_user(team)


@pytest.fixture
def client_of_ada(ada: User) -> Client:
    return signed_in(ada)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def keep(client: Client, **fields: Any) -> Any:
    values = {"name": "Weekly", "scope": "team", "assistant_id": "report", "input": json.dumps(INPUT)}
    return client.post("/presets/", values | fields, headers=JSON)


def test_fields_stand_first_under_their_labels(team: Team, server: Server, client_of_ada: Client) -> None:
    schema = {
        "type": "object",
        "properties": {
            "topic": {"type": "string", "title": "What it is about"},
            "where": {"$ref": "#/$defs/Place"},
        },
        "$defs": {"Place": {"type": "object", "properties": {"quay": {"type": "string", "title": "Quay <1>"}}}},
    }
    found = AssistantFound(uuid.uuid4(), "report", "report", schemas={"input_schema": schema})
    server_seen(server=server, version="1", assistants=[found])
    value = json.dumps({"topic": "tides", "where": {"quay": "upper"}, "other": 1})
    fields = {"input": value, "config": '{"recursion_limit": 9}', "interrupt_before": "review", "locked": "input/topic"}
    preset = keep(client_of_ada, **fields).json()["url"]

    pages = [client_of_ada.get(preset).content.decode(), signed_in(make_user(team)).get(preset).content.decode()]

    for page in pages:
        labels = [
            "What it is about",
            "where / Quay &lt;1&gt;",
            "other",
            "Settings: Recursion limit",
            "Stop before nodes",
        ]
        places = [page.index(f'<span class="preset-label"><bdi>{label}</bdi>') for label in labels]
        assert max(places) < page.index("Its runs")
    assert pages[0].index("What it is about") < pages[0].index('name="description"')
    assert 'aria-label="Lock What it is about"' in pages[0]


def launched(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 201, answer.content
    return dict(Run.objects.select_related("request").get(pk=answer.json()["id"]).request.params)


def test_a_launch_is_kept_and_launched_by_its_id_alone(client_of_ada: Client, server: Server) -> None:
    kept = keep(client_of_ada, interrupt_before="review\nsend", tags="weekly", metadata='{"b": 1, "a": 2}')

    answer = client_of_ada.post("/launch/", {"preset": kept.json()["id"]}, headers=JSON)

    params = launched(answer)
    run = Run.objects.get(pk=answer.json()["id"])
    assert kept.status_code == 201
    assert params["input"] == INPUT
    assert list(params["metadata"]) == ["b", "a"]
    assert params["interrupt_before"] == ["review", "send"]
    assert (run.assistant_id, run.tags, str(run.preset_id)) == ("report", ["weekly"], kept.json()["id"])


def test_what_is_posted_with_a_preset_takes_its_place(client_of_ada: Client, server: Server) -> None:
    preset_id = keep(client_of_ada, durability="sync").json()["id"]

    params = launched(
        client_of_ada.post(
            "/launch/", {"preset": preset_id, "input": '{"topic": "gales"}', "durability": ""}, headers=JSON
        )
    )

    assert params["input"] == {"topic": "gales"}
    assert "durability" not in params


@pytest.mark.parametrize(
    "forged",
    [
        {"input": '{"topic": "gales", "sections": [{"heading": "low"}], "n": 1}'},
        {"input": '{"topic": "tides", "sections": [{"heading": "high"}], "n": 1}'},
        {"input": '{"topic": "tides", "sections": [{"heading": "low"}], "n": 1.0}'},
        {"input": '{"topic": "tides", "sections": [{"heading": "low"}], "n": true}'},
        {"input": '{"topic": null, "sections": [{"heading": "low"}], "n": 1}'},
        {"interrupt_before": "other"},
        {"durability": "exit"},
        {"tags": "mine"},
        {"thread": "stateless"},
        {"context": '{"tone": "rude"}'},
    ],
)
def test_a_forged_value_for_a_locked_field_is_refused(
    client_of_ada: Client, server: Server, forged: dict[str, str]
) -> None:
    fixed = ["input/topic", "input/sections/0/heading", "input/n", "interrupt_before", "durability", "tags", "thread"]
    kept = keep(client_of_ada, interrupt_before="review", locked=[*fixed, "context"])

    answer = client_of_ada.post("/launch/", {"preset": kept.json()["id"], **forged}, headers=JSON)

    assert answer.status_code == 422, answer.content
    (name,) = answer.json()["errors"]
    assert name.partition("/")[0] == next(iter(forged))
    assert not Run.objects.exists()


def test_locked_values_that_were_not_posted_are_filled_in(client_of_ada: Client, server: Server) -> None:
    kept = keep(client_of_ada, locked="input/topic", hidden="input/n")

    params = launched(
        client_of_ada.post("/launch/", {"preset": kept.json()["id"], "input": '{"sections": []}'}, headers=JSON)
    )

    assert params["input"] == {"sections": [], "topic": "tides", "n": 1}


def test_a_preset_is_for_its_assistant(client_of_ada: Client, server: Server) -> None:
    kept = keep(client_of_ada)

    answer = client_of_ada.post("/launch/", {"preset": kept.json()["id"], "assistant_id": "chat"}, headers=JSON)

    assert answer.status_code == 422
    assert "assistant_id" in answer.json()["errors"]


def test_presets_of_ones_own_are_seen_by_nobody_else(client_of_ada: Client, server: Server, team: Team) -> None:
    mine = keep(client_of_ada, name="Mine", scope="mine").json()["id"]
    ours = keep(client_of_ada, name="Ours", scope="team").json()["id"]
    bob, stranger = signed_in(make_user(team)), signed_in(make_user(make_team()))

    assert [p["name"] for p in bob.get("/presets/", headers=JSON).json()["presets"]] == ["Ours"]
    assert stranger.get("/presets/", headers=JSON).json()["presets"] == []
    for client, preset, status in ((bob, mine, 404), (bob, ours, 403), (stranger, ours, 404)):
        assert client.post(f"/presets/{preset}/delete/", headers=JSON).status_code == status
        assert client.post(f"/presets/{preset}/", {"name": "x"}, headers=JSON).status_code == status
    assert bob.post("/launch/", {"preset": mine, "assistant_id": "report"}, headers=JSON).status_code == 422
    assert launched(bob.post("/launch/", {"preset": ours}, headers=JSON))["input"] == INPUT


def test_the_launch_page_offers_presets_of_its_assistant_and_a_few_of_any_before(
    client_of_ada: Client, server: Server, team: Team
) -> None:
    bob, elsewhere = make_user(team), make_server(team, name="Elsewhere")
    server_seen(server=server, version="1", assistants=[AssistantFound(uuid.uuid4(), "report", "report")])
    server_seen(server=elsewhere, version="1", assistants=[AssistantFound(uuid.uuid4(), "other", "other")])
    keep(client_of_ada, name="Ours", server=server.pk)
    keep(client_of_ada, name="Of another", server=elsewhere.pk, assistant_id="other")
    keep(signed_in(bob), name="Only of Bob", scope="mine", server=server.pk)

    def offered(query: str = "") -> set[str]:
        page = client_of_ada.get(f"/launch/{query}").content.decode()
        return {name for name in ("Ours", "Of another", "Only of Bob") if f">{name}<" in page}

    assert offered() == {"Ours", "Of another"}
    assert offered("?assistant_id=report") == {"Ours"}
    assert offered("?assistant_id=unknown") == set()
    make_run(server=elsewhere, status=RunStatus.SUCCEEDED)  # a server with a history is kept
    server_remove(server=elsewhere)
    assert offered() == {"Ours"}


def test_the_assistant_launched_last_stands_first(client_of_ada: Client, server: Server) -> None:
    found = [AssistantFound(uuid.uuid4(), name, name) for name in ("alpha", "beta", "gamma")]
    server_seen(server=server, version="1", assistants=found)
    for name in ("beta", "gamma", "beta"):
        client_of_ada.post("/launch/", {"assistant_id": name}, headers=JSON)

    choices = client_of_ada.get("/launch/").context["choices"]

    assert [(choice.title, choice.used_at is not None) for choice in choices] == [
        ("beta", True), ("gamma", True), ("alpha", False),
    ]  # fmt: skip


def test_an_admin_may_change_the_teams_presets(client_of_ada: Client, server: Server, team: Team) -> None:
    preset_id = keep(client_of_ada, locked="input/topic").json()["id"]
    admin = signed_in(make_user(team, role=Role.ADMIN))

    answer = admin.post(f"/presets/{preset_id}/", {"name": "Renamed"}, headers=JSON)

    preset = Preset.objects.get(pk=preset_id)
    assert answer.status_code == 200
    assert (preset.name, preset.locked, preset.params["input"]) == ("Renamed", ["input/topic"], INPUT)


def test_viewers_keep_no_presets(server: Server, team: Team) -> None:
    viewer = signed_in(make_user(team, role=Role.VIEWER))

    assert keep(viewer).status_code == 403
    assert viewer.get("/presets/").status_code == 200


def test_a_preset_holds_no_secrets(client_of_ada: Client, server: Server) -> None:
    keep(client_of_ada, headers='{"X-Token": "hunter2"}')

    assert "hunter2" not in Preset.objects.get().values_text
    assert "headers" not in Preset.objects.get().params


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("scope", "everybody"),
        ("input", "{broken"),
        ("locked", "launch_key"),
        ("hidden", "headers"),
        ("assistant_id", ""),
    ],
)
def test_what_cannot_be_kept_is_refused(client_of_ada: Client, server: Server, field: str, value: str) -> None:
    answer = keep(client_of_ada, **{field: value})

    assert answer.status_code == 422
    assert field in answer.json()["errors"]


def test_deleting_twice_is_harmless_and_the_runs_stay(client_of_ada: Client, server: Server) -> None:
    preset_id = keep(client_of_ada).json()["id"]
    run = client_of_ada.post("/launch/", {"preset": preset_id}, headers=JSON).json()["id"]

    answers = [client_of_ada.post(f"/presets/{preset_id}/delete/", headers=JSON) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 404]
    assert Run.objects.filter(pk=run).exists()
    assert client_of_ada.get(f"/launch/?preset={preset_id}").status_code == 200
    assert client_of_ada.get(f"/presets/{preset_id}/delete/").status_code == 405


def test_the_pages_walk_from_a_filled_form_to_a_preset_and_back(client_of_ada: Client, server: Server) -> None:
    draft = client_of_ada.post("/presets/new/", {"assistant_id": "report", "input": json.dumps(INPUT), "name": "a run"})
    wrong = client_of_ada.post("/presets/new/", {"assistant_id": "report", "input": "{"})
    controls = {"assistant_id": "report", "input": json.dumps(INPUT), "server": str(server.pk), "input_view": "json"}
    made = client_of_ada.post("/presets/", {**controls, "name": "Weekly", "scope": "mine", "fixed_given": "1"})
    page = client_of_ada.get(made["Location"])
    form = client_of_ada.get(f"/launch/?preset={Preset.objects.get().pk}")

    assert (draft.status_code, wrong.status_code, made.status_code) == (200, 422, 303)
    assert 'value="input/sections"' in draft.content.decode()
    assert "Weekly" in page.content.decode()
    assert "tides" in form.content.decode()
    assert f'name="preset" value="{Preset.objects.get().pk}"' in form.content.decode()
    assert client_of_ada.get("/presets/").status_code == 200


def test_recent_inputs_show_how_they_ended_once_each(client_of_ada: Client, server: Server) -> None:
    for topic in ("gales", "tides", "gales"):
        answer = client_of_ada.post(
            "/launch/", {"assistant_id": "report", "input": json.dumps({"topic": topic})}, headers=JSON
        )
    client_of_ada.post(f"/runs/{answer.json()['id']}/cancel/")

    page = client_of_ada.get("/launch/?assistant_id=report").content.decode()
    recent = page[page.index('id="launch-recent"') :]

    assert (recent.count(">gales<"), recent.count(">tides<")) == (1, 1)
    assert "Cancelled" in recent


def test_a_preset_may_leave_required_fields_to_the_launch(client_of_ada: Client, server: Server) -> None:
    schema = {
        "type": "object",
        "properties": {"topic": {"type": "string"}, "seconds": {"type": "integer"}},
        "required": ["topic"],
    }
    found = AssistantFound(uuid.uuid4(), "report", "report", schemas={"input_schema": schema})
    server_seen(server=server, version="1", assistants=[found])
    fields = {"assistant_id": "report", "input_view": "form", "input/seconds": "3"}

    draft = client_of_ada.post("/presets/new/", fields)
    kept = client_of_ada.post(
        "/presets/", {**fields, "name": "Quick", "scope": "mine", "locked": "input/seconds"}, headers=JSON
    )
    preset = kept.json()["id"]
    page = client_of_ada.get(f"/launch/?preset={preset}").content.decode()
    missing = client_of_ada.post("/launch/", {"preset": preset, "input_view": "form"}, headers=JSON)
    forged = {"preset": preset, "input_view": "form", "input/topic": "tides", "input/seconds": "4"}
    refused = client_of_ada.post("/launch/", forged, headers=JSON)
    params = launched(
        client_of_ada.post("/launch/", {"preset": preset, "input_view": "form", "input/topic": "tides"}, headers=JSON)
    )

    assert (draft.status_code, kept.status_code) == (200, 201)
    assert "locked by the preset" in page
    assert list(missing.json()["errors"]) == ["input/topic"]
    assert list(refused.json()["errors"]) == ["input/seconds"]
    assert params["input"] == {"topic": "tides", "seconds": 3}
