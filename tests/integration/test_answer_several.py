"""The same answer to several questions: previewed, each answered once, and a reason for each that was not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from dashboard.runs.models import Run
from dashboard.teams.models import User
from tests.factories import make_user
from tests.integration.asking import JSON, waiting_run
from tests.words import flat

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("answers_sent_at_once")]

URL = "/inbox/several/"


def asking(person: User, value: Any, **more: Any) -> Run:
    return waiting_run(person, value, id=f"q-{value}"[:40], **more)


def refund(sum_: int, decisions: tuple[str, ...] = ("approve", "edit", "reject")) -> dict[str, Any]:
    return {
        "action_requests": [{"name": "refund", "args": {"sum": sum_}}],
        "review_configs": [{"action_name": "refund", "allowed_decisions": list(decisions)}],
    }


def test_only_questions_that_take_the_same_answer_are_offered(browser: Client, person: User) -> None:
    first, second = asking(person, refund(1)), asking(person, refund(2))
    asking(person, refund(3, ("approve",)))
    asking(person, refund(4), assistant_id="other")
    asking(person, "Go?")

    page = flat(browser.get(URL, {"run": str(first.pk)}))

    assert "2 questions that take the same answer" in page
    assert [f'value="{run.pk}"' in page for run in (first, second)] == [True, True]


def test_chosen_ones_are_shown_before_and_answered_once(browser: Client, person: User) -> None:
    runs = [asking(person, refund(number)) for number in range(3)]
    name = f"answer/{runs[0].questions.get().interrupt_id}/decisions/0/type"
    key = "6b1a1b0e-0000-4000-8000-000000000001"
    given = {"run": str(runs[0].pk), "ids": [str(run.pk) for run in runs[:2]], name: "approve", "launch_key": key}

    preview = flat(browser.post(URL, given))

    assert "Send this answer to 2 questions?" in preview
    assert not Run.objects.filter(parent__in=runs).exists()
    assert "[{&quot;type&quot;: &quot;approve&quot;}]" in preview
    assert "<code>refund</code> <strong>Approve</strong>" in preview
    confirmed = given | {"confirm": "1", "answer": '{"decisions": [{"type": "approve"}]}'}
    page = flat(browser.post(URL, confirmed))
    assert "2 answers sent" in page
    assert "2 answers sent" in flat(browser.post(URL, confirmed))
    children = Run.objects.filter(parent__in=runs)
    assert {child.parent_id for child in children} == {run.pk for run in runs[:2]}
    assert children.count() == 2
    assert {str(child.batch_id) for child in children} == {key}
    for child in children:
        (resume,) = child.request.params["command"]["resume"].items()
        assert resume == (child.parent.questions.get().interrupt_id, {"decisions": [{"type": "approve"}]})


def test_the_slower_person_learns_it_for_that_question_alone(browser: Client, person: User) -> None:
    runs = [asking(person, f"Go {number}?") for number in range(2)]
    bob = make_user(person.teams.get(), username="bob")
    bobs = Client()
    bobs.force_login(bob)
    question = runs[1].questions.get()
    sent = {"answers": json.dumps({question.interrupt_id: "no"})}
    bobs.post(reverse("run-answer", args=[runs[1].pk]), sent, **JSON)

    name = runs[0].questions.get().interrupt_id
    given = {"run": str(runs[0].pk), "ids": [str(run.pk) for run in runs], f"answer/{name}": "yes", "confirm": "1"}
    page = flat(browser.post(URL, given))

    assert "1 answer sent, 1 not" in page
    assert "Answered by bob meanwhile" in page


@pytest.mark.parametrize(("decision", "said"), [("edit", "one question at a time"), ("", "Answer at least one")])
def test_what_cannot_be_the_same_for_all_is_refused(browser: Client, person: User, decision: str, said: str) -> None:
    run = asking(person, refund(1))
    name = f"answer/{run.questions.get().interrupt_id}/decisions/0/type"

    response = browser.post(URL, {"run": str(run.pk), "ids": [str(run.pk)], name: decision, "confirm": "1"})

    assert response.status_code == 422
    assert said in response.content.decode()
    assert not run.children.exists()


def test_programs_get_each(browser: Client, person: User) -> None:
    runs = [asking(person, f"Go {number}?") for number in range(2)]
    given = {"run": str(runs[0].pk), "ids": [str(run.pk) for run in runs], "answer": "null"}

    found = browser.post(URL, given, **JSON).json()["results"]

    assert [(one["run"], one["error"]) for one in found] == [(str(run.pk), None) for run in runs]
    assert Run.objects.get(pk=found[0]["id"]).request.params["command"]["resume"] == {
        runs[0].questions.get().interrupt_id: None
    }
    assert browser.post(URL, given, **JSON).status_code == 422  # nothing of it waits any more
