"""Runs that ask, and the inbox, for tests of answers."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client
from django.urls import reverse

from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import User
from tests.factories import make_run

JSON = {"headers": {"Accept": "application/json"}}
SENT = {
    "input": {"topic": "tides"},
    "config": {"recursion_limit": 40, "configurable": {"user": "ada"}},
    "metadata": {"ticket": "OPS-12"},
    "webhook": "https://example.org/done",
    "durability": "sync",
    "interrupt_before": ["review"],
    "multitask_strategy": "interrupt",
    "after_seconds": 5,
}
"""Parameters of a run that an answer takes along."""


def waiting_run(
    person: User, question: Any = "Go?", *, id: str = "q", ending: dict[str, Any] | None = None, **more: Any
) -> Run:
    """A run of the person's on the team's server that asks one question; `ending` for others, `more` for `make_run`."""
    ending = ending or {"interrupts": [{"id": id, "value": question}], "next": ["ask"]}
    server = person.teams.get().servers.get()
    return make_run(by=more.pop("by", person), server=server, status=RunStatus.NEEDS_INPUT, ending=ending, **more)


def waiting(browser: Client, **query: str) -> list[Any]:
    """The questions that the inbox lists, in its order."""
    found = browser.get(reverse("inbox"), query, **JSON).json()
    return [one["interrupts"][0]["value"] for one in found["waiting"]]


def answer(browser: Client, run: Run, answers: Any, **fields: str) -> Any:
    """Post the answers, a value by question id, as a program does."""
    return browser.post(reverse("run-answer", args=[run.pk]), {"answers": json.dumps(answers), **fields}, **JSON)
