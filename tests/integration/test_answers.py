"""Answering: one answer wins, any value arrives, and every page says what became of a question."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from dashboard.runs.inheritance import run_inherit
from dashboard.runs.leases import lease_of, run_created_on_server
from dashboard.runs.models import ParentKind, Run, ThreadChoice, WaitState
from dashboard.runs.outcomes import MET_NO_QUESTION, Outcome, RunError, run_finish
from dashboard.runs.services import LaunchOrder, run_cancel, run_launch
from dashboard.runs.statuses import RunStatus
from dashboard.runs.waiting import NotOpen
from dashboard.teams.models import AuditEntry, Role, User
from tests.factories import claim, make_run, make_team, make_user
from tests.integration.asking import JSON, SENT, answer, waiting_run
from tests.words import flat

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("answers_sent_at_once")]

TWO = {"interrupts": [{"id": "q", "value": "First?"}, {"id": "b2", "value": None}], "next": ["ask"]}


def test_what_the_server_sent_of_a_question_is_folded(browser: Client, person: User) -> None:
    body = b'{"topic": "tides and gales", "__interrupt__": [{"id": "q", "value": {"question": "Go?"}}]}'
    run = waiting_run(person, body=body)

    page = browser.get(f"/runs/{run.pk}/").content.decode()

    fold = page.index("The question as the server sent it")
    assert page.index("tides and gales") < page.index('<details class="state-asked">') < fold
    assert fold < page.index("__interrupt__") < page.index("</details>", fold)
    assert page.count("__interrupt__") == page.count("__interrupt__", fold)


def test_what_comes_with_a_question_is_a_list_of_names_and_values(browser: Client, person: User) -> None:
    value = {"question": "Pay back?", "amount": 120.0, "to": "grace <b>", "\u202eodd": {"deep": "water"}}
    run, many = waiting_run(person, value), waiting_run(person, {f"key{number}": number for number in range(30)})

    page, long = flat(browser.get(f"/runs/{run.pk}/")), flat(browser.get(f"/runs/{many.pk}/"))

    assert re.findall(r"<dt>([^<]+)</dt>", page.split("action-args")[1].split("</dl>")[0]) == [
        "amount",
        "to",
        "\N{MATHEMATICAL LEFT ANGLE BRACKET}U+202E\N{MATHEMATICAL RIGHT ANGLE BRACKET}odd",
    ]
    assert "grace &lt;b&gt;" in page
    assert "water" in page
    assert "action-args" not in long
    assert "key29" in long


def test_what_a_graph_wanted_to_do_is_still_shown_once_it_was_decided(browser: Client, person: User) -> None:
    asked = {
        "action_requests": [{"name": "refund_order", "args": {"order_id": "8841"}, "description": "It broke."}],
        "review_configs": [{"action_name": "refund_order", "allowed_decisions": ["approve", "reject"]}],
    }
    run = waiting_run(person, asked)

    answer(browser, run, {"q": {"decisions": [{"type": "approve"}]}})
    page = flat(browser.get(f"/runs/{run.pk}/")).split('class="asked" data-question-state="answered"')[1]

    for text in ("refund_order", "It broke.", "<dt>order_id</dt>", "8841", ">Decision<", "<strong>Approve</strong>"):
        assert text in page


def test_buttons_inside_an_answer_and_its_preview_leave_nothing_in_the_audit_log(browser: Client, person: User) -> None:
    run = waiting_run(person, {"question": "Go?"})
    before = AuditEntry.objects.count()

    row = browser.post(f"/runs/{run.pk}/answer/", {"do": "add answer/q"})
    preview = browser.post(f"/inbox/several/?run={run.pk}", {"ids": [str(run.pk)], "answer": '"go"'})

    assert (row.status_code, preview.status_code) == (200, 200)
    assert "go" in preview.content.decode()
    assert AuditEntry.objects.count() == before


def question_of(browser: Client, run: Run) -> Any:
    return browser.get(reverse("run-json", args=[run.pk])).json()["question"]


def test_an_answer_launches_a_run_that_takes_everything_along(browser: Client, person: User) -> None:
    run = waiting_run(person, params=SENT, headers={"X-User": "ada"}, tags=["weekly"], name="Tides")

    response = answer(browser, run, {"q": {"decision": "approve"}})

    assert response.status_code == 201
    child = Run.objects.get(pk=response.json()["id"])
    assert (child.remote_thread_id, child.name, child.tags) == (run.remote_thread_id, "Tides", ["weekly"])
    assert (child.parent, child.parent_kind, child.thread_choice) == (run, "answer", "existing")
    assert child.request.params == {
        "config": SENT["config"],
        "metadata": SENT["metadata"],
        "webhook": SENT["webhook"],
        "durability": "sync",
        "interrupt_before": ["review"],
        "headers": ["X-User"],
        "multitask_strategy": "reject",
        "command": {"resume": {"q": {"decision": "approve"}}},
    }
    assert child.request.secret_headers


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}, "text", 1.5, {"a": [None]}])
def test_any_value_is_really_sent(browser: Client, person: User, value: Any) -> None:
    run = waiting_run(person)

    response = answer(browser, run, {"q": value})

    child = Run.objects.get(pk=response.json()["id"])
    assert child.request.params["command"] == {"resume": {"q": value}}
    assert json.loads(run.questions.get().answer_json) == value


def test_the_second_answer_learns_of_the_first(browser: Client, person: User) -> None:
    run = waiting_run(person)
    child = answer(browser, run, {"q": "yes"}).json()["id"]

    second = answer(browser, run, {"q": "no"})

    assert second.status_code == 409
    body = second.json()
    assert "answered by ada" in body["errors"]["answers"][0]
    assert body["answered_by"]["run"] == child
    assert body["answered_by"]["by"] == "ada"
    assert question_of(browser, run) == {"state": "answered", "answered_by": body["answered_by"]}
    assert Run.objects.filter(parent=run).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_answers_at_the_same_moment_one_wins(person: User) -> None:
    run = waiting_run(person)

    def one(number: int) -> int:
        browser = Client()
        browser.force_login(person)
        try:
            return int(answer(browser, run, {"q": number}).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        codes = sorted(threads.map(one, range(6)))

    assert codes == [201] + [409] * 5
    assert Run.objects.filter(answers=run).count() == 1


def test_a_double_click_answers_once(browser: Client, person: User) -> None:
    run = waiting_run(person)
    key = "6b1a1b0e-0000-4000-8000-000000000001"

    first = answer(browser, run, {"q": "yes"}, launch_key=key)
    again = browser.post(reverse("run-answer", args=[run.pk]), {"answers": '{"q": "yes"}', "launch_key": key}, **JSON)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["id"] == first.json()["id"]
    assert run.children.count() == 1


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"zz": 1}, "asks nothing with the id zz"),
        ({}, "at least one"),
        ([1], "an object"),
    ],
)
def test_answers_that_meet_no_question_are_refused(browser: Client, person: User, answers: Any, said: str) -> None:
    run = waiting_run(person)

    response = answer(browser, run, answers)

    assert response.status_code == 422
    assert said in response.json()["errors"]["answers"][0]
    assert question_of(browser, run)["state"] == "open"


def test_some_of_several_questions_may_be_answered(browser: Client, person: User) -> None:
    run = waiting_run(person, ending=TWO)

    response = answer(browser, run, {"b2": None})

    assert response.status_code == 201
    assert [question.state for question in run.questions.all()] == ["gone", "answered"]
    interrupts = browser.get(reverse("run-json", args=[run.pk])).json()["interrupts"]
    assert [(one["id"], one["value"], one["response_schema"]) for one in interrupts] == [
        ("q", "First?", None),
        ("b2", None, None),
    ]


def test_an_answer_that_never_reached_the_server_gives_its_place_up(browser: Client, person: User) -> None:
    run = waiting_run(person)
    child = Run.objects.get(pk=answer(browser, run, {"q": "yes"}).json()["id"])

    run_cancel(run=child, by=person)

    assert question_of(browser, run) == {"state": "open", "answered_by": None}
    assert answer(browser, run, {"q": "no"}).status_code == 201


def test_an_answer_that_met_no_question_says_so(browser: Client, person: User) -> None:
    run = waiting_run(person)
    child = Run.objects.get(pk=answer(browser, run, {"q": "yes"}).json()["id"])

    error = RunError("Answer not sent", "The thread went on without it.")
    run_finish(claim(child), Outcome(RunStatus.FAILED, error, ending={MET_NO_QUESTION: True}))

    assert question_of(browser, run) == {"state": "gone", "answered_by": None}
    response = answer(browser, run, {"q": "no"})
    assert response.status_code == 409
    assert response.json()["answered_by"] is None


def test_an_answer_to_what_is_gone_is_not_launched(person: User) -> None:
    """Also when it went while the answer was on its way."""
    run = waiting_run(person)
    order = run_inherit(run, ParentKind.ANSWER, by=person).order
    Run.objects.filter(pk=run.pk).update(wait_state=WaitState.GONE)

    with pytest.raises(NotOpen):
        run_launch(team=run.team, by=person, order=order)
    assert not run.children.exists()


def test_a_launch_on_its_thread_takes_the_question_away(browser: Client, person: User) -> None:
    run = waiting_run(person)

    make_run(server=run.server, by=person, thread=ThreadChoice.EXISTING, thread_id=run.remote_thread_id)

    assert question_of(browser, run)["state"] == "gone"


def test_a_resume_launched_by_hand_counts_as_the_answer(browser: Client, person: User) -> None:
    run = waiting_run(person)

    place = {"thread": ThreadChoice.EXISTING, "thread_id": run.remote_thread_id}
    child = make_run(server=run.server, by=person, params={"command": {"resume": "yes"}}, **place)

    assert question_of(browser, run)["answered_by"]["run"] == str(child.pk)
    assert (child.parent, child.parent_kind) == (run, ParentKind.ANSWER)
    assert run.questions.get().answer_json == '"yes"'


def test_a_run_that_is_followed_before_it_asks_asks_nobody(person: User) -> None:
    """A run was put into the queue of its thread meanwhile: the server goes on with that one."""
    team = person.teams.get()
    run = make_run(team=team, by=person, server=team.servers.get(), status=RunStatus.STARTING)
    lease_run = Run.objects.get(pk=run.pk)
    make_run(server=run.server, by=person, thread=ThreadChoice.EXISTING, thread_id=run.remote_thread_id)
    lease = lease_of(lease_run)
    run_created_on_server(lease, remote_run_id="r", remote_thread_id=str(run.remote_thread_id))
    run_finish(lease, Outcome(RunStatus.NEEDS_INPUT, ending=TWO))

    run.refresh_from_db()
    assert run.wait_state == WaitState.GONE


def test_a_paused_run_is_continued_once(browser: Client, person: User) -> None:
    team = person.teams.get()
    run = make_run(team=team, by=person, server=team.servers.get(), status=RunStatus.PAUSED, params=SENT)
    url = reverse("run-continue", args=[run.pk])

    first = browser.post(url, {"update": '{"topic": "gales"}'}, **JSON)
    second = browser.post(url, {}, **JSON)

    assert (first.status_code, second.status_code) == (201, 409)
    child = Run.objects.get(pk=first.json()["id"])
    assert child.parent_kind == "continue"
    assert child.request.params["command"] == {"update": {"topic": "gales"}}
    assert "input" not in child.request.params
    assert second.json()["answered_by"]["by"] == "ada"


def test_headers_go_to_who_launched_it_and_to_an_answer(person: User) -> None:
    run = waiting_run(person, params={}, headers={"X-Secret": "s"})
    colleague = make_user(run.team)

    assert run_inherit(run, ParentKind.ANSWER, by=colleague).order.headers == {"X-Secret": "s"}
    assert run_inherit(run, ParentKind.AGAIN, by=person).order.headers == {"X-Secret": "s"}
    taken = run_inherit(run, ParentKind.AGAIN, by=colleague)
    assert (taken.order.headers, taken.hidden_headers) == ({}, ("X-Secret",))


@pytest.mark.parametrize("name", ["run-answer", "run-continue"])
def test_who_may_answer(client: Client, person: User, name: str) -> None:
    run = waiting_run(person)
    url = reverse(name, args=[run.pk])
    viewer, stranger = make_user(run.team, role=Role.VIEWER), make_user(make_team())

    assert client.post(url).status_code in (302, 401, 403)
    client.force_login(viewer)
    assert client.post(url, **JSON).status_code == 403
    client.force_login(stranger)
    assert client.post(url, **JSON).status_code == 404
    client.force_login(person)
    assert client.get(url).status_code == 405


def test_a_run_that_asks_nothing_cannot_be_answered(browser: Client, person: User) -> None:
    team = person.teams.get()
    order = LaunchOrder(server=team.servers.get(), assistant_id="chat")
    run = run_launch(team=team, by=person, order=order)

    response = answer(browser, run, {"q": 1})

    assert response.status_code == 409
    assert response.json() == {"errors": {"answers": ["This run asks nothing."]}, "answered_by": None}


def test_the_list_can_be_narrowed_to_what_waits(browser: Client, person: User) -> None:
    first, second = waiting_run(person, name="First"), waiting_run(person, name="Second")
    answer(browser, first, {"q": "yes"})

    rows = browser.get(reverse("run-list"), {"waiting": "open"}).content.decode()

    assert f'id="run-{second.pk}-row"' in rows
    assert f'id="run-{first.pk}-row"' not in rows


def test_the_list_says_who_answered(browser: Client, person: User) -> None:
    run = waiting_run(person)
    child = answer(browser, run, {"q": "yes"}).json()["id"]

    rows = flat(browser.get(reverse("run-list")))

    assert f'<a class="row-answered" href="/runs/{child}/">Answered by <bdi>ada</bdi></a>' in rows
    run_created_on_server(
        claim(Run.objects.get(pk=child)), remote_run_id="r", remote_thread_id=str(run.remote_thread_id)
    )
    assert "The run that went on" not in browser.get(f"/runs/{run.pk}/").content.decode()
    run_finish(lease_of(Run.objects.get(pk=child)), Outcome(RunStatus.SUCCEEDED, body=b"{}"))
    assert "The run that went on succeeded." in browser.get(f"/runs/{run.pk}/").content.decode()
