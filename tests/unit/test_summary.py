"""The summary of a run that answers."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.runs.summary import command_summary, summary_after

ONE, OTHER = "c4522aa63031fe491b536093a80dd060", "0b2f9c0a-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("resume", "line"),
    [
        ({ONE: True}, "Answer: true"),
        ({ONE: {"decision": "approve"}}, "Answer: approve"),
        ({ONE: "Bergen", OTHER: 7}, "Answer: Bergen, 7"),
        ({ONE: None}, "Answer"),
        ({"amount": 7}, "Answer: amount 7"),
        (7, "Answer: 7"),
    ],
)
def test_an_answer_is_shown_without_the_id_of_its_question(resume: Any, line: str) -> None:
    assert command_summary({"resume": resume}) == line


@pytest.mark.parametrize(
    ("summary", "before", "line"),
    [
        ("Answer: approve", "Refund 5 € for order 95430", "Answer: approve · Refund 5 € for order 95430"),
        ("Answer: yes", "Answer: approve · Refund 5 €", "Answer: yes · Refund 5 €"),
        ("", "Tides · and ebbs", "Continued · Tides · and ebbs"),
        ("Answer: no", "Continued · Tides · and ebbs", "Answer: no · Tides · and ebbs"),
        ("Answer: no", "", "Answer: no"),
        ("", "", "Continued"),
    ],
)
def test_a_run_that_goes_on_says_what_it_is_about(summary: str, before: str, line: str) -> None:
    assert summary_after(summary, before) == line
