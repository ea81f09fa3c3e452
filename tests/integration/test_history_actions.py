"""Labels, saved views, bulk actions and exports: each does it, refuses GET and strangers, and is harmless twice."""

from __future__ import annotations

import csv
import io
import json
import uuid
from typing import Any

import pytest
from django.test import Client

from dashboard.history import bulk, counts
from dashboard.history.filters import RunFilters
from dashboard.history.models import BulkAction, SavedView
from dashboard.runs.models import Run
from dashboard.runs.seeding import runs_seed
from dashboard.runs.statuses import RunStatus
from dashboard.servers.models import Server
from dashboard.teams.models import Role, Team, User
from tests.factories import make_run, make_server, make_team, make_user
from tests.words import flat

pytestmark = pytest.mark.django_db
JSON = {"headers": {"Accept": "application/json"}}


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def server(team: Team) -> Server:
    return make_server(team)


@pytest.fixture
def admin(team: Team) -> User:
    return make_user(team, username="ada", role=Role.ADMIN)


@pytest.fixture
def browser(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def signed_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


# Labels.


LABELS = [
    ("rename", {"name": "Another name"}, "name", "Another name"),
    ("tags", {"add": ["weekly, checked", "x"], "remove": "old"}, "tags", ["weekly", "checked", "x"]),
    ("star", {"on": "1"}, "is_starred", True),
    ("note", {"text": "Look at this 🌊"}, "note", "Look at this 🌊"),
]


@pytest.mark.parametrize(("action", "fields", "column", "value"), LABELS, ids=[label[0] for label in LABELS])
def test_labels_are_kept_found_and_listed(
    browser: Client, server: Server, action: str, fields: dict[str, Any], column: str, value: Any
) -> None:
    run = make_run(server=server, tags=["old"], status=RunStatus.SUCCEEDED, body=b'{"answer": "spring tide"}')
    url = f"/runs/{run.pk}/{action}/"

    first = browser.post(url, fields, **JSON)
    run.refresh_from_db()
    version = run.version
    second = browser.post(url, fields, **JSON)
    run.refresh_from_db()

    assert (first.status_code, second.status_code) == (200, 200)
    assert getattr(run, column) == value
    assert run.version == version
    assert browser.get(url).status_code == 405
    assert signed_in(make_user(make_team())).post(url, fields).status_code == 404
    words = {"rename": "another", "tags": "checked", "note": "🌊", "star": "spring"}[action]
    listed = browser.get("/runs/", {"q": f"{words} tide"}, **JSON).json()["runs"]
    assert [found["id"] for found in listed] == [str(run.pk)]
    viewer = signed_in(make_user(run.team, role=Role.VIEWER))
    assert viewer.post(url, fields).status_code == (303 if action == "star" else 403)
    assert browser.get(f"/runs/{run.pk}/").status_code == 200


def test_labels_that_cannot_be_kept_are_refused(browser: Client, server: Server) -> None:
    run = make_run(server=server)
    refused = [("rename", {"name": "x" * 201}), ("tags", {"add": "x" * 61}), ("note", {"text": "x" * 5_001})]

    answers = [browser.post(f"/runs/{run.pk}/{action}/", fields, **JSON) for action, fields in refused]

    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert browser.post(f"/runs/{run.pk}/rename/", {"name": "NUL\x00"}, **JSON).status_code == 200


# Saved views.


def test_views_are_saved_shown_as_tabs_and_deleted(browser: Client, team: Team, server: Server) -> None:
    make_run(server=server, status=RunStatus.FAILED)
    data = {"name": "Weekly", "scope": "team", "query": "status=failed&nonsense=1&input.topic=tides"}

    made = browser.post("/views/", data, **JSON)
    again = browser.post("/views/", data, **JSON)

    view = SavedView.objects.get()
    assert (made.status_code, made.json()) == (201, {"id": view.pk, "url": f"/runs/?{view.query}"})
    assert view.query == "status=failed&input.topic=tides"
    assert again.status_code == 422
    assert list(again.json()["errors"]) == ["name"]
    page = flat(browser.get(f"/runs/?{view.query}"))
    assert "Weekly" in page
    assert 'aria-current="page"' in page
    assert "Status: Failed · input.topic = tides" in flat(browser.get("/views/"))
    counted = flat(browser.get("/views/counts/"))
    assert counted.count('class="tab-count">1<') == 3  # all runs, those that failed today, and this view's
    stranger, viewer = signed_in(make_user(make_team())), signed_in(make_user(team, role=Role.VIEWER))
    assert stranger.get("/views/", **JSON).json() == {"views": []}
    assert stranger.post(f"/views/{view.pk}/delete/").status_code == 404
    assert viewer.post(f"/views/{view.pk}/delete/", **JSON).status_code == 403
    assert viewer.post("/views/", {**data, "name": "x"}, **JSON).status_code == 422
    assert viewer.post("/views/", {"name": "Own", "query": "starred=1"}, **JSON).status_code == 201
    assert browser.get(f"/views/{view.pk}/delete/").status_code == 405
    assert browser.post(f"/views/{view.pk}/delete/", **JSON).status_code == 200
    assert browser.post(f"/views/{view.pk}/delete/", **JSON).status_code == 404
    assert [found["name"] for found in viewer.get("/views/", **JSON).json()["views"]] == ["Own"]
    assert browser.get("/views/").status_code == 200


# Many at once.


def work() -> None:
    while bulk.bulk_work():
        pass


def begin(browser: Client, query: str = "", **fields: Any) -> Any:
    return browser.post(f"/runs/bulk/?{query}", fields, **JSON)


def test_chosen_runs_are_launched_again_each_exactly_once(browser: Client, server: Server, admin: User) -> None:
    runs = [make_run(server=server, by=admin, status=RunStatus.FAILED, headers={"X-Key": "s"}) for _ in range(25)]
    others = make_run(server=server, headers={"X-Key": "s"})

    answer = begin(browser, action="launch", ids=[str(run.pk) for run in [*runs, others]])
    found = BulkAction.objects.get()
    work()
    again = Run.objects.filter(batch_id=found.pk)

    assert (answer.status_code, answer.json()["total"]) == (202, 26)
    assert sorted(again.values_list("parent_id", flat=True)) == sorted(run.pk for run in [*runs, others])
    assert all(run.request.params == runs[0].request.params for run in again.select_related("request"))
    progress = browser.get(answer.json()["url"], **JSON).json()
    assert (progress["state"], progress["done"], progress["failed"]) == ("done", 26, 0)
    assert browser.get("/runs/", {"batch": str(found.pk)}, **JSON).json()["runs"]
    assert browser.get(answer.json()["url"]).status_code == 200


def test_a_worker_that_dies_half_way_is_followed_by_another(
    server: Server, admin: User, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [make_run(server=server, status=RunStatus.SUCCEEDED) for _ in range(5)]
    begin(browser, action="launch", ids=[str(run.pk) for run in runs])
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    bulk.bulk_work()

    class Died(BaseException):
        pass

    def die(*args: Any, **fields: Any) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr("dashboard.history.models.BulkItem.delete", die)
        with pytest.raises(Died):
            bulk.bulk_work()
    work()

    assert Run.objects.filter(batch_id__isnull=False).count() == 5
    assert BulkAction.objects.get().done == 5


def test_all_that_match_are_confirmed_by_their_number(browser: Client, server: Server, team: Team) -> None:
    for status in (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.SUCCEEDED):
        make_run(server=server, status=status, tags=["night"])
    make_run(server=server)
    make_run(tags=["night"])

    page = flat(browser.get("/runs/bulk/?tag=night"))
    wrong = begin(browser, "tag=night", action="cancel", all=1, count=4)
    unsaid = begin(browser, "tag=night", action="cancel", all=1)
    right = begin(browser, "tag=night", action="cancel", all=1, count=3)
    work()

    assert "3 runs match" in page
    assert (wrong.status_code, unsaid.status_code, right.status_code) == (409, 422, 202)
    statuses = Run.objects.filter(team=team, tags__contains=["night"]).order_by("created_at")
    assert list(statuses.values_list("status", flat=True)) == ["cancelled", "cancelling", "succeeded"]
    assert Run.objects.filter(status=RunStatus.QUEUED).count() == 2
    found = BulkAction.objects.get()
    assert (found.done, found.skipped) == (2, 1)


def test_tags_change_and_ended_runs_go_but_for_members_only_their_own(server: Server, team: Team) -> None:
    member = make_user(team)
    own = make_run(server=server, by=member, status=RunStatus.SUCCEEDED)
    going_on, others = make_run(server=server, by=member), make_run(server=server, status=RunStatus.SUCCEEDED)
    ids = [str(run.pk) for run in (own, going_on, others)]
    browser = signed_in(member)

    tagged = begin(browser, action="tag", ids=ids, add="seen, x", remove="y")
    work()
    deleted = begin(browser, action="delete", ids=ids)
    work()

    assert (tagged.status_code, deleted.status_code) == (202, 202)
    assert set(Run.objects.values_list("pk", flat=True)) == {going_on.pk, others.pk}
    assert list(Run.objects.values_list("tags", flat=True)) == [["seen", "x"]] * 2


def test_a_stopped_action_does_no_more(browser: Client, server: Server) -> None:
    runs = [make_run(server=server) for _ in range(3)]
    url = begin(browser, action="cancel", ids=[str(run.pk) for run in runs]).json()["url"]

    stopped = [browser.post(f"{url}stop/", **JSON).status_code for _ in range(2)]
    work()

    assert stopped == [200, 200]
    assert browser.get(url, **JSON).json()["state"] == "stopped"
    assert Run.objects.filter(status=RunStatus.QUEUED).count() == 3
    assert browser.get(f"{url}stop/").status_code == 405
    stranger = signed_in(make_user(make_team()))
    assert stranger.post(f"{url}stop/").status_code == stranger.get(url).status_code == 404


def test_bulk_refuses_nonsense_and_viewers_and_never_touches_another_team(
    browser: Client, server: Server, team: Team
) -> None:
    foreign = make_run()
    known = {"action": "cancel", "ids": [str(uuid.uuid4())]}

    for fields in (
        {},
        {"action": "explode"},
        {"action": "cancel", "ids": ["x"]},
        {"action": "tag", "ids": known["ids"]},
    ):
        assert begin(browser, **fields).status_code == 422
    assert signed_in(make_user(team, role=Role.VIEWER)).post("/runs/bulk/", known).status_code == 403
    assert begin(browser, action="cancel", ids=[str(foreign.pk)]).json()["total"] == 0
    work()
    foreign.refresh_from_db()
    assert foreign.status == "queued"


# Counting and exporting.


def test_counts_are_exact_while_few_and_estimates_beyond(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(12):
        make_run(server=server)
    team_id = server.team_id
    exact = counts.run_count(team_id, RunFilters(statuses=("queued",)))
    monkeypatch.setattr(counts, "COUNTED_MAX", 5)
    estimate = counts.run_count(team_id, RunFilters())

    assert (exact.number, exact.is_estimate) == (12, False)
    assert estimate.is_estimate
    assert str(counts.Count(1_234_000, is_estimate=True)) == "~1.23 M"


def test_exports_hold_every_run_that_matches(browser: Client, server: Server, admin: User) -> None:
    runs_seed(server=server, count=1_203, days=9)
    formula = make_run(server=server, name='=HYPERLINK("http://x")', tags=["a", "b"])

    rows = list(csv.DictReader(io.StringIO(browser.get("/runs/export.csv").getvalue().decode())))
    lines = browser.get("/runs/export.jsonl?status=failed").getvalue().decode().splitlines()
    one = browser.get(f"/runs/export.csv?ids={formula.pk}").getvalue().decode().splitlines()
    begun = begin(browser, "status=failed", action="export", ids=[str(formula.pk)])

    assert len(rows) == len({row["id"] for row in rows}) == 1_204
    assert rows[0]["name"] == '\'=HYPERLINK("http://x")'
    assert rows[0]["tags"] == "a, b"
    assert len(lines) == Run.objects.filter(status=RunStatus.FAILED).count()
    assert {json.loads(line)["status"] for line in lines} == {"failed"}
    assert len(one) == 2
    assert begun.json()["url"] == f"/runs/export.csv?status=failed&ids={formula.pk}"
    assert signed_in(make_user(make_team())).get("/runs/export.csv").getvalue().count(b"\n") == 1
    assert browser.get("/runs/export.csv?ids=x").status_code == 400
