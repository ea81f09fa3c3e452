"""The list of runs: filters, pages, and how few queries it takes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from django.test import Client

from dashboard.history.documents import run_item
from dashboard.history.filters import RunFilters
from dashboard.history.selectors import run_page
from dashboard.runs.models import ParentKind, Run, WaitState
from dashboard.runs.outcomes import RunError
from dashboard.runs.statuses import ENDS, RunStatus
from dashboard.runs.templatetags.rows import run_rows as rows_html
from dashboard.teams.models import Team, User
from tests.factories import make_run, make_server, make_user

pytestmark = pytest.mark.django_db


def listed(browser: Client, **query: Any) -> list[str]:
    page = browser.get("/runs/", query).context["page"]
    return [run.name for run in page.runs]


def test_the_list_filters_by_status_assistant_person_and_text(browser: Client, team: Team, person: User) -> None:
    make_run(team=team, by=person, name="tide table", assistant_id="report", status=RunStatus.SUCCEEDED)
    make_run(team=team, name="chatting", assistant_id="chat", status=RunStatus.RUNNING)
    failed = make_run(team=team, name="boom", status=RunStatus.FAILED, error=RunError("KeyError", "missing lighthouse"))
    make_run(name="another team's")

    assert listed(browser) == ["boom", "chatting", "tide table"]
    assert listed(browser, status=["failed", "running"]) == ["boom", "chatting"]
    assert listed(browser, status="active") == ["chatting"]
    assert listed(browser, assistant="report") == ["tide table"]
    assert listed(browser, person=person.username) == ["tide table"]
    assert listed(browser, q="tide ta") == ["tide table"]
    assert listed(browser, q="lighthou") == ["boom"]
    assert listed(browser, q=str(failed.pk)) == ["boom"]
    assert listed(browser, q=str(failed.remote_run_id)) == ["boom"]
    for identity in (str(failed.pk), str(failed.remote_run_id), str(failed.remote_thread_id)):
        for begin in (identity[:8], identity[:9], identity[:11], identity[:8].upper(), identity.replace("-", "")[:20]):
            assert listed(browser, q=begin) == ["boom"], begin
        assert listed(browser, q=identity[:7]) == []
        assert listed(browser, q=identity[:6] + "-" + identity[6:8]) == []
    assert listed(browser, q="nothing like it") == []
    make_run(
        team=team, name="Build-42 v1.2.3 report-final.pdf ops@example.org https://ex.org/a/b /var/log/x.log foo_bar"
    )
    for words in "Build-42|42|v1.2.3|final|pdf|ops@example.org|https://ex.org/a/b|/var/log/x.log|foo_bar".split("|"):
        assert len(listed(browser, q=words)) == 1, words
    Run.objects.filter(name__startswith="Build-42").delete()
    assert listed(browser, q="' | !:*\\ & (") == []
    page = browser.get("/runs/", {"min_s": "ten", "path": "topic", "value": "x"}).content.decode()
    assert "“ten” is no number of seconds." in page
    assert "“topic” is no place: it begins with input. or result." in page
    assert listed(browser, status="nonsense", before="nonsense") == ["boom", "chatting", "tide table"]


def test_older_rows_come_by_keyset_without_holes_or_doubles(browser: Client, team: Team, person: User) -> None:
    names = [f"run {number:03}" for number in range(120)]
    server = make_server(team)
    for name in names:
        make_run(team=team, by=person, server=server, name=name)

    seen: list[str] = []
    before = ""
    while True:
        page = browser.get("/runs/", {"before": before}, headers={"HX-Request": "true"}).context["page"]
        seen += [run.name for run in page.runs]
        before = page.older
        if not before:
            break

    assert seen == names[::-1]


def test_the_list_asks_the_database_the_same_number_of_questions_for_many_rows(
    browser: Client, team: Team, person: User, django_assert_max_num_queries: Any
) -> None:
    server = make_server(team)
    for _ in range(30):
        make_run(team=team, by=person, server=server)

    with django_assert_max_num_queries(11):  # saved views, what was chosen and the inbox count are three of them
        browser.get("/runs/")


def test_the_list_does_not_fetch_what_its_rows_do_not_show(browser: Client, team: Team) -> None:
    make_run(team=team, status=RunStatus.FAILED, error=RunError("E", "long"), ending={"next": ["large"]})

    page = browser.get("/runs/").context["page"]

    # Rows are no models, which would fetch it when somebody asked.
    shown = {field.name for field in fields(page.runs[0])}
    assert {"pk", "name", "status"} <= shown
    assert not {"search", "search_text", "error_message", "ending_json", "value_keys", "note"} & shown


def test_a_row_says_the_same_of_a_run_as_the_run_itself(team: Team, person: User) -> None:
    server = make_server(team)
    for status in RunStatus:
        make_run(team=team, by=person, server=server, status=status, name="" if status in ENDS else "A <name>")
    for status in (RunStatus.NEEDS_INPUT, RunStatus.PAUSED):
        asked = make_run(team=team, by=person, server=server, status=status, tags=["<b>", "two"])
        answer = make_run(team=team, by=make_user(team), server=server)
        Run.objects.filter(pk=asked.pk).update(wait_state=WaitState.ANSWERED, is_starred=True, outcome_text="A?")
        Run.objects.filter(pk=answer.pk).update(
            answers=asked, parent=asked, parent_kind=ParentKind.ANSWER, link_for="Ann" if status == "paused" else ""
        )
    Run.objects.filter(status=RunStatus.CANCELLED).update(launched_by=None)
    Run.objects.filter(status=RunStatus.LOST).update(parent_kind=ParentKind.FORM, link_for="our form")

    rows = run_page(team, RunFilters()).runs

    runs = Run.objects.in_bulk([row.pk for row in rows])
    for row in rows:
        run = runs[row.pk]
        assert run_item(row) == run_item(run)
        assert rows_html([row]) == rows_html([run])
        for name in ("title", "assistant_label", "assistant_key", "sender", "is_terminal", "is_settled", "tone"):
            assert getattr(row, name) == getattr(run, name), name


def test_names_in_the_filters_are_text(browser: Client, team: Team) -> None:
    make_run(team=team, by=make_user(team, username="<i>ann"), assistant_id='"><b>', tags=['"><b>'])

    page = browser.get("/runs/", {"person": "<i>ann"}).content.decode()

    assert '<option value="&lt;i&gt;ann" selected>&lt;i&gt;ann</option>' in page
    assert page.count('<option value="&quot;&gt;&lt;b&gt;"') == 2, "an assistant and a tag"
    assert "<i>ann" not in page
    assert '"><b>' not in page
