"""The inbox: what waits, for whom, in which order; and how fast it opens when much waits."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dashboard.answers.inbox_rows import inbox_rows
from dashboard.answers.selectors import InboxFilters, waiting_assistants
from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Role, User
from tests.factories import make_run, make_team, make_user
from tests.integration.asking import JSON, waiting, waiting_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("answers_sent_at_once")]


def test_open_questions_are_listed_oldest_first(browser: Client, person: User) -> None:
    first, second = waiting_run(person, "First?"), waiting_run(person, "Second?")
    make_run(server=first.server, by=person, status=RunStatus.PAUSED)

    found = browser.get(reverse("inbox"), **JSON).json()

    assert [one["run"]["id"] for one in found["waiting"]] == [str(first.pk), str(second.pk)]
    assert found["next"] is None
    assert found["waiting"][0]["interrupts"] == [
        {"id": "q", "value": "First?", "response_schema": None, "state": "open"}
    ]
    assert found["waiting"][0]["asked_at"].endswith("+00:00")


def test_an_answered_question_leaves_it(browser: Client, person: User) -> None:
    run = waiting_run(person, "First?")
    assert 'data-inbox-count="1"' in browser.get(reverse("run-list")).content.decode()

    sent = {"answer/q": "yes", "answer_view/q": "text", "inbox": "1"}
    response = browser.post(reverse("run-answer", args=[run.pk]), sent)

    assert response.url == reverse("inbox")
    assert waiting(browser) == []
    assert browser.get(reverse("inbox-count"), **JSON).json() == {"waiting": 0}
    assert 'data-inbox-count="0"' in browser.get(reverse("inbox-count")).content.decode()
    assert "Nothing waits for an answer" in browser.get(reverse("inbox")).content.decode()


def test_after_an_answer_the_next_question_opens_and_it_is_said_what_was_answered(
    browser: Client, person: User
) -> None:
    first, second, third = (
        waiting_run(person, question, name=f"<{question}>", tags=["weekly"]) for question in ("1?", "2?", "3?")
    )
    waiting_run(person, "of another tag")

    def answered(run: Run) -> str:
        page = browser.get(reverse("inbox"), {"tag": "weekly", "run": str(run.pk)}).content.decode()
        inbox = re.search(r'name="inbox" value="([^"]*)"', page)
        assert inbox
        sent = {"answer/q": "yes", "answer_view/q": "text", "inbox": inbox[1]}
        return str(browser.post(reverse("run-answer", args=[run.pk]), sent).url)

    assert answered(second) == f"/inbox/?tag=weekly&run={third.pk}&next=1"
    page = browser.get(f"/inbox/?tag=weekly&run={third.pk}").content.decode()
    assert f'action="/runs/{third.pk}/answer/"' in page
    assert "Your answer to “&lt;2?&gt;” was sent." in page
    assert f'<a href="/runs/{second.answer.pk}/">See how it goes on</a>' in page
    assert answered(third) == "/inbox/?tag=weekly"  # after the last one the oldest
    assert f'action="/runs/{first.pk}/answer/"' in browser.get("/inbox/?tag=weekly").content.decode()


def test_who_was_too_late_is_led_to_the_next_question(browser: Client, person: User) -> None:
    first, second = waiting_run(person, "1?"), waiting_run(person, "2?")
    browser.post(reverse("run-answer", args=[first.pk]), {"answers": json.dumps({"q": "yes"})}, **JSON)

    late = {"answer/q": "no", "answer_view/q": "text"}
    pages = [
        browser.post(reverse("run-answer", args=[first.pk]), late | beside).content.decode()
        for beside in ({"inbox": ""}, {})
    ]

    assert [f'href="/inbox/?run={second.pk}&amp;next=1">Next question' in page for page in pages] == [True, False]


def test_a_run_that_asks_several_things_is_not_offered_with_others(browser: Client, person: User) -> None:
    several = {"interrupts": [{"id": "a", "value": "First?"}, {"id": "b", "value": "Second?"}], "next": ["ask"]}
    run, other = waiting_run(person, ending=several), waiting_run(person, "Third?")

    pages = [browser.get(reverse("inbox"), {"run": str(each.pk)}).content.decode() for each in (run, other)]

    assert [reverse("answer-several") in page for page in pages] == [False, True]


def test_it_can_be_narrowed(browser: Client, person: User) -> None:
    other = make_user(person.teams.get(), username="bob")
    waiting_run(person, "one", tags=["weekly"], assistant_id="report")
    waiting_run(person, "two", by=other)

    assert waiting(browser, tag="weekly") == ["one"]
    assert waiting(browser, assistant="report") == ["one"]
    assert waiting(browser, person="bob") == ["two"]
    assert waiting(browser, age="3600") == []
    assert waiting(browser, age="no number", after="nonsense~x", run="none") == ["one", "two"]


def test_more_than_a_page_is_read_in_pages(browser: Client, person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.answers.selectors.inbox_page.__kwdefaults__", {"rows": 2})
    for number in range(5):
        waiting_run(person, str(number))

    url, seen = reverse("inbox"), []
    while url:
        page = browser.get(url, **JSON).json()
        seen += [one["interrupts"][0]["value"] for one in page["waiting"]]
        url = page["next"]

    assert seen == ["0", "1", "2", "3", "4"]


def test_the_list_is_read_in_pages_too(person: User) -> None:
    for number in range(5):
        waiting_run(person, str(number))
    team = person.teams.get()

    first, after = inbox_rows(team, InboxFilters(), rows=2)
    second, further = inbox_rows(team, InboxFilters(after=after), rows=3)

    assert [row.line for row in (*first, *second)] == ["0", "1", "2", "3", "4"]
    assert further == ""


def test_a_row_says_who_launched_it_and_who_looks_after_it(person: User) -> None:
    bob = make_user(person.teams.get(), username="bob")
    User.objects.filter(pk=bob.pk).update(first_name="Bob", last_name="Ng")
    asks = {"interrupts": [{"id": "a", "value": "First?"}, {"id": "b", "value": None}], "next": ["ask"]}
    run = waiting_run(person, ending=asks, name="Payment 7")
    Run.objects.filter(pk=run.pk).update(launched_by=None, assigned_to=bob)
    waiting_run(person, {"action_request": "of no known shape"}, by=bob)

    first, second = inbox_rows(person.teams.get(), InboxFilters())[0]

    assert (first.line, first.title) == ("First? (and 1 more)", "Payment 7")
    assert (first.launched_by, first.assigned_to) == ("", "Bob Ng")
    assert (second.line, second.launched_by, second.assigned_to) == ("action_request", "Bob Ng", "")


def test_an_assistant_is_found_by_what_the_list_calls_it(browser: Client, person: User) -> None:
    for question, named in {
        "named": {"assistant_id": "7a0b", "graph_id": "agent", "assistant_name": "Support"},
        "by its graph": {"assistant_id": "81cc", "graph_id": "agent", "assistant_name": ""},
        "as typed": {"assistant_id": "report", "graph_id": "", "assistant_name": ""},
    }.items():
        Run.objects.filter(pk=waiting_run(person, question).pk).update(**named)

    assert waiting_assistants(person.teams.get()) == ["Support", "agent", "report"]
    assert waiting(browser, assistant="Support") == ["named"]
    assert waiting(browser, assistant="agent") == ["by its graph"]
    assert waiting(browser, assistant="report") == ["as typed"]


def test_pages_count_no_further_than_they_show(browser: Client, person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("fragments", "selectors", "templatetags.inbox"):
        monkeypatch.setattr(f"dashboard.answers.{module}.COUNTED", 2)
    for _ in range(4):
        waiting_run(person)

    page = browser.get(reverse("inbox")).content.decode()

    assert "<title>(1+) Inbox" in page
    assert 'data-inbox-count="2"' in page
    assert browser.get(reverse("inbox-count"), **JSON).json() == {"waiting": 4}


def test_the_page_shows_one_question_with_its_form(browser: Client, person: User) -> None:
    first, second = waiting_run(person, "First?"), waiting_run(person, "Second?")

    page = browser.get(reverse("inbox"), {"run": str(second.pk)}).content.decode()

    assert f'action="/runs/{second.pk}/answer/"' in page
    assert f'action="/runs/{first.pk}/answer/"' not in page
    assert "First?" in page


def test_strangers_see_nothing_and_viewers_no_form(client: Client, person: User) -> None:
    run = waiting_run(person, "Secret?")
    client.force_login(make_user(make_team()))
    assert client.get(reverse("inbox"), **JSON).json() == {"waiting": [], "next": None}
    assert "Secret?" not in client.get(reverse("inbox"), {"run": str(run.pk)}).content.decode()

    client.force_login(make_user(run.team, role=Role.VIEWER))
    page = client.get(reverse("inbox")).content.decode()
    assert "Secret?" in page
    assert "data-answer-form" not in page


def test_what_is_asked_of_the_database_does_not_grow_with_what_waits(browser: Client, person: User) -> None:
    counts = []
    for _ in range(2):
        for number in range(5):
            waiting_run(person, str(number))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            browser.get(reverse("inbox"))
            browser.get(reverse("inbox"), **JSON)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_the_same_as_last_time_fills_in_and_sends_nothing(browser: Client, person: User) -> None:
    earlier, run = waiting_run(person, "Why?"), waiting_run(person, "Why?")
    browser.post(
        reverse("run-answer", args=[earlier.pk]), {"answers": json.dumps({"q": "Because of the tide"})}, **JSON
    )

    page = browser.get(reverse("run-answer-panel", args=[run.pk]), {"last": ""}).content.decode()

    assert "Because of the tide</textarea>" in page
    assert not run.children.exists()


def test_how_long_it_waits_is_said_in_words(browser: Client, person: User) -> None:
    run = waiting_run(person, "Why?")
    phrases = []
    for minutes in (0, 3, 60 * 24 * 40):
        Run.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(minutes=minutes))
        page = browser.get(reverse("run-answer-panel", args=[run.pk])).content.decode()
        phrases += re.findall(r"Waiting <time [^>]*>([a-z0-9 ]+)", page)

    assert phrases[:2] == ["for less than a minute", "for 3 min"]
    assert re.match(r"since \d+ ", phrases[2])


def test_what_another_node_was_answered_is_not_offered(browser: Client, person: User) -> None:
    def asks(*reviewers: str) -> Run:
        interrupts = [{"id": name, "value": {"reviewer": name, "question": "Agreed?"}} for name in reviewers]
        ending = {"interrupts": interrupts, "next": [f"ask_{name}" for name in reviewers]}
        return make_run(server=person.teams.get().servers.get(), by=person, status=RunStatus.NEEDS_INPUT, ending=ending)

    earlier, legal, finance = asks("legal", "finance"), asks("legal"), asks("finance")
    browser.post(reverse("run-answer", args=[earlier.pk]), {"answers": json.dumps({"finance": "until June"})}, **JSON)

    pages = [
        browser.get(reverse("run-answer-panel", args=[run.pk]), {"last": ""}).content.decode()
        for run in (legal, finance)
    ]

    assert ["until June" in page for page in pages] == [False, True]
    assert ["same as last time" in page for page in pages] == [False, True]
