"""The history: what a row says, and that every filter finds what it should, on any page and in any order."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.history import selectors
from dashboard.history.counts import run_count
from dashboard.history.filters import RunFilters
from dashboard.history.insights import insights
from dashboard.history.selectors import run_list, run_page
from dashboard.runs.models import Run
from dashboard.runs.outcomes import RunError
from dashboard.runs.seeding import runs_seed
from dashboard.runs.statuses import RunStatus
from dashboard.servers.models import Server
from dashboard.servers.services import AssistantFound, server_seen
from dashboard.teams.models import Team, User
from tests.factories import make_run, make_server, make_user
from tests.words import flat

pytestmark = pytest.mark.django_db
JSON = {"headers": {"Accept": "application/json"}}


@pytest.fixture
def server(team: Team) -> Server:
    return team.servers.get()


def found(browser: Client, query: str) -> list[str]:
    """The names of the runs that an address lists."""
    return [run["name"] for run in browser.get(f"/runs/?{query}", **JSON).json()["runs"]]


# What a row says.


def test_a_row_says_what_the_run_was_about_and_what_came_of_it(browser: Client, server: Server) -> None:
    graph = UUID(int=7)
    schema = {"input_schema": {"properties": {"subject": {"x-title": True}}}}
    server_seen(server=server, version="1", assistants=[AssistantFound(graph, "agent", "Report writer", "", schema)])
    given = {"question": "something longer than the subject", "subject": "Tides"}
    state = {"messages": [{"type": "human", "content": "hi"}, {"type": "ai", "content": "# Tides\n\nThey **rise**."}]}
    make_run(
        server=server,
        assistant_id=str(graph),
        params={"input": given},
        status=RunStatus.SUCCEEDED,
        body=json.dumps(state).encode(),
    )

    row = browser.get("/runs/", **JSON).json()["runs"][0]
    html = browser.get("/runs/").content.decode()

    assert (row["summary"], row["outcome_text"], row["assistant_name"]) == ("Tides", "They rise.", "Report writer")
    assert all(words in html for words in ("Tides", "They rise.", "Report writer"))
    assert "They rise" in browser.get("/runs/?q=rise+writer").content.decode()


@pytest.mark.parametrize(
    ("given", "summary"),
    [
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi there"}]}]}, "Hi there"),
        ({"messages": [["human", "Hi"]]}, "Hi"),
        (
            {"id": "3f2b8c1e-5d0a-4b7e-9c61-2a4f0d8e7b35", "note": "the first text of a person"},
            "the first text of a person",
        ),
        ({"order": 8841, "strict": True}, "order 8841, strict true"),
        ("Just a text\nin two lines", "Just a text in two lines"),
        ([1, 2.5], "1, 2.5"),
        (7, "7"),
        (False, "false"),
        ({}, ""),
        ({"a": {"b": {"c": {"d": {"e": {"f": "too deep"}}}}}}, ""),
        ({"topic": "\u200b", "text": "seen"}, "seen"),
        ({"topic": "word " * 100}, ("word " * 31).strip() + "…"),
    ],
)
def test_a_summary_is_the_most_significant_value_in_an_input(server: Server, given: Any, summary: str) -> None:
    assert make_run(server=server, params={"input": given}).summary == summary


def test_what_came_of_a_run_is_its_error_or_its_question(server: Server) -> None:
    failed = make_run(
        server=server, status=RunStatus.FAILED, error=RunError("TimeoutError", "no answer\nat all", "fetch")
    )
    action = {"action_request": {"action": "refund", "args": {"order": 8841, "amount": 120}}}
    asking = make_run(
        server=server, status=RunStatus.NEEDS_INPUT, ending={"interrupts": [{"id": "a", "value": [action]}]}
    )
    falsy = make_run(server=server, status=RunStatus.NEEDS_INPUT, ending={"interrupts": [{"id": "a", "value": ""}] * 2})
    paused = make_run(server=server, status=RunStatus.PAUSED, ending={"next": ["write"]})

    assert failed.outcome_text == "TimeoutError in fetch: no answer at all"
    assert asking.outcome_text == "refund: order 8841, amount 120"
    assert falsy.outcome_text == "Waits for an answer (and 1 more)"
    assert paused.outcome_text == "Waits at write"


@pytest.mark.parametrize(
    "body", [b"", b"[" * 50_000, b'{"a": ' + b"9" * 5_000 + b"}", b"\xff", b'"\\ud800\\u0000"', b"NaN"]
)
def test_no_final_state_keeps_a_run_from_ending(server: Server, body: bytes) -> None:
    assert make_run(server=server, status=RunStatus.SUCCEEDED, body=body).status == "succeeded"


# Filters.


def test_words_phrases_minus_emoji_and_scripts_without_spaces(browser: Client, server: Server) -> None:
    texts = {
        "a": "Tide tables for the harbour office",
        "b": "the harbour tables of tides",
        "c": "ÄRGER mit 港口潮汐时间表",
        "d": "Thanks 🌊 v1.2.3 x@example.org",
    }
    for name, text in texts.items():
        make_run(server=server, name=name, params={"input": {"text": text}})

    def names(text: str) -> str:
        return "".join(sorted(run.name for run in run_list(server.team, RunFilters(text=text))))

    wanted = {
        "tid": "ab",
        "TIDE table": "ab",
        '"harbour tables"': "b",
        '"harbour tab"': "",
        "harbour -of": "a",
        "-harbour": "cd",
        '-"tide tables" harbour': "b",
        "ärg": "c",
        "潮汐": "c",
        "汐潮": "",
        "🌊": "d",
        "🔥": "",
        "v1.2.3": "d",
        "x@example.org": "d",
        "' | !:*\\ & (": "",
        '"': "",
        "-": "",
    }
    assert {text: names(text) for text in wanted} == wanted


def test_each_filter_finds_its_runs(browser: Client, server: Server, person: User) -> None:
    other = make_server(server.team, name="other")
    body = json.dumps({"x": {"y": 3, "ok": True}, "list": ["a", "b"]}).encode()
    one = make_run(
        server=server, by=person, name="one", tags=["weekly", "a b"], params={"input": {"topic": "tides", "n": 7}},
        status=RunStatus.SUCCEEDED, body=body,
    )  # fmt: skip
    two = make_run(server=other, name="two", tags=["weekly"], params={"input": "plain"}, assistant_id="report")
    three = make_run(server=server, name="three", status=RunStatus.FAILED, error=RunError("KeyError", "m"))
    make_run(name="another team's", tags=["weekly"])
    Run.objects.filter(pk=two.pk).update(
        created_at=F("created_at") - timedelta(days=3), is_starred=True, batch_id=two.pk
    )
    Run.objects.filter(pk=one.pk).update(started_at=F("finished_at") - timedelta(seconds=90))
    three.refresh_from_db()

    wanted = {
        "": ["three", "one", "two"],
        "status=failed&status=succeeded": ["three", "one"],
        "status=active": ["two"],
        "assistant=report": ["two"],
        "server=other": ["two"],
        f"server={server.pk}": ["three", "one"],
        "person=ada": ["one"],
        "person=nobody": [],
        "tag=weekly": ["one", "two"],
        "tag=weekly&tag=a+b": ["one"],
        f"thread={one.remote_thread_id}": ["one"],
        f"batch={two.pk}": ["two"],
        "since=24h": ["three", "one"],
        "until=2000-01-01": [],
        f"until={(timezone.now() - timedelta(days=2)).date()}": ["two"],
        "since=nonsense": ["three", "one", "two"],
        "min_s=60": ["one"],
        "min_s=60&max_s=80": [],
        "error=KeyError": ["three"],
        "starred=1": ["two"],
        "input.topic=tides&input.n=7": ["one"],
        "input.n=7": ["one"],
        "input=plain": ["two"],
        "result.x.y=3&result.x.ok=true": ["one"],
        "result.list.1=b": ["one"],
        "input.topic=tide": [],
        "path=input.n&value=7": ["one"],
        f"q={str(three.remote_run_id)[:8]}": ["three"],
        "sort=started": ["two", "one", "three"],
        "status=failed&q=KeyErr&person=nobody": [],
    }
    assert {query: found(browser, query) for query in wanted} == wanted


def test_days_are_those_of_the_reader() -> None:
    in_tokyo, in_utc = (RunFilters(since="2026-03-01", zone=zone).moment("since") for zone in ("Asia/Tokyo", "UTC"))

    assert in_tokyo is not None
    assert in_utc is not None
    assert in_utc - in_tokyo == timedelta(hours=9)


def test_a_chip_shows_a_time_in_the_zone_of_its_reader() -> None:
    query = "since=2026-11-17T00:00:00%2B00:00&until=2026-11-18&tz=Asia/Tokyo"

    words = [words for words, _ in RunFilters.from_text(query).chips()]

    assert words == ["Since: 17 Nov 2026, 09:00", "Until: 2026-11-18"]


def test_days_and_questions_are_chosen_in_the_form(browser: Client, server: Server) -> None:
    moment = "2026-11-17T06:00:00+00:00"

    page = flat(browser.get("/runs/", {"since": "7d", "until": moment, "waiting": "answered"}))

    assert RunFilters.from_text("since=7d&from=2026-11-01").since == "2026-11-01"
    assert RunFilters.from_text("since=7d&from=").since == "7d"
    assert [
        RunFilters.from_text(f"until={moment.replace('+', '%2B')}&until={day}").until for day in ("", "2026-11-20")
    ] == [
        moment,
        "2026-11-20",
    ]
    assert f'<input type="hidden" name="until" value="{moment}">' in page
    assert '<option value="answered" selected>Answered</option>' in page
    assert page.count('name="waiting"') == 1


def test_every_filter_is_a_chip_that_can_be_removed_and_stays_in_the_address() -> None:
    query = (
        "status=failed&assistant=a&graph=g&server=s&person=p&thread=t&batch=b&error=E&tag=x&tag=y&since=7d&until=2026-01-01"
        "&min_s=1&max_s=2.5&waiting=open&starred=1&input.topic=tides&q=words&sort=-duration"
    )
    filters = RunFilters.from_text(query)

    assert RunFilters.from_text(filters.to_query()) == filters
    assert len(filters.chips()) == len(query.split("&"))
    for _, without in filters.chips():
        assert len(RunFilters.from_text(without).chips()) == len(filters.chips()) - 1


FILTERS = [
    "status=failed", "status=active", "status=failed&status=timed_out", "assistant=chat", "person=ada", "tag=weekly",
    "q=tides", "q=tugs+pilots", "q=zeppelin", "error=TimeoutError", "input.language=pl", "min_s=60", "since=10d",
    "starred=1", "q=-tides", "q=港口",
]  # fmt: skip


@pytest.fixture
def history(server: Server, person: User) -> Server:
    make_user(server.team)
    runs_seed(server=server, count=1_500, days=30)
    return server


@pytest.mark.parametrize("sort", ["-started", "started", "-duration", "duration"])
def test_pages_hold_the_same_as_the_whole_list_however_they_are_read(
    history: Server, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a short walk, so that most pages need the index over everything, of which durations are read by windows."""
    monkeypatch.setattr(selectors, "WALK_ROWS", dict.fromkeys(selectors.WALK_ROWS, 100))
    monkeypatch.setattr(selectors, "WALK_MOST", 300)
    monkeypatch.setattr(selectors, "SORTED", -1)
    for pair in itertools.chain([(query,) for query in FILTERS], itertools.combinations(FILTERS, 2)):
        filters = RunFilters.from_text("&".join([*pair, f"sort={sort}"]))
        whole = list(run_list(history.team, filters).values_list("pk", flat=True)[:170])
        paged: list[UUID] = []
        before = ""
        while len(paged) < 170:
            page = run_page(history.team, filters, before=before)
            paged += [run.pk for run in page.runs]
            before = page.older
            if not before:
                break

        assert paged[:170] == whole, pair


