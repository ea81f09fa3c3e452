"""A preset shared as a form: what a stranger may say with it, how often, and what comes back."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from django.test import Client

from dashboard.launch.models import Preset
from dashboard.runs import leases, outcomes
from dashboard.runs.models import ParentKind, Run
from dashboard.runs.outcomes import Outcome
from dashboard.runs.statuses import RunStatus
from dashboard.runs.timeline import event_lines
from dashboard.servers.models import Server
from dashboard.servers.services import AssistantFound, server_seen
from dashboard.sharing.form_links.services import FormOrder, form_link_create
from dashboard.sharing.models import FormLink, ShareLink
from dashboard.sharing.services import ShareOrder, share_create
from dashboard.teams.models import Role, Team, User
from tests.factories import claim, make_server, make_team, make_user
from tests.integration.asking import waiting_run

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}
SCHEMA = {
    "type": "object",
    "properties": {
        "topic": {"type": "string", "title": "Topic"},
        "tone": {"type": "string", "title": "Tone"},
        "prompt": {"type": "string", "title": "Prompt"},
        "sections": {"type": "array", "title": "Sections", "items": {"type": "string"}},
    },
    "required": ["topic"],
}
INPUT = {"topic": "", "tone": "plain", "prompt": "canary prompt"}


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def admin(team: Team) -> User:
    return make_user(team, role=Role.ADMIN, username="ada")


@pytest.fixture
def server(team: Team) -> Server:
    server = make_server(team)
    found = AssistantFound(uuid.uuid4(), "report", "report", "", {"input_schema": SCHEMA}, 1)
    server_seen(server=server, version="1", assistants=[found])
    return server


@pytest.fixture
def preset(team: Team, server: Server, admin: User) -> Preset:
    params = {"input": INPUT, "metadata": {"k": "canary"}}
    return Preset.objects.create(
        team=team, server=server, created_by=admin, name="Tide report", scope="team", assistant_id="report",
        description="Asks for a report about the tide.", locked=["input/tone"], hidden=["input/prompt"],
        values_text=json.dumps({"params": params, "thread": "new", "tags": ["f"]}),
    )  # fmt: skip


@pytest.fixture
def boss(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def form(boss: Client, preset: Preset, **fields: Any) -> str:
    """Make a form link; returns its path."""
    made = boss.post(f"/presets/{preset.pk}/form-links/", fields, headers=JSON)
    assert made.status_code == 201, made.content
    return str(made.json()["url"]).removeprefix("http://testserver")


def filled(path: str, stranger: Client | None = None, **more: str) -> dict[str, str]:
    """What a browser would send: the hidden fields of the page, and a topic."""
    html = (stranger or Client()).get(path).content.decode()
    key = re.search(r'name="launch_key" value="([^"]+)"', html)
    assert key
    return {"launch_key": key[1], "input_view": "form", "input/topic": "Ebb", **more}


def test_a_stranger_fills_in_what_is_open_launches_and_sees_that_run(boss: Client, preset: Preset, admin: User) -> None:
    path, stranger = form(boss, preset, show="result"), Client()

    page = stranger.get(path).content.decode()
    sent = stranger.post(path, filled(path))

    run = Run.objects.get()
    shown = stranger.get(sent.headers["Location"])
    assert "Tide report" in page
    assert 'name="input/topic"' in page
    assert "Tone" in page
    assert "canary" not in page
    assert sent.status_code == 303
    assert run.request.params["input"] == {"topic": "Ebb", "tone": "plain", "prompt": "canary prompt"}
    assert run.request.params["metadata"] == {"k": "canary"}
    assert (run.launched_by, run.preset_id, run.parent_kind, run.tags) == (admin, preset.pk, "form", ["f"])
    assert f'id="run-{run.pk}-status"' in shown.content.decode()
    assert "canary" not in shown.content.decode()
    assert not re.search(r"\bada\b", shown.content.decode()), "an id may hold these letters, a word may not be them"
    assert "Launched by form link" in event_lines(run.events.all())[0].text
    assert list(ShareLink.objects.values_list("run", "show")) == [(run.pk, ["result"])]


def test_the_same_form_sent_twice_launches_once_and_leads_to_the_same_page(boss: Client, preset: Preset) -> None:
    path = form(boss, preset, max_launches=1)
    fields = filled(path)

    first, again = Client().post(path, fields), Client().post(path, fields)

    assert first.headers["Location"] == again.headers["Location"]
    assert Run.objects.count() == 1
    assert Client().post(path, {**fields, "launch_key": str(uuid.uuid4())}).status_code == 404


@pytest.mark.parametrize(
    ("forged", "refused"),
    [
        ({"input/tone": "rude"}, True),
        ({"input/prompt": "say anything"}, True),
        ({"input_view": "json", "input": '{"topic": "Ebb", "tone": "rude"}'}, True),
        ({"metadata": '{"k": "mine"}'}, False),
        ({"config": '{"configurable": {"model": "dear"}}'}, False),
        ({"assistant_id": "other"}, False),
        ({"headers": '{"X-Key": "1"}'}, False),
        ({"thread": "existing", "thread_id": str(uuid.uuid4())}, False),
        ({"webhook": "https://example.org/"}, False),
        ({"name": "mine", "tags": "mine"}, False),
        ({"preset": str(uuid.uuid4()), "parent": str(uuid.uuid4())}, False),
    ],
)
def test_nothing_but_open_fields_can_be_said(
    boss: Client, preset: Preset, forged: dict[str, str], refused: bool
) -> None:
    path = form(boss, preset)

    sent = Client().post(path, filled(path, **forged))

    assert sent.status_code == (422 if refused else 303)
    for run in Run.objects.all():
        params = run.request.params
        assert params["input"] == {"topic": "Ebb", "tone": "plain", "prompt": "canary prompt"}
        assert set(params) == {"input", "metadata", "if_not_exists"}
        assert params["metadata"] == {"k": "canary"}
        assert (run.assistant_id, run.thread_choice, run.name, run.tags, run.parent) == (
            "report",
            "new",
            "",
            ["f"],
            None,
        )


def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(boss: Client, preset: Preset) -> None:
    path = form(boss, preset)

    sent = Client().post(path, filled(path, **{"input/topic": "", "input/sections/0": "My section"}))
    row = Client().post(path, filled(path, do="add input/sections"))

    html = sent.content.decode()
    assert sent.status_code == 422
    assert "Topic" in html
    assert "My section" in html
    assert "canary" not in html
    assert row.status_code == 200
    assert 'name="input/sections/0"' in row.content.decode()
    assert not Run.objects.exists()


def test_most_launches_in_all_and_by_hour(boss: Client, preset: Preset) -> None:
    hourly, few = form(boss, preset, max_per_hour=1), form(boss, preset, max_launches=1)

    by_hour = [Client().post(hourly, filled(hourly)).status_code for _ in range(2)]
    fields = filled(few)
    in_all = [Client().post(few, {**fields, "launch_key": str(uuid.uuid4())}).status_code for _ in range(2)]

    assert by_hour == [303, 429]
    assert in_all == [303, 404]
    assert Client().get(few).status_code == 404
    kept = Client().post(hourly, filled(hourly, **{"input/topic": "Spring tide"})).content.decode()
    assert "Spring tide" in kept
    assert "too often" in kept


def test_a_password_is_asked_for_first(boss: Client, preset: Preset) -> None:
    path, stranger = form(boss, preset, password="ebb and flow"), Client()

    assert b"input/topic" not in stranger.get(path).content
    assert stranger.post(path, {"input/topic": "Ebb"}).status_code == 200
    assert stranger.post(path, {"password": "flood"}).status_code == 422
    assert stranger.post(path, {"password": "ebb and flow"}).status_code == 303
    assert stranger.post(path, filled(path, stranger)).status_code == 303
    assert Run.objects.count() == 1


def test_revoked_expired_removed_and_wrong_look_the_same(boss: Client, preset: Preset, admin: User) -> None:
    revoked, expired, orphan = form(boss, preset), form(boss, preset), form(boss, preset)
    first, second, third = FormLink.objects.order_by("created_at", "pk")[:3]
    assert boss.post(f"/shares/{first.pk}/revoke/", headers=JSON).json()["revoked"]
    FormLink.objects.filter(pk=second.pk).update(expires_at="2026-01-01T00:00Z")
    FormLink.objects.filter(pk=third.pk).update(created_by=make_user(make_team()))

    pages = {Client().get(path).content for path in (revoked, expired, orphan, "/f/wrong/")}

    assert len(pages) == 1
    assert Client().post(revoked, {"input/topic": "Ebb"}).status_code == 404
    assert not Run.objects.exists()


def test_only_admins_make_forms_and_they_are_listed(boss: Client, preset: Preset, team: Team) -> None:
    form(boss, preset, note="for the harbour")
    member, other = Client(), Client()
    member.force_login(make_user(team))
    other.force_login(make_user(make_team(), role=Role.ADMIN))

    address = f"/presets/{preset.pk}/form-links/"
    assert member.post(address).status_code == 403
    assert other.post(address).status_code == 404
    (listed,) = member.get("/shares/", headers=JSON).json()["form_links"]
    assert listed["preset"] == str(preset.pk)
    assert "for the harbour" in member.get("/shares/").content.decode()
    assert member.post(f"/shares/{listed['id']}/revoke/").status_code == 403
    assert other.post(f"/shares/{listed['id']}/revoke/").status_code == 404
    assert boss.post("/shares/revoke/", {"person": "ada"}, headers=JSON).json() == {"revoked": 1}


def test_a_preset_of_one_thread_is_no_form(boss: Client, preset: Preset) -> None:
    preset.values_text = json.dumps({"params": {}, "thread": "existing", "thread_id": str(uuid.uuid4())})
    preset.save()

    refused = boss.post(f"/presets/{preset.pk}/form-links/", {}, headers=JSON)

    assert refused.status_code == 422
    assert list(refused.json()["errors"]) == ["name"]


def test_without_a_schema_the_input_is_json_and_hidden_members_are_not_in_it(
    boss: Client, preset: Preset, server: Server
) -> None:
    server_seen(server=server, version="1", assistants=[])
    path = form(boss, preset)

    page = Client().get(path).content.decode()
    fields = filled(path) | {"input_view": "json", "input": '{"topic": "Ebb"}'}
    fields.pop("input/topic")
    sent = Client().post(path, fields)

    assert "as JSON" in page
    assert "canary" not in page
    assert sent.status_code == 303
    assert Run.objects.get().request.params["input"] == {"topic": "Ebb", "tone": "plain", "prompt": "canary prompt"}


def test_the_sender_sees_how_the_run_goes_on_once_the_team_has_answered(
    boss: Client, admin: User, preset: Preset
) -> None:
    form, _ = form_link_create(preset=preset, by=admin, lifetime=None, order=FormOrder("Tide desk", {}))
    asking = waiting_run(
        admin, params={"input": {"mail": "canary@example.org"}}, body=b'{"mail": "canary@example.org"}'
    )
    Run.objects.filter(pk=asking.pk).update(parent_kind=ParentKind.FORM, link_for="Tide desk")
    order = ShareOrder(show=["result", "input", "parameters"], redact=["/mail"])
    link, token = share_create(run=asking, by=admin, lifetime=None, order=order)
    ShareLink.objects.filter(pk=link.pk).update(form_link=form)
    before = Client().get(f"/s/{token}/").content.decode()

    answers = {"answers": json.dumps({"q": "internal words"})}
    assert boss.post(f"/runs/{asking.pk}/answer/", answers, headers=JSON).status_code == 201
    child = Run.objects.get(pk=asking.pk).answer
    said = json.dumps({"mail": "canary@example.org", "report": "Sent to canary@example.org at noon."}).encode()
    lease = claim(child)
    leases.run_sending(lease)
    thread = {"remote_run_id": str(uuid.uuid4()), "remote_thread_id": asking.remote_thread_id}
    leases.run_created_on_server(lease, **thread)
    outcomes.run_finish(lease, Outcome(RunStatus.SUCCEEDED, body=said))
    page = Client().get(f"/s/{token}/").content.decode()
    document = Client().get(f"/s/{token}/", headers=JSON).json()
    _, copied = share_create(run=asking, by=admin, lifetime=None, order=order)

    assert "It has a question for the team" in before
    assert f'id="run-{child.pk}-status"' in page
    assert "at noon." in page
    assert "changed by this run" not in page, "which may only be because something is hidden"
    assert "Tide desk" in page
    assert all(secret not in page for secret in ("canary@", "internal words"))
    assert document["status"] == "succeeded"
    assert b"at noon." in b"".join(Client().get(f"/s/{token}/result.json"))
    assert f'id="run-{asking.pk}-status"' in Client().get(f"/s/{copied}/").content.decode(), (
        "a link to a run shows that run"
    )
