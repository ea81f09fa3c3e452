"""The states of a run's checkpoints: kept, opened, compared step by step, and what a failed run shows of them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from dashboard.langgraph import Checkpoint, Task
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.outcomes import RunError
from dashboard.runs.statuses import RunStatus
from dashboard.steps.models import RunCheckpoint
from dashboard.steps.timeline import StepFound
from dashboard.teams.models import Role, Team, User
from tests.factories import make_run, make_team, make_user
from tests.integration.recording import record
from tests.words import flat

pytestmark = pytest.mark.django_db


def task(name: str, **fields: Any) -> Task:
    defaults = {"error": "", "asks": False, "has_result": False, "writes": None, "writes_bytes": 0, "subgraph": ""}
    return Task(id=name, name=name, **(defaults | fields))


def at(name: str, values: Any, *next_: str) -> Checkpoint:
    body = None if values is None else json.dumps(values).encode()
    return Checkpoint(name, "", None, "loop", "", 1, tuple(map(task, next_)), body, len(body or b"x" * 9_000_000))


def failed(team: Team, person: User) -> Run:
    run = make_run(team=team, by=person, status=RunStatus.FAILED, error=RunError("ValueError", "no", "judge"))
    steps = [
        StepFound("plan", checkpoint_id="c0", next_checkpoint_id="c1", writes=b'{"route": ["pier"]}', writes_bytes=19),
        StepFound("count", checkpoint_id="c1", writes=b'{"boats": 17}', writes_bytes=13),
        StepFound("judge", checkpoint_id="c1", status="failed", error="ValueError('no')"),
    ]
    before = {"topic": "tides", "route": []}
    record(
        run,
        steps,
        [((), at("c0", before, "plan")), ((), at("c1", before | {"route": ["pier"]}, "count", "judge"))],
    )
    return run


def test_a_failed_run_shows_its_values_and_what_to_do_next(browser: Client, team: Team, person: User) -> None:
    run = failed(team, person)

    page = flat(browser.get(f"/runs/{run.pk}/"))

    assert "Values so far" in page
    assert f'data-state="/runs/{run.pk}/states/c1/"' in page
    assert "pier" in page
    assert "Written by parallel steps" in page
    assert "17" in page
    assert f"/launch/?from={run.pk}&amp;checkpoint_id=c1" in page
    assert f'href="/launch/?from={run.pk}"' in page
    assert f"/runs/compare/?a={run.pk}&amp;b=last" in page


def test_a_failed_run_is_compared_by_its_values_so_far(browser: Client, team: Team, person: User) -> None:
    run = failed(team, person)
    body = b'{"topic": "gales", "route": ["pier"]}'
    make_run(team=team, by=person, server=run.server, status=RunStatus.SUCCEEDED, body=body)

    page = flat(browser.get(f"/runs/compare/?a={run.pk}&b=last", follow=True))

    assert "left no final state: the values so far are compared." in page
    state = page.split('id="differs-state"')[1].split("</section>")[0]
    assert "1 difference, 1 equal" in state
    assert '<del dir="auto">gales</del><ins dir="auto">tides</ins>' in state


def test_who_may_only_look_is_offered_nothing_to_launch(client: Client, team: Team, person: User) -> None:
    run = failed(team, person)
    client.force_login(make_user(team, role=Role.VIEWER))

    for path in ("", "so-far/", "states/c1/", "steps/0/"):
        page = client.get(f"/runs/{run.pk}/{path}")
        assert page.status_code == 200
        assert "/launch/" not in page.content.decode()
    assert "fork-item" not in flat(client.get(f"/runs/{run.pk}/steps/", headers={"HX-Request": "true"}))


def test_a_state_opens_at_its_address_as_the_final_one_does(browser: Client, team: Team, person: User) -> None:
    run = failed(team, person)
    address = f"/runs/{run.pk}/states/c1/"

    page = flat(browser.get(address))
    document = browser.get(f"{address}?path=/route", headers={"Accept": "application/json"}).json()

    assert "Before count, judge" in page
    assert f"/runs/{run.pk}/states/c0/" in page
    assert "Before plan" in page
    assert document["children"][0]["value"] == "pier"
    assert "Before count, judge" in flat(browser.get(f"{address}?path=/route"))
    assert browser.get(f"{address}?path=/none").status_code == 404
    assert browser.get(f"/runs/{run.pk}/states/none/").status_code == 404
    browser.force_login(make_user(make_team()))
    assert browser.get(address).status_code == 404


def test_a_step_opens_to_what_it_changed(browser: Client, team: Team, person: User) -> None:
    run = failed(team, person)

    opened = flat(browser.get(f"/runs/{run.pk}/steps/0/", headers={"HX-Request": "true"}))

    assert "Changed in the state" in opened
    assert '<li class="change" data-change="added">' in opened
    assert "route / 0" in opened
    assert "State before" in opened
    assert "topic" not in opened


def test_a_step_is_forked_from_where_it_is_seen(browser: Client, team: Team, person: User) -> None:
    run = make_run(team=team, by=person, status=RunStatus.SUCCEEDED, body=b'{"a": 1}')
    steps = [
        StepFound("measure", checkpoint_id="c0", next_checkpoint_id="c1", writes=b'{"a": 1}'),
        StepFound("sample", path=("measure",), checkpoint_id="i0"),
    ]
    record(
        run, steps, [((), at("c0", {}, "measure")), ((), at("c1", {"a": 1})), (("measure",), at("i0", {}, "sample"))]
    )
    fork = f"/launch/?from={run.pk}&amp;checkpoint_id=c0"

    menu = flat(browser.get(f"/runs/{run.pk}/"))
    read = flat(browser.get(f"/runs/{run.pk}/steps/", headers={"HX-Request": "true"}))
    opened = flat(browser.get(f"/runs/{run.pk}/steps/0/", headers={"HX-Request": "true"}))
    page = flat(browser.get(f"/runs/{run.pk}/steps/0/"))
    inside = flat(browser.get(f"/runs/{run.pk}/steps/1/"))
    Run.objects.filter(pk=run.pk).update(remote_thread_kept=False)
    gone = flat(browser.get(f"/runs/{run.pk}/steps/0/"))
    menu_gone = flat(browser.get(f"/runs/{run.pk}/"))

    assert "Fork…" in menu
    assert re.search(r'-fork-item" class="fork-slot" data-version="\d+" hx-swap-oob="true"><a', read)
    for html in (opened, page, inside):
        assert fork in html
        assert "Fork from here" in html
    assert "Fork from here" not in gone
    assert "Fork…" not in menu_gone


def test_of_branches_each_shows_its_own_keys(browser: Client, team: Team, person: User) -> None:
    run = make_run(team=team, by=person, status=RunStatus.SUCCEEDED, body=b'{"a": 1, "b": 2}')
    both = {"checkpoint_id": "c0", "next_checkpoint_id": "c1"}
    steps = [StepFound("one", writes=b'{"a": 1}', **both), StepFound("two", writes=b'{"b": 2}', **both)]
    record(run, steps, [((), at("c0", {}, "one", "two")), ((), at("c1", {"a": 1, "b": 2}))])

    opened = flat(browser.get(f"/runs/{run.pk}/steps/0/"))

    assert "<code><bdi>a</bdi></code>" in opened
    assert "<code><bdi>b</bdi></code>" not in opened
    assert "two ended at the same time" in opened


def test_the_final_state_is_not_kept_twice_and_what_is_not_kept_is_said(
    browser: Client, team: Team, person: User
) -> None:
    body = json.dumps({"done": True}).encode()
    run = make_run(team=team, by=person, status=RunStatus.SUCCEEDED, body=body)
    steps = [StepFound("plan", checkpoint_id="c0", next_checkpoint_id="c1", writes=b"{}", writes_bytes=2)]
    record(run, steps, [((), at("c0", None, "plan")), ((), at("c1", {"done": True}))])

    assert RunCheckpoint.objects.get(checkpoint_id="c1").compressed is None
    assert browser.get(f"/runs/{run.pk}/states/c1/?path=/done").status_code == 200
    assert browser.get(f"/runs/{run.pk}/states/c0/").status_code == 404
    opened = flat(browser.get(f"/runs/{run.pk}/steps/0/"))
    assert "State after" in opened
    assert "State before" not in opened


def test_a_step_that_failed_inside_a_subgraph_shows_its_input(browser: Client, team: Team, person: User) -> None:
    run = make_run(team=team, by=person, status=RunStatus.FAILED, error=RunError("ValueError", "no", "sample"))
    steps = [
        StepFound("measure", checkpoint_id="c0", status="failed"),
        StepFound("sample", path=("measure",), checkpoint_id="i0", status="failed", error="no"),
    ]
    inner = at("i0", {"sensor": "seven"}, "sample")
    record(run, steps, [((), at("c0", {"topic": "tides"}, "measure")), (("measure",), inner)])

    page = flat(browser.get(f"/runs/{run.pk}/"))

    assert "Input of sample" in page
    assert "seven" in page
    assert "checkpoint_id=c0" in page
    assert "Fork before <bdi>measure</bdi>" in page


def test_a_thread_offers_each_point_once(browser: Client, team: Team, person: User) -> None:
    first = failed(team, person)
    again = make_run(
        team=team,
        by=person,
        server=first.server,
        status=RunStatus.SUCCEEDED,
        body=b"{}",
        thread=ThreadChoice.EXISTING,
        thread_id=first.remote_thread_id,
    )
    record(again, [StepFound("count", checkpoint_id="c1")], [((), at("c1", {}, "count")), ((), at("c2", {}))])

    page = flat(browser.get(f"/threads/{first.server_id}/{first.remote_thread_id}/"))

    assert "2 checkpoints to open or continue from" in page
    assert f"/runs/{first.pk}/states/c1/" in page
    assert f"/runs/{again.pk}/states/c1/" not in page
    assert f"from={again.pk}&amp;checkpoint_id=c2" in page
