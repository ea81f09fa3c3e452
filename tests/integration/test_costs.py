"""Prices of models: admins keep them, and runs and Insights say what was used and what that costs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from dashboard.costs.models import ModelPrice
from dashboard.langgraph import Checkpoint
from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.servers.models import Server
from dashboard.steps import services
from dashboard.steps.models import StepLog
from dashboard.steps.reading import Reading
from dashboard.steps.timeline import StepFound
from dashboard.teams.models import AuditEntry, Role, User
from tests.factories import make_run, make_server, make_team, make_user
from tests.words import flat

pytestmark = pytest.mark.django_db
JSON = {"headers": {"Accept": "application/json"}}
PRICE = {"model": "small-1", "input": "2", "output": "10", "cached": "", "currency": "usd"}


@pytest.fixture
def server() -> Server:
    return make_server(make_team())


@pytest.fixture
def admin(client: Client, server: Server) -> User:
    person = make_user(server.team, role=Role.ADMIN)
    client.force_login(person)
    return person


def answer(identity: str, model: str | None = "small-1") -> dict[str, Any]:
    about = {"model_name": model} if model else {}
    usage = {"input_tokens": 100_000, "output_tokens": 20_000}
    return {"id": identity, "type": "ai", "content": "x", "usage_metadata": usage, "response_metadata": about}


def ended(server: Server, person: User, *messages: dict[str, Any], before: Any = None, why: str = "") -> Run:
    run = make_run(server=server, by=person, status=RunStatus.SUCCEEDED, body=b"{}")
    assert services.recordings_claim(limit=1)
    step = StepFound("model", writes=json.dumps({"messages": messages}).encode())
    state = Checkpoint("c0", "", None, "input", "", 1, (), json.dumps(before).encode() if before else None)
    services.steps_store(run=run, reading=Reading([step], why, checkpoints=[((), state)]))
    return run


def test_a_run_says_what_it_cost(client: Client, admin: User, server: Server) -> None:
    run = ended(server, admin, answer("a"))
    assert "no price" in flat(client.get(f"/runs/{run.pk}/"))

    assert client.post("/prices/", PRICE).status_code == 303
    page = flat(client.get(f"/runs/{run.pk}/"))
    update = flat(client.get(f"/runs/{run.pk}/steps/", headers={"HX-Request": "true"}))

    live = flat(client.get(f"/runs/{run.pk}/live/"))

    assert "0.40 USD" in page
    assert f'<div id="run-{run.pk}-cost" class="run-cost">' in live
    assert "0.40 USD" in live
    assert "at least" not in page
    assert f'id="run-{run.pk}-cost" class="run-cost" hx-swap-oob="true"' in update


def test_answers_of_earlier_runs_on_the_thread_are_not_counted_again(
    client: Client, admin: User, server: Server
) -> None:
    run = ended(server, admin, answer("old"), answer("new"), before={"messages": [answer("old")]})

    assert StepLog.objects.get(run=run).tokens["small-1"]["answers"] == 1


def test_what_is_not_known_is_said(client: Client, admin: User, server: Server) -> None:
    client.post("/prices/", PRICE)
    unnamed = ended(server, admin, answer("a"), answer("b", model=None))
    cut = ended(server, admin, answer("c"), why="Only the first 2,000 steps are kept.")

    for run in (unnamed, cut):
        assert "at least 0.40 USD" in flat(client.get(f"/runs/{run.pk}/"))


def test_insights_add_up_what_models_cost(client: Client, admin: User, server: Server) -> None:
    client.post("/prices/", PRICE)
    ended(server, admin, answer("a"), answer("b", model="large-1"))
    ended(server, admin, answer("a"))
    ended(make_server(make_team()), admin, answer("a"))

    insights = client.get("/insights/", **JSON).json()
    page = flat(client.get("/insights/"))

    assert insights["cost"] == {"USD": 0.8}
    assert insights["cost_is_partial"]
    assert [(one["model"], one["input_tokens"], one["cost"]) for one in insights["models"]] == [
        ("small-1", 200_000, 0.8),
        ("large-1", 100_000, None),
    ]
    assert "at least 0.80 USD" in page
    assert "/prices/?model=large-1" in page


def test_prices_are_changed_in_place_and_deleted(client: Client, admin: User, server: Server) -> None:
    ended(server, admin, answer("a"))
    assert "small-1" in flat(client.get("/prices/"))

    made = client.post("/prices/", PRICE, **JSON)
    again = client.post("/prices/", PRICE | {"input": "0.15", "cached": "0.075"}, **JSON)

    assert (made.status_code, again.status_code) == (201, 200)
    assert client.get("/prices/", **JSON).json()["prices"] == [
        {
            "id": made.json()["id"],
            "model": "small-1",
            "input": "0.15",
            "output": "10",
            "cached": "0.075",
            "currency": "USD",
        }
    ]
    assert 'value="0.15"' in flat(client.get("/prices/?model=small-1"))
    assert AuditEntry.objects.filter(action="price-list").count() == 2
    assert client.post(f"/prices/{made.json()['id']}/delete/").status_code == 303
    assert not ModelPrice.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"input": "-1"}, {"input": "a lot"}, {"output": ""}, {"currency": "dollars"}, {"model": " "}, {"model": "a*b"}],
)
def test_a_wrong_price_is_refused_next_to_its_field(client: Client, admin: User, wrong: dict[str, str]) -> None:
    response = client.post("/prices/", PRICE | wrong, **JSON)
    page = client.post("/prices/", PRICE | wrong)

    assert response.status_code == page.status_code == 422
    assert set(response.json()["errors"]) == set(wrong)
    assert 'value="10"' in page.content.decode() or "output" in wrong


def test_only_admins_change_prices(client: Client, server: Server) -> None:
    client.force_login(make_user(server.team))

    assert client.post("/prices/", PRICE).status_code == 403
    assert 'action="/prices/"' not in flat(client.get("/prices/"))