EVERY_FILTER = [
    *FILTERS, "graph=report", "server=other", f"thread={UUID(int=1)}", f"batch={UUID(int=1)}", f"q={UUID(int=1)}",
    "q=3f2b8c1e", "until=2020-01-01", "max_s=5", "waiting=open", "waiting=gone", "result.score=1", "sort=started",
    "sort=duration", "sort=-duration",
]  # fmt: skip


def test_no_filter_needs_a_sequential_scan(history: Server, person: User) -> None:
    make_server(history.team, name="other")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE runs_run")
    narrowed: set[str] = set()
    for query in EVERY_FILTER:
        filters = RunFilters.from_text(query)
        narrowed |= {field.name for field in fields(filters) if getattr(filters, field.name) != field.default}
        for read in (run_page, count_of, insights_of):
            assert "Seq Scan on runs_run" not in plans(lambda read=read, of=filters: read(history.team, of)), query

    assert narrowed == {field.name for field in fields(RunFilters)} - {"zone"}, "a filter without a plan"


def count_of(team: Team, filters: RunFilters) -> object:
    return run_count(team.pk, filters)


def insights_of(team: Team, filters: RunFilters) -> object:
    return insights(team, filters, "12mo")


def plans(read: Callable[[], object]) -> str:
    """The plans of what is asked for a page, a count or the insights."""
    with CaptureQueriesContext(connection) as asked:
        read()
    lines = []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # a small table is scanned by choice; here only in need
        for query in asked.captured_queries:
            if "runs_run" in query["sql"] and query["sql"].lstrip("(").startswith(("SELECT", "WITH")):
                cursor.execute(f"EXPLAIN {query['sql']}")
                lines += [line for (line,) in cursor.fetchall()]
        cursor.execute("SET LOCAL enable_seqscan = on")
    return "\n".join(lines)


def test_programs_read_the_whole_list_page_by_page(browser: Client, history: Server) -> None:
    seen, url = [], "/runs/?status=failed&sort=-duration"
    while url:
        answer = browser.get(url, **JSON).json()
        seen += [run["duration_s"] for run in answer["runs"]]
        url = answer["next"]

    assert len(seen) == Run.objects.filter(team=history.team, status="failed").count()
    assert seen == sorted(seen, reverse=True)
