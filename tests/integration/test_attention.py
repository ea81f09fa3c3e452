"""Assigning and snoozing: two people do not work on one question, and snoozed ones come back by themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dashboard.answers.fragments import inbox_count_html
from dashboard.runs.attention import snoozes_end
from dashboard.runs.models import Run, WaitState
from dashboard.runs.timeline import event_lines
from dashboard.teams.models import Role, User
from tests.factories import make_team, make_user
from tests.integration.asking import JSON, waiting, waiting_run
from tests.words import flat

pytestmark = pytest.mark.django_db


def assign(browser: Client, run: Run, **fields: Any) -> Any:
    return browser.post(reverse("run-answer-assign", args=[run.pk]), fields, **JSON)


def snooze(browser: Client, run: Run, **fields: str) -> Any:
    return browser.post(reverse("run-answer-snooze", args=[run.pk]), fields, **JSON)


def test_a_question_is_assigned_and_found_by_that(browser: Client, person: User) -> None:
    bob = make_user(person.teams.get(), username="bob")
    mine, his, _ = (waiting_run(person, text) for text in ("mine", "his", "nobody's"))

    assert assign(browser, mine, take="1").json()["assigned_to"] == "ada"
    assert assign(browser, his, to="bob").json()["assigned_to"] == "bob"

    assert waiting(browser, assigned="me") == ["mine"]
    assert waiting(browser, assigned="bob") == ["his"]
    assert waiting(browser, assigned="nobody") == ["nobody's"]
    bobs = Client()
    bobs.force_login(bob)
    assert waiting(bobs, assigned="me") == ["his"]
    assert "Assigned to <bdi>bob</bdi>" in flat(browser.get(reverse("run-detail", args=[his.pk])))
    assert event_lines(his.events.all())[-1].text == "Assigned to bob"
    assert assign(browser, his, to="").json()["assigned_to"] is None


def test_the_second_person_learns_who_was_first(browser: Client, person: User) -> None:
    bob = make_user(person.teams.get(), username="bob")
    run = waiting_run(person)
    assign(browser, run, to="bob", was="")

    second = assign(browser, run, take="1", was="")

    assert second.status_code == 409
    assert "Meanwhile it was assigned to bob" in second.json()["errors"]["to"][0]
    assert assign(browser, run, take="1", was=str(bob.pk)).json()["assigned_to"] == "ada"


def test_it_goes_only_to_people_who_may_answer(browser: Client, person: User) -> None:
    team, run = person.teams.get(), waiting_run(person)
    make_user(team, username="viewer", role=Role.VIEWER)
    make_user(team, username="gone").memberships.update(is_active=False)
    make_user(make_team(), username="stranger")

    for name in ("viewer", "gone", "stranger", "nobody-of-that-name"):
        assert assign(browser, run, to=name).status_code == 422

    run.refresh_from_db()
    assert run.assigned_to is None


def test_what_is_answered_is_neither_assigned_nor_snoozed(browser: Client, person: User) -> None:
    run = waiting_run(person)
    Run.objects.filter(pk=run.pk).update(wait_state=WaitState.GONE)

    assert assign(browser, run, take="1").status_code == 409
    assert snooze(browser, run, **{"for": "1h"}).status_code == 409


def test_a_snoozed_question_is_hidden_and_comes_back_by_itself(browser: Client, person: User) -> None:
    run, _ = waiting_run(person, "later"), waiting_run(person, "now")

    answered = snooze(browser, run, **{"for": "1h"})

    assert answered.status_code == 200
    assert waiting(browser) == ["now"]
    assert waiting(browser, snoozed="1") == ["later"]
    assert 'data-inbox-count="1"' in inbox_count_html(run.team)
    assert "1 snoozed" in flat(browser.get(reverse("inbox")))
    left = snoozes_end()
    assert left is not None
    assert 3500 < left <= 3600
    Run.objects.filter(pk=run.pk).update(snoozed_until=timezone.now() - timedelta(seconds=1))
    assert waiting(browser) == ["later", "now"]  # also without a worker
    assert snoozes_end() is None
    run.refresh_from_db()
    assert run.snoozed_until is None
    assert event_lines(run.events.all())[-1].text == "Its snooze ended"


def test_a_time_is_meant_in_the_persons_zone(browser: Client, person: User) -> None:
    User.objects.filter(pk=person.pk).update(time_zone="Pacific/Auckland")
    run, zone = waiting_run(person), ZoneInfo("Pacific/Auckland")
    typed = (timezone.now().astimezone(zone) + timedelta(days=2)).replace(tzinfo=None, second=0, microsecond=0)

    snooze(browser, run, until=typed.isoformat(timespec="minutes"))

    run.refresh_from_db()
    assert run.snoozed_until == typed.replace(tzinfo=zone)
    page = flat(browser.get(reverse("run-detail", args=[run.pk])))
    assert f"snoozed until {typed:%-d %b %Y, %H:%M} Pacific/Auckland" in page
    snooze(browser, run, **{"for": "monday"})
    run.refresh_from_db()
    assert run.snoozed_until is not None
    there = run.snoozed_until.astimezone(zone)
    assert (there.weekday(), there.hour) == (0, 9)


@pytest.mark.parametrize(
    "until", ["2001-01-01T09:00", "nonsense", "9999-12-31T23:59", (datetime.max).isoformat(), "0001-01-01T00:00"]
)
def test_times_that_cannot_be_are_refused(browser: Client, person: User, until: str) -> None:
    run = waiting_run(person)

    response = snooze(browser, run, until=until)

    assert response.status_code == 422
    assert response.json()["errors"]["until"]
    page = flat(
        browser.post(reverse("run-answer-snooze", args=[run.pk]), {"until": until}, headers={"HX-Request": "true"})
    )
    assert f'value="{until}"' in page


def test_snoozing_can_be_undone(browser: Client, person: User) -> None:
    run = waiting_run(person)
    snooze(browser, run, **{"for": "tomorrow"})

    assert snooze(browser, run).json()["snoozed_until"] is None
    assert waiting(browser) == ["Go?"]


def test_a_snooze_with_nothing_chosen_says_so(browser: Client, person: User) -> None:
    run = waiting_run(person)

    shown = browser.post(
        reverse("run-answer-snooze", args=[run.pk]), {"for": "", "until": ""}, headers={"HX-Request": "true"}
    )

    assert shown.status_code == 422
    assert "Choose for how long" in shown.content.decode()
    assert snooze(browser, run).status_code == 200  # sent by nobody's chooser: it is shown again, as it was
