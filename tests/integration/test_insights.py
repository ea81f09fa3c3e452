"""Statistics of a period; any filter over many runs costs no more than over few."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from dashboard.history import counts, insights
from dashboard.history.charts import duration_chart
from dashboard.history.filters import RunFilters
from dashboard.runs.models import Run
from dashboard.runs.outcomes import RunError
from dashboard.runs.seeding import runs_seed
from dashboard.runs.statuses import RunStatus
from tests.factories import make_run, make_server, make_team, make_user

pytestmark = pytest.mark.django_db
JSON = {"headers": {"Accept": "application/json"}}


def test_numbers_are_those_of_the_runs_in_that_time(client: Client) -> None:
    server = make_server(make_team())
    person = make_user(server.team)
    client.force_login(person)
    for took in (10, 20, 30, 400):
        run = make_run(server=server, by=person, status=RunStatus.SUCCEEDED, body=b"{}")
        Run.objects.filter(pk=run.pk).update(started_at=F("finished_at") - timedelta(seconds=took))
    make_run(server=server, by=person, status=RunStatus.FAILED, error=RunError("KeyError", "m"))
    make_run(server=server, by=person)
    old = make_run(server=server, status=RunStatus.FAILED)
    Run.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=20))
    make_run(status=RunStatus.FAILED)

    week = client.get("/insights/?range=7d", **JSON).json()
    month = client.get("/insights/?range=30d&status=failed", **JSON).json()
    page = client.get("/insights/?range=7d").content.decode()

    assert (week["runs"], week["success_percent"], week["p50_s"], week["p95_s"]) == (6, 80.0, 30.0, 400.0)
    assert [week["buckets"][-1][name] for name in ("succeeded", "failed", "waiting", "other")] == [4, 1, 0, 1]
    assert (month["runs"], month["success_percent"]) == (2, 0.0)
    assert sum(bucket["failed"] for bucket in month["buckets"]) == 2
    assert "KeyError" in page
    assert str(person) in page
    assert page.count("<svg viewBox") == 2
    assert client.get("/insights/?range=nonsense&q=nothing-like-it").status_code == 200


def test_a_bar_narrows_the_time_and_what_is_counted_can_be_listed(client: Client) -> None:
    server = make_server(make_team())
    client.force_login(make_user(server.team))
    for hours in (1, 30, 31, 500):
        run = make_run(server=server, status=RunStatus.SUCCEEDED, tags=["weekly"])
        Run.objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(hours=hours))
    make_run(server=server)

    def followed(page: str, what: str) -> str:
        found = re.search(what, page)
        assert found is not None
        address = unescape(found[1])
        return client.get(address if address[0] == "/" else f"/insights/{address}").content.decode()

    week = client.get("/insights/?tag=weekly&range=7d").content.decode()
    bar = followed(week, r'<a href="(\?[^"]+)"\s+aria-label="[^"]*: [12] runs')
    rows = followed(week, r'<dt>Runs</dt><dd><a href="([^"]+)"')

    assert "in the last 7 days" in week
    assert re.search(r"Runs by outcome from \d+ \w+ \d\d:\d\d to ", bar)
    assert "Tag: weekly" in bar
    assert rows.count('class="run-row"') == 3
    as_in_the_list = client.get("/insights/?since=7d", **JSON).json()
    assert as_in_the_list["range"] == "7d"
    chosen = client.get(f"/insights/?since={(timezone.now() - timedelta(hours=48)).isoformat()[:19]}", **JSON).json()
    assert (chosen["range"], chosen["runs"], len(chosen["buckets"])) == ("chosen", 4, 24)
    assert sum(bucket["succeeded"] for bucket in chosen["buckets"]) == 3


def test_many_runs_are_counted_from_an_even_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    server = make_server(make_team())
    make_user(server.team)
    runs_seed(server=server, count=4_000, days=25)
    exact = insights.insights(server.team, RunFilters(), "30d")
    monkeypatch.setattr(counts, "COUNTED_MAX", 100)
    monkeypatch.setattr(counts, "rows_estimate", lambda *_: 4_000)
    monkeypatch.setattr(insights, "SAMPLE", 1_000)

    sampled = insights.insights(server.team, RunFilters(), "30d")

    assert exact.sampled is None
    assert sampled.sampled is not None
    assert 850 < sampled.sampled < 1_150
    assert exact.success_percent == pytest.approx(sampled.success_percent, abs=4)
    assert exact.p50_s == pytest.approx(sampled.p50_s, rel=0.4)
    assert sum(bucket.total for bucket in sampled.buckets) == pytest.approx(4_000, rel=0.05)


@pytest.mark.parametrize(
    ("longest_s", "axis"),
    [
        (0, ["0 s", "0.5 s", "1 s"]),
        (37, ["0 s", "20 s", "40 s"]),
        (62, ["0 s", "1 m", "2 m"]),
        (3_000, ["0 s", "30 m", "1 h"]),
        (200_000, ["0 s", "2 d", "4 d"]),
    ],
)
def test_the_axis_of_durations_is_marked_in_whole_units(longest_s: float, axis: list[str]) -> None:
    now = timezone.now()
    chart = duration_chart([insights.Bucket(now, now + timedelta(hours=1), p95_s=longest_s)])

    assert [mark.text for mark in chart.up] == axis
    (left, y), (right, same) = (point.split(",") for point in chart.lines["p95_s"].split())
    assert y == same
    assert float(right) - float(left) > 100, "a single value is a line that can be seen"
